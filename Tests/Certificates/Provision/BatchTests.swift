import Certificates
import Foundation
import Linux
import OpenSSL
import Site
import Testing

@Suite("Many certificates of the internal CA at a time")
struct BatchTests {
    private let now = Int64(Date().timeIntervalSince1970)
    private let scratch: Scratch
    private let provider: CertificateProvider
    private let wanted: [CertificateSettings]

    init() throws {
        scratch = try Scratch()
        wanted = (1...130).map {
            CertificateSettings(name: "site-\($0)", names: [.exact("h\($0).foobar.com")], issuer: .internal)
        }
        var site = SiteModel(name: "foobar.com")
        site.certificateStore = scratch.store.folder
        site.certificates = Dictionary(uniqueKeysWithValues: wanted.map { ($0.name, $0) })
        provider = CertificateProvider(for: site, now: now)
    }

    @Test("all are there, whole and told to the audit log; how far it is, is said; what is there is not made again")
    func all() throws {
        _ = try provider.issue(wanted[7], reason: "test")
        var steps: [[Int]] = []
        let made = provider.provideTogether(wanted) { steps.append([$0, $1]) }
        #expect(steps == [[100, 130], [130, 130]])
        #expect(Set(made.keys) == Set(wanted.map(\.name)).subtracting(["site-8"]))
        for settings in wanted {
            let found = try #require(try provider.find(settings))
            #expect(found.bundles[0].identifiers == settings.names.map { "\($0)" })
            #expect(try scratch.store.currentGeneration(of: settings.name) == 1)
            guard let news = made[settings.name] else { continue }
            #expect(news.notes.count == 1)
            #expect(news.bundles[0].leaf.der == found.bundles[0].leaf.der)
        }
        #expect(try scratch.mode("certs/site-130/1/key.pem") == 0o600)
        let left = try FileManager.default.contentsOfDirectory(atPath: scratch.store.folder + "/site-130/1")
        #expect(left.sorted() == ["fullchain.pem", "key.pem"])
        let history = try provider.audit.verify()
        #expect(history.fault == nil)
        #expect(history.entries.filter { $0.event.certificate.hasPrefix("site-") }.count == 130)
        #expect(provider.provideTogether(wanted) { _, _ in }.isEmpty)
    }

    @Test("one that cannot be stored keeps its own hundred from being made together, and no other")
    func hundreds() throws {
        try FileManager.default.createDirectory(
            atPath: scratch.store.folder,
            withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o700]
        )
        try scratch.write("certs/site-5", "no folder")
        var steps: [[Int]] = []
        let made = provider.provideTogether(wanted) { steps.append([$0, $1]) }
        #expect(Set(made.keys) == Set(wanted[100...].map(\.name)))
        #expect(steps == [[30, 130]])
    }

    @Test("who waits for the store in vain has waited for the list of what was revoked, too")
    func held() throws {
        var site = SiteModel(name: "foobar.com")
        site.certificateStore = scratch.store.folder
        site.internalCA.revocationList = "http://foobar.com"
        let provider = CertificateProvider(for: site, now: now)
        _ = try provider.issue(wanted[0], reason: "test")
        let lock = try FileLock.take(scratch.store.folder + "/.lock", within: 60_000)
        #expect(throws: CertificateProblem.self) { try provider.provide(wanted[1]) }
        let before = try sleeps()
        #expect(throws: CertificateProblem.self) { try provider.revocationLists() }
        // Another wait is a thousand.
        let count = try sleeps() - before
        #expect(count < 1_000, "\(count)")
        _ = consume lock
        #expect(try provider.revocationLists().published.count == 1)
    }

    @Test("where one cannot be made so, each is left to be made by itself, and says why")
    func lone() throws {
        try scratch.write("certs-file", "")
        var site = SiteModel(name: "foobar.com")
        site.certificateStore = scratch.path + "/certs-file"
        let provider = CertificateProvider(for: site, now: now)
        #expect(provider.provideTogether(wanted) { _, _ in }.isEmpty)
        #expect(throws: CertificateProblem.self) { try provider.provide(wanted[0]) }
    }
}
