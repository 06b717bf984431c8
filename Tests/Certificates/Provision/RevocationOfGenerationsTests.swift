import Certificates
import Foundation
import OpenSSL
import Site
import Testing

@Suite("Generations that their CA takes back")
struct RevocationOfGenerationsTests: OneOfInternalCA {
    let now = Int64(Date().timeIntervalSince1970)
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    /// Asks nobody.
    private let outside = CertificateProvider.Outside(
        transport: { _ in ScriptedCA() },
        publish: { () throws(ACMEProblem) in },
        tell: { _ in }
    )

    private func revoke(only number: Int? = nil) throws -> CertificateProvider.Revocation {
        try provider.revoke(settings, only: number, .keyCompromise, outside)
    }

    private var listed: [[UInt8]] { get throws { try provider.livingLists().intermediates[0].entries.map(\.serial) } }

    @Test("any of them, also those whose keys are gone, each once; the audit log names each")
    func all() throws {
        let bundles = try issue(4)
        #expect(try provider.retire(settings, reason: "stolen") == [3])
        let one = try revoke(only: 2)
        #expect(one.fresh == [2] && one.known.isEmpty && one.problems == [])
        #expect(try listed == [bundles[1].leaf.serialNumber])
        let rest = try revoke()
        #expect(rest.fresh == [1, 3] && rest.known == [2] && rest.problems == [])
        #expect(try Set(listed) == Set(bundles.prefix(3).map(\.leaf.serialNumber)))
        #expect(try revoke().known == [1, 2, 3])
        let told = try store.audit.verify().entries.map(\.event).filter { $0.kind == .revoked }
        #expect(told.map(\.generation) == [2, 1, 3])
        #expect(told[0].fingerprint == bundles[1].leaf.fingerprint)
        #expect(throws: CertificateProblem.currentGeneration(name: "site", 4)) { try revoke(only: 4) }
    }

    @Test("where there is none but the one that clients are shown, that is an error, also when it was brought twice")
    func none() throws {
        let bundle = try issue(1)[0]
        #expect(throws: CertificateProblem.nothingToRevoke(name: "site")) { try revoke() }
        // As versions did that took what was there already.
        try store.save(bundle, as: "site", .imported, reason: "test", now: now)
        #expect(throws: CertificateProblem.nothingToRevoke(name: "site")) {
            try provider.revoke(settings, .superseded, outside)
        }
        // Whose key is known to somebody is told that it is in use.
        #expect(throws: CertificateProblem.sameKey(name: "site", generation: 1)) { try revoke() }
        // One of another CA would be replaced at once.
        let stranger = try InternalCA(named: "other", now: now).issue(names: ["foobar.com"], now: now)
        #expect(throws: CertificateProblem.issuedHere(name: "site")) {
            try provider.take(stranger, as: settings, from: "test")
        }
    }

    @Test("there is no way back to one that was revoked, also when its key is still there")
    func wayBack() throws {
        _ = try issue(2)
        #expect(try revoke().fresh == [1])
        #expect(FileManager.default.fileExists(atPath: store.folder + "/site/1/key.pem"))
        #expect(throws: CertificateProblem.revoked(name: "site", 1)) { try provider.rollBack(settings, reason: "test") }
        #expect(try store.currentGeneration(of: "site") == 2)
    }

    @Test("a list that is damaged is told before it is needed, and what is told puts on the next what was on it")
    func damagedList() throws {
        let bundles = try issue(4)
        #expect(try revoke(only: 2).fresh == [2])
        let looking = scratch.provider(for: settings, at: now)
        #expect(looking.storeWarnings() == [])
        let home = store.folder + "/internal-ca"
        let list = try #require(
            try FileManager.default.contentsOfDirectory(atPath: home).first { $0.hasSuffix(".crl") }
        )
        try scratch.write("certs/internal-ca/\(list)", "damaged")
        let advice = "`gatehouse certs retire NAME --revoke REASON --generation NUMBER`"
        let told = looking.storeWarnings()
        #expect(told.count == 1 && told[0].contains("\(home)/\(list): ") && told[0].contains(advice), "\(told)")
        let problem = #expect(throws: CertificateProblem.self) { _ = try looking.livingLists() }
        #expect(problem?.description.contains(advice) == true)
        let refused = try revoke(only: 3)
        #expect(refused.fresh.isEmpty && refused.problems.count == 1, "\(refused)")
        #expect(refused.problems.allSatisfy { $0.description.contains(advice) }, "\(refused)")
        // As it says.
        try FileManager.default.removeItem(atPath: "\(home)/\(list)")
        #expect(looking.storeWarnings() == [])
        #expect(try listed.isEmpty)
        #expect(try revoke(only: 2).fresh == [2])
        #expect(try listed == [bundles[1].leaf.serialNumber])
    }

    @Test("a damaged list of an intermediate whose key is gone is told as what it is: others' lists are made on")
    func damagedLastList() throws {
        _ = try issue(1)
        let looking = scratch.provider(for: settings, at: now)
        _ = try looking.livingLists()
        let home = store.folder + "/internal-ca"
        let list = try #require(
            try FileManager.default.contentsOfDirectory(atPath: home).first { $0.hasSuffix(".crl") }
        )
        _ = try looking.renewIntermediate(rootKey: nil)
        try FileManager.default.removeItem(atPath: "\(home)/1/key.pem")
        try scratch.write("certs/internal-ca/\(list)", "damaged")
        let told = looking.storeWarnings().filter { $0.contains(list) }
        #expect(told.count == 1 && told[0].contains("certs ca crl") && told[0].contains("is gone"), "\(told)")
        #expect(!told.contains { $0.contains("nothing can be revoked") || $0.contains("has the next one") }, "\(told)")
        let problem = #expect(throws: CertificateProblem.self) { _ = try looking.livingLists() }
        #expect(problem?.description.contains("none is made anew") == true)
        // As it says.
        try FileManager.default.removeItem(atPath: "\(home)/\(list)")
        #expect(!looking.storeWarnings().contains { $0.contains(list) })
        #expect(try looking.livingLists().intermediates.count == 1)
    }

    @Test("what a write or a retirement left that was broken off is in nobody's way")
    func brokenOff() throws {
        let bundles = try issue(2)
        let home = store.folder + "/site"
        for left in ["3", "4"] {
            try FileManager.default.createDirectory(atPath: "\(home)/\(left)", withIntermediateDirectories: false)
        }
        try scratch.write("certs/site/4/key.pem", bundles[0].keyPEM)
        try FileManager.default.removeItem(atPath: home + "/1/key.pem")
        let scraps = ["site/1/.revoked.1", "internal-ca/.list.crl.1"]
        for scrap in scraps { try scratch.write("certs/\(scrap)", "half") }
        #expect(try revoke().fresh == [1])
        for scrap in scraps { #expect(!FileManager.default.fileExists(atPath: "\(store.folder)/\(scrap)"), "\(scrap)") }
        #expect(try provider.retire(settings, reason: "test") == [4])
        #expect(try store.generations(of: "site") == [1, 2])
        #expect(try listed == [bundles[0].leaf.serialNumber])
    }
}
