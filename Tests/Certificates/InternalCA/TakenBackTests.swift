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
    /// Of whichever issuer, as a gateway that serves `served` has it.
    private func provide(
        _ settings: CertificateSettings,
        after served: CertificateProvider.Provided? = nil
    ) throws -> CertificateProvider.Provided {
        let present = provider
        let found = Result { () throws(CertificateProblem) in try present.find(settings) }
        if let served { try present.requireNoLoss(settings, found: found, served: served) }
        return try present.provide(settings, found: found, served: served?.bundles ?? [], isStart: served == nil)
    }

    private func web(
        of issuer: CertificateSettings.Issuer,
        standby: CertificateSettings.Issuer? = nil
    ) -> CertificateSettings {
        var web = settings
        web.issuer = issuer
        web.standby = standby
        return web
    }

    private let acme = CertificateSettings.Issuer.acme(ACMESettings(directory: "https://ca.test/directory"))

    private func isOfSigner(_ provided: CertificateProvider.Provided) throws -> Bool {
        let signer = try InternalCA.signer(in: store)
        return provided.bundles.count == 1 && signer.map { provided.bundles[0].leaf.isIssued(by: $0) } == true
    }

    @Test("of one that an ACME server is to issue by now another stands in, until that has given one")
    func changedIssuer() throws {
        _ = try provider.provide(settings)
        let changed = web(of: acme)
        let first = try provide(changed)
        #expect(!first.isStandIn)
        _ = try provider.renewIntermediate(rootKey: nil, revoking: .keyCompromise)
        let faults = provider.standing(changed).faults
        #expect(faults.first?.contains("taken back") == true, "\(faults)")
        let second = try provide(changed, after: first)
        #expect(second.isStandIn && second.isEmergency)
        #expect(try isOfSigner(second))
        #expect(second.warnings.count == 1 && second.warnings[0].contains("taken back"), "\(second.warnings)")
        #expect(try store.currentGeneration(of: "web") == 1)
    }

    /// Has the internal CA take back all that it has signed, or gives up its root for another one.
    private func disavow(isRoot: Bool) throws {
        guard isRoot else {
            _ = try provider.renewIntermediate(rootKey: nil, revoking: .keyCompromise)
            return
        }
        for part in ["internal-ca", "internal-ca-root"] {
            try FileManager.default.removeItem(atPath: "\(store.folder)/\(part)")
        }
        _ = try provider.root()
    }

    @Test("nor does what is below a root that was given up go on, also for names that another certificate lacks")
    func givenUp() throws {
        let old = try provider.provide(settings).bundles
        let changed = web(of: acme)
        let first = try provide(changed)
        #expect(!first.isStandIn)
        var lacking = changed
        lacking.name = "lacking"
        func borrowed() throws -> Int {
            let present = provider
            var known = CertificateProvider.UnnamedNames()
            let lenders = present.lenders(in: [old], for: lacking.names, knowing: &known)
            let good = present.good(for: lacking.names, in: lenders)
            let standIn = try present.provide(lacking)
            return present.borrowing(lacking, standIn, from: good, after: nil).borrowed.count
        }
        #expect(try borrowed() == 1)
        try disavow(isRoot: true)
        #expect(try borrowed() == 0)
        let faults = provider.standing(changed).faults
        #expect(faults.first?.contains("given up") == true, "\(faults)")
        let second = try provide(changed, after: first)
        #expect(second.isStandIn && second.isEmergency)
        #expect(try isOfSigner(second))
        #expect(second.warnings.contains { $0.contains("given up") }, "\(second.warnings)")
        #expect(try store.currentGeneration(of: "web") == 1)
    }

    @Test(
        "a standby that an operator has put in place is followed by the next one",
        arguments: [true, false],
        [true, false]
    )
    func standby(isShown: Bool, isRoot: Bool) throws {
        let changed = web(of: acme, standby: .internal)
        let usual = try InternalCA(named: "usual", now: now).issue(names: ["foobar.com"], now: now)
        try store.save(usual, as: "web", reason: "a test", now: now)
        let before = try provide(changed)
        let used = try provider.useStandby(changed, reason: "a test", isAsked: true)
        let first = try provide(changed, after: before)
        #expect(first.bundles.map(\.leaf.der) == [used.leaf.der])
        try disavow(isRoot: isRoot)
        let faults = provider.standing(changed).faults
        #expect(faults.count == 1 && faults[0].contains(isRoot ? "given up" : "taken back"), "\(faults)")
        let second: CertificateProvider.Provided
        if isShown {
            second = try provide(changed, after: first)
        } else {
            let present = provider
            let found = Result { () throws(CertificateProblem) in try present.find(changed) }
            second = present.provideUnshown(changed, found: found)
        }
        #expect(!second.isStandIn)
        #expect(try isOfSigner(second))
        #expect(try store.currentGeneration(of: "web") == 3)
        let standing = provider.standing(changed)
        #expect(standing.isStandby && standing.faults.isEmpty, "\(standing.faults)")
        let third = try provide(changed, after: second)
        #expect(third.bundles.map(\.leaf.der) == second.bundles.map(\.leaf.der))
        #expect(try store.contains("web.standby"))
    }

    @Test("a standby that is shown for files that cannot be read is followed by the next one")
    func standbyOfFiles() throws {
        let pair = CertificateFiles(certificate: scratch.path + "/none.crt", key: scratch.path + "/none.key")
        let changed = web(of: .files([pair]), standby: .internal)
        let ready = try #require(changed.standbyCertificate)
        _ = try provider.provide(ready)
        let first = try provide(changed)
        _ = try provider.renewIntermediate(rootKey: nil, revoking: .keyCompromise)
        #expect(try !isOfSigner(first))
        let second = try provide(changed, after: first)
        #expect(try isOfSigner(second))
    }
}
