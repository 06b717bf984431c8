import Certificates
import Foundation
import OpenSSL
import Site
import Testing

@Suite("What an intermediate signed that was taken back")
struct TakenBackTests {
    private let now = Int64(Date().timeIntervalSince1970)
    private let scratch: Scratch
    private let settings = CertificateSettings(name: "web", names: [.exact("foobar.com")], issuer: .internal)

    init() throws { scratch = try Scratch() }

    private var store: CertificateStore { scratch.store }
    private var provider: CertificateProvider { scratch.provider(for: settings, at: now) }

    @Test("what an operator went back to is replaced at once", arguments: [true, false])
    func rest(together: Bool) throws {
        let first = try provider.provide(settings).bundles[0].leaf
        _ = try provider.issue(settings, reason: "asked")
        _ = try provider.rollBack(settings, reason: "an app did not like it")
        #expect(try provider.provide(settings).bundles[0].leaf.der == first.der)
        _ = try provider.renewIntermediate(rootKey: nil, revoking: .keyCompromise)
        let faults = provider.standing(settings).faults
        #expect(faults.count == 1 && faults[0].contains("certs renew"), "\(faults)")
        if together {
            let other = CertificateSettings(name: "other", names: [.exact("o.foobar.com")], issuer: .internal)
            #expect(provider.provideTogether([settings, other]) { _, _ in }["web"] != nil)
        }
        let leaf = try provider.provide(settings).bundles[0].leaf
        #expect(try InternalCA.signer(in: store).map { leaf.isIssued(by: $0) } == true)
        #expect(provider.standing(settings).faults.isEmpty)
    }

    @Test("there is no way back to it")
    func wayBack() throws {
        _ = try provider.provide(settings)
        _ = try provider.renewIntermediate(rootKey: nil, revoking: .keyCompromise)
        let fresh = try provider.provide(settings).bundles[0].leaf
        #expect(throws: CertificateProblem.revoked(name: "web", 1)) {
            try provider.rollBack(settings, reason: "")
        }
        #expect(try provider.provide(settings).bundles[0].leaf.der == fresh.der)
        // Nor by itself, when what is served cannot be read.
        try scratch.write("certs/web/2/key.pem", "")
        let made = try provider.provide(settings)
        #expect(try InternalCA.signer(in: store).map { made.bundles[0].leaf.isIssued(by: $0) } == true)
    }
}
