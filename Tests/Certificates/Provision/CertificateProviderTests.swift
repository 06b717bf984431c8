import Certificates
import Foundation
import OpenSSL
import Site
import Testing

@Suite("Certificates of a site, from where its file says")
struct CertificateProviderTests {
    private let now = Int64(Date().timeIntervalSince1970)
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private var store: CertificateStore { scratch.store }

    private func provider(at moment: Int64? = nil) -> CertificateProvider { scratch.provider(at: moment ?? now) }

    private func settings(
        _ names: [String] = ["foobar.com", "*.foobar.com"],
        _ issuer: CertificateSettings.Issuer = .internal
    ) -> CertificateSettings {
        let patterns: [HostPattern] = names.map { $0.hasPrefix("*.") ? .wildcard(String($0.dropFirst(2))) : .exact($0) }
        return CertificateSettings(name: "site", names: patterns, issuer: issuer)
    }

    private func acme() -> CertificateSettings {
        settings(["foobar.com"], .acme(ACMESettings(directory: "https://ca.test/directory")))
    }

    @Test("the internal CA issues what is missing, once, for nobody else to read")
    func issues() throws {
        let first = try provider().provide(settings())
        #expect(first.bundles.count == 1)
        #expect(first.bundles[0].names == ["foobar.com", "*.foobar.com"])
        #expect(first.notes.count == 1 && first.warnings.isEmpty)
        #expect(first.notes[0].contains("internal-ca-root/1/fullchain.pem"), "\(first.notes)")
        #expect(try scratch.mode("certs") == 0o700)
        #expect(try scratch.mode("certs/site") == 0o700)
        #expect(try scratch.mode("certs/site/1/key.pem") == 0o600)
        #expect(try scratch.mode("certs/internal-ca/1/key.pem") == 0o600)
        let again = try provider().provide(settings())
        #expect(again.notes.isEmpty)
        #expect(again.bundles[0].chainPEM == first.bundles[0].chainPEM)
        #expect(try InternalCA.signer(in: store).map { first.bundles[0].leaf.isIssued(by: $0) } == true)
    }

    @Test("what an operator went back to stays for a day, though it is due")
    func rollsBack() throws {
        let first = try provider().provide(settings()).bundles[0].leaf
        let due = first.renewalSchedule.due
        let second = try provider(at: due).provide(settings()).bundles[0].leaf
        #expect(second.der != first.der)
        func served(at moment: Int64) throws -> [UInt8] {
            try provider(at: moment).provide(settings()).bundles[0].leaf.der
        }
        #expect(try provider(at: due).rollBack(settings(), reason: "a bad one").leaf.der == first.der)
        #expect(try served(at: due + 60) == first.der)
        let standing = provider(at: due + 60).standing(settings())
        #expect(standing.due == due + 86_400 && standing.failures == 0 && standing.faults.isEmpty)
        let rest = try #require(standing.rest(at: due + 60))
        #expect(rest.end == due + 86_400 && rest.why == "it was gone back from: a bad one")
        #expect(standing.rest(at: due + 86_400) == nil)
        #expect(try served(at: due + 86_399) == first.der)
        let third = try served(at: due + 86_400)
        #expect(third != first.der && third != second.der)
    }

    @Test("fewer names or another kind of key stay, too, until the site file asks for something else again")
    func rollsBackWish() throws {
        let first = try provider().provide(settings(["foobar.com", "www.foobar.com", "old.foobar.com"])).bundles[0].leaf
        var changed = settings(["foobar.com", "www.foobar.com"])
        changed.key = .ecdsaP384
        #expect(try provider().provide(changed).bundles[0].leaf.der != first.der)
        #expect(try provider().rollBack(changed, reason: "clients broke").leaf.der == first.der)
        for provided in [try provider().provide(changed), try #require(try together(changed))] {
            #expect(provided.bundles[0].leaf.der == first.der)
            #expect(provided.warnings.first?.contains("clients broke") == true, "\(provided.warnings)")
        }
        let next = settings(["foobar.com", "www.foobar.com", "mail.foobar.com"])
        #expect(try provider().provide(next).bundles[0].names == ["foobar.com", "www.foobar.com", "mail.foobar.com"])
    }

    @Test("nothing is gone back to that lacks a name which the site file has and clients get by now")
    func rollsBackToFewerNames() throws {
        _ = try provider().provide(settings(["foobar.com"]))
        let wide = settings(["foobar.com", "www.foobar.com"])
        let second = try provider().provide(wide).bundles[0].leaf
        let problem = CertificateProblem.fewerNames(name: "site", 1, ["www.foobar.com"])
        #expect(throws: problem) { try provider().rollBack(wide, reason: "clients broke") }
        #expect(problem.exitStatus == 1 && "\(problem)".contains("certs rotate site"))
        #expect(try provider().provide(wide).bundles[0].leaf.der == second.der)
        // The site file needs the name no more.
        #expect(try provider().rollBack(settings(["foobar.com"]), reason: "").names == ["foobar.com"])
    }

    /// As where many are made at a time.
    private func together(_ settings: CertificateSettings) throws -> CertificateProvider.Provided? {
        let other = CertificateSettings(name: "other", names: [.exact("o.foobar.com")], issuer: .internal)
        let made = provider().provideTogether([settings, other]) { _, _ in }
        #expect(made["other"] != nil)
        return try made[settings.name] ?? provider().provide(settings)
    }

    @Test("what an intermediate before signed is of this CA and stays, unless that was taken back")
    func earlierIntermediate() throws {
        let first = try provider().provide(settings()).bundles[0].leaf
        _ = try provider().renewIntermediate(rootKey: nil)
        #expect(provider().standing(settings()).faults.isEmpty)
        #expect(try provider().provide(settings()).bundles[0].leaf.der == first.der)
        _ = try provider().renewIntermediate(rootKey: nil, revoking: .keyCompromise)
        let faults = provider().standing(settings()).faults
        #expect(faults.count == 1 && faults[0].contains("taken back"), "\(faults)")
        #expect(try provider().provide(settings()).bundles[0].leaf.der != first.der)
        #expect(provider().standing(settings()).faults.isEmpty)
    }

    @Test("near the end of what he went back to it is half of what is left; another one that he makes ends that")
    func rollsBackLate() throws {
        let first = try provider().provide(settings()).bundles[0].leaf
        let late = first.validity.upperBound - 100
        _ = try provider(at: late).issue(settings(), reason: "asked")
        #expect(try provider(at: late).rollBack(settings(), reason: "").leaf.der == first.der)
        #expect(provider(at: late).standing(settings()).due == late + 50)
        _ = try provider(at: late).issue(settings(), reason: "asked")
        #expect(store.plan(of: "site").next == 0)
    }

    @Test("files may not lose a name that is served, nor the issuer's certificate, unless what is served has expired")
    func succession() throws {
        let both = settings(["foobar.com", "www.foobar.com"])
        let whole = try provider().provide(both).bundles
        let partial = try provider().provide(settings(["foobar.com"])).bundles
        let alone = [try CertificateBundle(chain: [whole[0].leaf], key: whole[0].key)]
        let files = settings(["foobar.com", "www.foobar.com"], .files([]))
        let late = provider(at: whole[0].leaf.validity.upperBound + 1)
        #expect(throws: CertificateProblem.lostNames(name: "site", ["www.foobar.com"])) {
            try provider().requireNoLess(partial, than: whole, files)
        }
        #expect(throws: CertificateProblem.lostIssuer(name: "site", issuer: whole[0].leaf.issuer)) {
            try provider().requireNoLess(alone, than: whole, files)
        }
        for (fresh, old) in [(whole, partial), (partial, partial), (whole, alone), (alone, alone), (alone, [])] {
            try provider().requireNoLess(fresh, than: old, files)
        }
        // What an issuer before gave says nothing of the files' clients, but for its names.
        try provider().requireNoLess(alone, than: whole, files, wasOfFiles: false)
        #expect(throws: CertificateProblem.lostNames(name: "site", ["www.foobar.com"])) {
            try provider().requireNoLess(partial, than: whole, files, wasOfFiles: false)
        }
        try late.requireNoLess(partial, than: whole, files)
        try late.requireNoLess(alone, than: whole, files)
    }

    @Test("a clock that jumps a year ahead and back: at each moment one is served that is valid then")
    func clockJumps() throws {
        let first = try provider().provide(settings())
        let ahead = now + 366 * 86_400
        let second = try provider(at: ahead).provide(settings())
        #expect(second.notes.count == 1 && second.bundles[0].leaf.der != first.bundles[0].leaf.der)
        try second.bundles[0].requireValid(at: ahead)
        // It was made by a clock that nothing vouched for, and is good by the one of before, too.
        try second.bundles[0].requireValid(at: now)
        #expect(try provider(at: ahead + 1).provide(settings()).notes.isEmpty)
        let third = try provider().provide(settings())
        #expect(third.notes.isEmpty, "\(third.notes)")
        #expect(third.bundles[0].leaf.der == second.bundles[0].leaf.der)
        #expect(try store.audit.verify().fault == nil)
    }

    @Test("another is issued when names, key or CA are others, and when a third of its life is left")
    func reissues() throws {
        _ = try provider().provide(settings())
        let names = try provider().provide(settings(["foobar.com"]))
        #expect(names.bundles[0].names == ["foobar.com"] && names.notes[0].contains("and not foobar.com"))
        var other = settings(["foobar.com"])
        other.key = .ecdsaP384
        let key = try provider().provide(other)
        #expect(key.bundles[0].key.kind == .ecdsaP384)
        let renewal = try #require(key.renewal)
        #expect(renewal > now + InternalCA.leafLifetime / 2 && renewal < now + InternalCA.leafLifetime * 3 / 4)
        #expect(try provider(at: renewal - 1).provide(other).notes.isEmpty)
        let renewed = try provider(at: renewal).provide(other)
        #expect(renewed.notes.count == 1)
        try renewed.bundles[0].requireValid(at: now + InternalCA.leafLifetime + 1)
        let expired = try provider(at: now + 90 * 86_400).provide(other)
        #expect(expired.notes.count == 1)
        try FileManager.default.removeItem(atPath: store.folder + "/internal-ca")
        let fresh = try provider(at: now + 90 * 86_400).provide(other)
        // Without the signer there is nothing to compare with: the stored one is good until it is looked at again.
        #expect(fresh.notes.isEmpty)
        _ = try InternalCA.loadOrCreate(in: store, named: "foobar.com", now: now + 90 * 86_400)
        let changed = try provider(at: now + 90 * 86_400).provide(other)
        #expect(changed.notes.first?.contains("another CA") == true, "\(changed.notes)")
    }

    @Test("the intermediate is renewed by its root before leaves outlive it")
    func intermediate() throws {
        let first = try provider().provide(settings())
        let late = now + 1825 * 86_400 - 20 * 86_400
        let second = try provider(at: late).provide(settings())
        #expect(second.notes.count == 1)
        #expect(second.bundles[0].leaf.validity.upperBound == late + InternalCA.leafLifetime)
        #expect(try store.loadChain("internal-ca")[1].pem == store.loadChain("internal-ca-root")[0].pem)
        #expect(first.bundles[0].chain[1].pem != second.bundles[0].chain[1].pem)
        try second.bundles[0].requireValid(at: late)
    }

    @Test("a damaged one is made again; a key that others can read is a matter for a person")
    func damaged() throws {
        _ = try provider().provide(settings())
        try scratch.write("certs/site/1/fullchain.pem", "no certificate", mode: 0o644)
        let again = try provider().provide(settings())
        #expect(again.notes.first?.contains("of no use") == true, "\(again.notes)")
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o644],
            ofItemAtPath: scratch.path + "/certs/site/2/key.pem"
        )
        let problem = #expect(throws: CertificateProblem.self) { try provider().provide(settings()) }
        #expect(problem?.description.contains("chmod 600") == true)
    }

    @Test("one of ACME is served from the store; until it is there a stand-in is, which is kept nowhere")
    func standsIn() throws {
        #expect(try provider().inspect(acme()).first?.contains("stands in") == true)
        #expect(!FileManager.default.fileExists(atPath: store.folder), "to inspect changes nothing")
        let first = try provider().provide(acme())
        #expect(first.bundles[0].names == ["foobar.com"])
        #expect(first.warnings.count == 1 && first.warnings[0].contains("stands in") && first.renewal == nil)
        #expect(try !store.contains("site"))
        let real = try InternalCA(named: "real", now: now).issue(names: ["foobar.com"], now: now)
        try store.save(real, as: "site", .imported, reason: "test", now: now)
        let second = try provider().provide(acme())
        #expect(second.bundles[0].chainPEM == real.chainPEM && second.warnings.isEmpty)
        let late = try provider(at: now + 100 * 86_400).provide(acme())
        #expect(late.bundles[0].chainPEM == real.chainPEM)
        #expect(late.warnings.first?.contains("expired") == true, "\(late.warnings)")
    }

    @Test("files are served as they are, or refused")
    func files() throws {
        let bundle = try InternalCA(named: "real", now: now).issue(names: ["foobar.com"], now: now)
        let pair = CertificateFiles(
            certificate: try scratch.write("chain.pem", bundle.chainPEM),
            key: try scratch.write("key.pem", bundle.keyPEM)
        )
        let provided = try provider().provide(settings(["foobar.com", "www.foobar.com"], .files([pair])))
        #expect(provided.bundles[0].chainPEM == bundle.chainPEM)
        #expect(provided.warnings.count == 1 && provided.warnings[0].contains("does not cover www.foobar.com"))
        #expect(throws: CertificateProblem.self) {
            try provider(at: now + 100 * 86_400).provide(settings(["foobar.com"], .files([pair])))
        }
    }

    @Test("processes that start at once agree on one CA and one certificate")
    func together() async throws {
        let settings = settings()
        let provider = provider()
        let chains = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<8 { group.addTask { try provider.provide(settings).bundles[0].chainPEM } }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(chains.count == 1)
    }

    @Test("generations older than the one before are removed")
    func generations() throws {
        for round in 0..<4 { _ = try provider(at: now + Int64(round) * 60 * 86_400).provide(settings()) }
        let kept = try FileManager.default.contentsOfDirectory(atPath: store.folder + "/site").sorted()
        #expect(kept == ["3", "4", "current"])
    }
}
