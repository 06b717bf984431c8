import Certificates
import Foundation
import OpenSSL
import Site
import Testing

@Suite("The key of the next generation")
struct KeyReuseTests {
    private let now = Int64(Date().timeIntervalSince1970)
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private var store: CertificateStore { scratch.store }

    private var provider: CertificateProvider { scratch.provider(at: now) }

    @Test("a new one each time, unless the site file says otherwise and its kind is the same")
    func reuse() throws {
        var settings = CertificateSettings(name: "site", names: [.exact("foobar.com")], issuer: .internal)
        let first = try provider.issue(settings, reason: "")
        let second = try provider.issue(settings, reason: "")
        #expect(!first.key.belongs(to: second.leaf))
        try provider.requireOtherKey(settings)
        settings.reusesKey = true
        let third = try provider.issue(settings, reason: "")
        #expect(second.key.belongs(to: third.leaf) && second.leaf.der != third.leaf.der)
        // Who says that the old key is known to somebody is told that it is the new one, too.
        #expect(throws: CertificateProblem.sameKey(name: "site", generation: 2)) {
            try provider.requireOtherKey(settings)
        }
        #expect(throws: CertificateProblem.sameKey(name: "site", generation: 2)) {
            try provider.revoke(
                settings,
                .keyCompromise,
                .init(transport: { _ in ScriptedCA() }, publish: {}, tell: { _ in })
            )
        }
        settings.key = .ecdsaP384
        #expect(try !third.key.belongs(to: provider.issue(settings, reason: "").leaf))
    }
}
