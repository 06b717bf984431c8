import Certificates
import Foundation
import OpenSSL
import Site
import Testing

@Suite("An internal CA of which the store has lost a part")
struct LostAuthorityTests {
    private let now = Int64(Date().timeIntervalSince1970)
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private var store: CertificateStore { scratch.store }
    private var provider: CertificateProvider { scratch.provider(for: settings("web"), at: now) }

    private func settings(_ name: String) -> CertificateSettings {
        CertificateSettings(name: name, names: [.exact("\(name).foobar.com")], issuer: .internal)
    }

    private func remove(_ path: String) throws {
        try FileManager.default.removeItem(atPath: "\(store.folder)/\(path)")
    }

    private func served(_ name: String) throws -> [UInt8] { try provider.provide(settings(name)).bundles[0].leaf.der }

    @Test(
        "while the root and its key are there, another intermediate is of that root",
        arguments: ["internal-ca", "internal-ca/current"]
    )
    func intermediate(lost: String) throws {
        let root = try provider.root()
        let first = try served("web")
        try remove(lost)
        #expect(try served("web") == first)
        let other = try provider.provide(settings("other")).bundles[0]
        #expect(other.chain[1].isIssued(by: root))
        #expect(try provider.existingRoot().der == root.der)
        #expect(try store.generations(of: "internal-ca-root") == [1])
        #expect(try store.audit.verify().fault == nil)
    }

    @Test("once the root's key is elsewhere, it is asked for")
    func rootKeyElsewhere() throws {
        _ = try served("web")
        var taken: PrivateKey?
        try InternalCA.detachRoot(from: store, now: now) { key in taken = key }
        try remove("internal-ca")
        try expectNothingMade(.rootKeyAway(folder: store.folder))
        let key = try #require(taken)
        let bytes = key.pem
        let text = String(decoding: (0..<bytes.count).map { bytes.bytes[$0] }, as: UTF8.self)
        let signer = try provider.renewIntermediate(rootKey: scratch.write("root.pem", text))
        #expect(try provider.provide(settings("other")).bundles[0].chain[1].der == signer.der)
    }

    @Test("once all of it is gone, no other is made before an operator asks for one")
    func whole() throws {
        let first = try served("web")
        let root = try provider.existingRoot()
        try remove("internal-ca")
        try remove("internal-ca-root")
        try expectNothingMade(.lostAuthority(folder: store.folder))
        #expect(try served("web") == first)
        let told = provider.storeWarnings()
        #expect(told.contains { $0.contains("THE INTERNAL CA IS GONE") }, "\(told)")
        let standing = provider.standing(settings("web"))
        #expect(standing.warnings.contains { $0.contains("certs ca init") }, "\(standing)")
        #expect(try provider.root().der != root.der)
        #expect(try served("web") != first)
        #expect(provider.storeWarnings().isEmpty, "\(provider.storeWarnings())")
    }

    @Test("what it signed is none of an ACME server's, which is asked for another", arguments: [false, true])
    func toServer(isMadeAnew: Bool) throws {
        _ = try served("web")
        try remove("internal-ca")
        try remove("internal-ca-root")
        if isMadeAnew { _ = try provider.root() }
        var settings = settings("web")
        settings.issuer = .acme(ACMESettings(directory: "https://ca.test/directory"))
        let words = "the internal CA issued it, and the site file names https://ca.test/directory by now"
        let standing = provider.standing(settings)
        #expect(standing.faults.last == words && standing.due == 0, "\(standing)")
        let others = standing.faults.dropLast()
        #expect(others.count == (isMadeAnew ? 1 : 0) && others.allSatisfy { $0.contains("given up") }, "\(standing)")
        #expect(try provider.inspect(settings).contains { $0.contains("browsers refuse") })
        // What came from elsewhere is none of it.
        let bundle = try InternalCA(named: "other", now: now).issue(names: ["web.foobar.com"], now: now)
        try store.save(bundle, as: "web", .imported, reason: "a test", now: now)
        #expect(provider.standing(settings).faults.isEmpty)
    }

    @Test("what it signed, and an ACME server is to issue by now, is shown on until the root is given up")
    func ofServer() throws {
        let first = try served("web")
        var settings = settings("web")
        settings.issuer = .acme(ACMESettings(directory: "https://ca.test/directory"))
        try InternalCA.detachRoot(from: store, now: now) { _ in }
        #expect(try provider.provide(settings).bundles[0].leaf.der == first)
        let other = try Scratch()
        _ = try other.provider(for: self.settings("web"), at: now).root()
        try put(other.store.folder + "/", away: "before")
        withExtendedLifetime(other) {}
        #expect(try !provider.knowsRoot && provider.provide(settings).bundles[0].leaf.der == first)
        for part in Self.parts {
            try remove(part)
            #expect(try provider.provide(settings).bundles[0].leaf.der == first)
        }
        _ = try provider.root()
        #expect(try provider.provide(settings).isStandIn)
    }

    @Test("a first start that was broken off has lost nothing: the root that it made signs")
    func brokenOff() throws {
        let root = try provider.root()
        try remove("internal-ca")
        try remove("audit.log")
        #expect(try provider.provide(settings("web")).bundles[0].chain[1].isIssued(by: root))
        #expect(try provider.existingRoot().der == root.der)
    }

    @Test("one that somebody has put in its place signs nothing, until an operator wants it, or the one before is back")
    func replaced() throws {
        let first = try served("web")
        let root = try provider.existingRoot()
        let other = try Scratch()
        let foreign = try other.provider(for: settings("web"), at: now).root()
        try put(other.store.folder + "/", away: "before")
        withExtendedLifetime(other) {}
        let problem = CertificateProblem.foreignRoot(fingerprint: foreign.fingerprint, folder: store.folder)
        #expect(throws: problem) { try provider.issue(settings("web"), reason: "asked") }
        #expect(throws: problem) { try provider.provide(settings("other")) }
        #expect(throws: problem) { try provider.renewIntermediate(rootKey: nil) }
        #expect(try served("web") == first)
        #expect(provider.storeWarnings().contains { $0.contains("ROOT OF THE INTERNAL CA IS ANOTHER") })

        try put("\(scratch.path)/before-", away: "foreign")
        #expect(provider.storeWarnings().isEmpty, "\(provider.storeWarnings())")
        #expect(try provider.provide(settings("other")).bundles[0].chain[1].isIssued(by: root))

        try put("\(scratch.path)/foreign-", away: "again")
        #expect(!provider.knowsRoot)
        #expect(try provider.root().der == foreign.der && provider.knowsRoot)
        #expect(provider.storeWarnings().isEmpty, "\(provider.storeWarnings())")
        #expect(try served("web") != first)
        let history = try store.audit.verify()
        #expect(try history.fault == nil && store.discrepancies(from: history).isEmpty)
    }

    @Test("one that was given up signs nothing when it is back, until an operator wants it again")
    func givenUp() throws {
        let first = try served("web")
        let root = try provider.existingRoot()
        for part in Self.parts {
            try FileManager.default.moveItem(
                atPath: "\(store.folder)/\(part)",
                toPath: "\(scratch.path)/before-\(part)"
            )
        }
        let next = try provider.root()
        let second = try served("web")
        #expect(next.der != root.der && second != first)

        try put("\(scratch.path)/before-", away: "next")
        let problem = CertificateProblem.foreignRoot(fingerprint: root.fingerprint, folder: store.folder)
        #expect(throws: problem) { try provider.issue(settings("web"), reason: "asked") }
        #expect(throws: problem) { try provider.renewIntermediate(rootKey: nil) }
        #expect(try served("web") == second && !provider.knowsRoot)
        let faults = provider.standing(settings("web")).faults
        #expect(!faults.isEmpty && faults.allSatisfy { !$0.contains("certs renew") }, "\(faults)")
        #expect(provider.storeWarnings().contains { $0.contains("ROOT OF THE INTERNAL CA IS ANOTHER") })

        try put("\(scratch.path)/next-", away: "before")
        #expect(provider.knowsRoot && provider.storeWarnings().isEmpty, "\(provider.storeWarnings())")
        #expect(try provider.provide(settings("other")).bundles[0].chain[1].isIssued(by: next))

        try put("\(scratch.path)/before-", away: "next")
        #expect(try provider.root().der == root.der && provider.knowsRoot)
        #expect(try served("web") != second)
    }

    @Test("which root is its store's a gateway knows for as long as it runs; who begins asks the history")
    func known() throws {
        let gateway = SiteWishes()
        func provider(after wishes: SiteWishes?) -> CertificateProvider {
            var site = SiteModel(name: "foobar.com")
            site.certificateStore = store.folder
            return CertificateProvider(for: site, now: now, after: wishes)
        }
        _ = try provider(after: gateway).root()
        #expect(provider(after: gateway).knowsRoot && provider(after: nil).knowsRoot)
        // The history of another store, which tells of another root.
        let other = try Scratch()
        _ = try other.provider(for: settings("web"), at: now).root()
        try remove("audit.log")
        try FileManager.default.moveItem(atPath: other.store.audit.path, toPath: store.audit.path)
        withExtendedLifetime(other) {}
        #expect(provider(after: gateway).knowsRoot)
        #expect(!provider(after: nil).knowsRoot && !provider(after: SiteWishes()).knowsRoot)
    }

    private static let parts = ["internal-ca", "internal-ca-root"]

    /// Puts another CA into the store, and what is there elsewhere.
    private func put(_ source: String, away: String) throws {
        for part in Self.parts {
            let place = "\(store.folder)/\(part)"
            try FileManager.default.moveItem(atPath: place, toPath: "\(scratch.path)/\(away)-\(part)")
            try FileManager.default.moveItem(atPath: source + part, toPath: place)
        }
    }

    private func expectNothingMade(_ problem: CertificateProblem) throws {
        #expect(throws: problem) { try provider.issue(settings("web"), reason: "asked") }
        #expect(throws: problem) { try provider.provide(settings("other")) }
        #expect(try !store.contains("other") && !store.contains("internal-ca"))
    }
}
