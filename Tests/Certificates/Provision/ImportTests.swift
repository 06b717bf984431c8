import Certificates
import Foundation
import OpenSSL
import Site
import Testing

@Suite("Certificates that are brought")
struct ImportTests {
    private let now = Int64(Date().timeIntervalSince1970)
    private let scratch: Scratch
    private let other: InternalCA
    private let settings = CertificateSettings(
        name: "site",
        names: [.exact("foobar.com")],
        issuer: .acme(ACMESettings(directory: "https://ca.test/directory"))
    )

    init() throws {
        scratch = try Scratch()
        other = try InternalCA(named: "other", now: now)
    }

    private var provider: CertificateProvider { scratch.provider(for: settings, at: now) }

    @Test("one that is in use already is not taken again, so that there is a way back to the one before")
    func again() throws {
        let first = try other.issue(names: ["foobar.com"], now: now)
        let second = try other.issue(names: ["foobar.com"], now: now)
        #expect(try provider.take(first, as: settings, from: "a test") == nil)
        #expect(try provider.take(second, as: settings, from: "a test") == nil)
        for _ in 1...3 { #expect(try provider.take(second, as: settings, from: "a test") == 2) }
        #expect(try scratch.store.generations(of: "site") == [1, 2])
        #expect(try provider.rollBack(settings, reason: "test").leaf.der == first.leaf.der)
        // In the store is not in use.
        #expect(try provider.take(second, as: settings, from: "a test") == nil)
        #expect(try scratch.store.load("site").leaf.der == second.leaf.der)
        // Another chain behind the same certificate is another thing.
        let longer = try CertificateBundle(chain: second.chain + [other.rootCertificate], key: second.key)
        #expect(try provider.take(longer, as: settings, from: "a test") == nil)
        // What is damaged is brought anew.
        try scratch.write("certs/site/4/fullchain.pem", "", mode: 0o644)
        #expect(try provider.take(longer, as: settings, from: "a test") == nil)
        #expect(try scratch.store.load("site").hasCertificates(of: longer))
    }

    @Test("tries that failed before are over, and so is what an operator went back to; what CAs asked for is not")
    func endsTries() throws {
        var plan = RenewalPlan()
        plan.hold("https://ca.test/directory", until: now + 3_600)
        for _ in 0..<4 { plan.fail("the CA is away", wishing: settings.wish, at: now) }
        scratch.store.keep(plan, of: "site")
        #expect(provider.standing(settings).failures == 4)
        for _ in 0..<2 {
            let brought = try other.issue(names: ["foobar.com"], now: now)
            try provider.take(brought, as: settings, from: "a test")
            let standing = provider.standing(settings)
            #expect(standing.failures == 0 && standing.rest(at: now) == nil && !standing.isWanting(at: now))
            #expect(standing.due == brought.leaf.renewalSchedule.due, "\(standing)")
            #expect(standing.plan.held["https://ca.test/directory"] == now + 3_600)
            let more = try other.issue(names: ["foobar.com"], now: now)
            try provider.take(more, as: settings, from: "a test")
            _ = try provider.rollBack(settings, reason: "a test")
            #expect(provider.standing(settings).rest(at: now) != nil)
        }
    }

    @Test("a key that browsers refuse is said to be one, also in the store; others are not")
    func keys() throws {
        for kind in PrivateKey.Kind.allCases where kind != .rsa4096 {
            let bundle = try other.issue(names: ["foobar.com"], key: kind, now: now)
            #expect((provider.doubt(of: bundle, settings) != nil) == (kind == .ed25519), "\(kind)")
        }
        let ed = try other.issue(names: ["foobar.com"], key: .ed25519, now: now)
        let words = "type ed25519: \(CertificateSettings.KeyType.refusalOfEd25519)"
        #expect(provider.doubt(of: ed, settings)?.contains(words) == true)
        try provider.take(ed, as: settings, from: "a test")
        #expect(try provider.inspect(settings).contains { $0.contains(words) })
        #expect(provider.standing(settings).warnings.isEmpty, "it may be meant")
        let key = try RealTools.run("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521")
        let bytes = Array(key.output.utf8)
        let odd = try other.issue(names: ["foobar.com"], for: try PrivateKey(pem: bytes.span), now: now)
        #expect(provider.doubt(of: odd, settings)?.contains("type ecdsa-p521: no browser of Chromium's kind") == true)
    }

    @Test("none is put out into the store's own folders, by whatever path; the store stays as it is")
    func export() throws {
        try provider.take(try other.issue(names: ["foobar.com"], now: now), as: settings, from: "a test")
        let folder = scratch.store.folder
        try FileManager.default.createSymbolicLink(atPath: scratch.path + "/link", withDestinationPath: folder)
        let before = try FileManager.default.subpathsOfDirectory(atPath: folder).sorted()
        for out in ["", "/site", "/site/1", "/new/folder", "/../certs/site", "/site/../new"] {
            for home in [folder, scratch.path + "/link"] {
                let problem = CertificateProblem.insideStore(path: home + out, folder: folder)
                #expect(throws: problem) { try provider.export(settings, to: home + out) }
                #expect(problem.exitStatus == 2)
            }
        }
        #expect(try FileManager.default.subpathsOfDirectory(atPath: folder).sorted() == before)
        try provider.export(settings, to: scratch.path + "/certs-out/site")
        try provider.export(settings, to: folder + "/../other")
        #expect(try scratch.mode("other/privkey.pem") == 0o600 && scratch.mode("certs-out/site/privkey.pem") == 0o600)
    }
}
