import Foundation
import OpenSSL
import Site
import Testing

@testable import Certificates

@Suite("A store that somebody else has been at")
struct StoreInspectionTests: OneOfInternalCA {
    let now = Int64(Date().timeIntervalSince1970)
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func discrepancies(_ name: String? = nil) throws -> [CertificateStore.Discrepancy] {
        try store.discrepancies(from: try store.audit.verify(), of: name)
    }

    private func shorten(to count: Int) throws {
        let lines = try String(contentsOfFile: store.audit.path, encoding: .utf8).split(separator: "\n")
        try scratch.write("certs/audit.log", lines.prefix(count).map { $0 + "\n" }.joined())
    }

    @Test("lines that were taken from the log's end are missed, and a log that is empty or gone")
    func shortened() throws {
        // Root, intermediate, and two generations.
        let bundles = try issue(2)
        #expect(try discrepancies().isEmpty)
        try shorten(to: 3)
        #expect(try store.audit.verify().fault == nil)
        let one = try discrepancies()
        #expect(one.map(\.generation) == [2] && one.map(\.name) == ["site"] && !one[0].isSwapped)
        #expect("\(one[0])".contains("generation 2 is in no line of the audit log"))
        #expect(one[0].found == bundles[1].leaf.fingerprint)
        try shorten(to: 0)
        #expect(try discrepancies().map(\.name) == ["internal-ca", "internal-ca-root", "site", "site"])
        try FileManager.default.removeItem(atPath: store.audit.path)
        #expect(try discrepancies().count == 4)
        #expect(try discrepancies("site").count == 2)
    }

    @Test("a certificate that is not the one of the log is named, and a new one mends that")
    func swapped() throws {
        let bundles = try issue(2)
        let alien = try InternalCA(named: "alien", now: now).issue(names: ["foobar.com"], now: now)
        try scratch.write("certs/site/2/fullchain.pem", alien.chainPEM, mode: 0o644)
        try scratch.write("certs/site/2/key.pem", alien.keyPEM)
        let found = try discrepancies()
        #expect(found.count == 1 && found[0].isSwapped && found[0].told == bundles[1].leaf.fingerprint)
        #expect("\(found[0])".contains("IS NOT THE CERTIFICATE OF THE AUDIT LOG"))
    }

    @Test("what a crash left above the current generation is no finding, goes with the next, and rollbacks stay")
    func leftovers() throws {
        let bundles = try issue(2)
        // As when the power failed before the log was told.
        let left = try provider.issue(settings, reason: "test")
        try shorten(to: 4)
        try scratch.write("certs/site/current", "2\n", mode: 0o644)
        #expect(try discrepancies().isEmpty)
        _ = try issue(1)
        #expect(try store.currentGeneration(of: "site") == 4)
        #expect(try discrepancies().isEmpty)
        #expect(try store.generations(of: "site") == [1, 2, 4], "\(left.leaf.fingerprint)")
        _ = try provider.rollBack(settings, reason: "test")
        #expect(try store.load("site").leaf.der == bundles[1].leaf.der)
        _ = try issue(1)
        #expect(try store.generations(of: "site") == [1, 2, 4, 5])
        #expect(try discrepancies().isEmpty)
    }

    @Test("what a crash left goes with the next, too, when its key was deleted by command meanwhile")
    func retiredLeftover() throws {
        _ = try issue(2)
        _ = try provider.issue(settings, reason: "test")
        try shorten(to: 4)
        try scratch.write("certs/site/current", "2\n", mode: 0o644)
        #expect(try store.retire("site", reason: "test", now: now) == [3])
        #expect(try discrepancies().isEmpty)
        _ = try issue(1)
        #expect(try store.generations(of: "site") == [1, 2, 4])
        #expect(try discrepancies().isEmpty)
    }

    @Test("generations from before a history that begins anew stay, also where the pointer is lost")
    func begunAnew() throws {
        _ = try issue(2)
        let log = try String(contentsOfFile: store.audit.path, encoding: .utf8)
        try scratch.write("certs/audit.log", log.replacingOccurrences(of: "issued", with: "Issued"))
        _ = try issue(1)
        #expect(try store.audit.verify().entries.first?.event.kind == .begun)
        try FileManager.default.removeItem(atPath: store.pointer(of: "site"))
        _ = try issue(1)
        #expect(try store.currentGeneration(of: "site") == 4)
        #expect(try store.generations(of: "site") == [1, 2, 3, 4])
        #expect(try discrepancies().isEmpty)
    }

    @Test("places that others may write, and old keys that they may read, are found, and nothing is refused for them")
    func places() throws {
        let bundle = try issue(2)[1]
        let provider = scratch.provider(for: settings, at: now)
        _ = try provider.claimed(settings, by: "test", isPatient: false, tell: { _ in }, { () in })
        #expect(provider.storeWarnings().isEmpty)
        let places = [
            ("site/2", 0o770, 0o700), ("site/1", 0o777, 0o700), ("internal-ca/1", 0o770, 0o700),
            (".claims", 0o777, 0o700),
            ("site/1/key.pem", 0o666, 0o600), ("site/1/key.pem", 0o640, 0o600), (".lock", 0o666, 0o600),
        ]
        for (place, bad, good) in places {
            let path = scratch.path + "/certs/" + place
            try FileManager.default.setAttributes([.posixPermissions: bad], ofItemAtPath: path)
            let found = provider.storeWarnings()
            let advice = "chmod \(String(good, radix: 8)) \(path)"
            #expect(found.count == 1 && found[0].contains(advice), "\(place): \(found)")
            try FileManager.default.setAttributes([.posixPermissions: good], ofItemAtPath: path)
        }
        #expect(try store.load("site").leaf.der == bundle.leaf.der)
        // Of what is in use, whoever reads it says so, and refuses it.
        let key = scratch.path + "/certs/site/2/key.pem"
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: key)
        #expect(provider.storeWarnings().isEmpty)
        let problem = #expect(throws: CertificateProblem.self) { try store.load("site") }
        #expect("\(problem as Any)".contains("chmod 600 \(key)"), "\(problem as Any)")
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: key)
        // An old one that is elsewhere.
        let old = scratch.path + "/certs/site/1/key.pem"
        try FileManager.default.moveItem(atPath: old, toPath: scratch.path + "/elsewhere")
        #expect(provider.storeWarnings().isEmpty)
        try FileManager.default.createSymbolicLink(atPath: old, withDestinationPath: scratch.path + "/elsewhere")
        let found = provider.storeWarnings()
        #expect(found.count == 1 && found[0].contains("rm \(old)"), "\(found)")
    }

    @Test("a history that is gone, or empty, is told as long as there is none", arguments: [true, false])
    func historyGone(isRemoved: Bool) throws {
        _ = try issue(1)
        let provider = scratch.provider(for: settings, at: now)
        #expect(provider.storeWarnings().isEmpty)
        if isRemoved {
            try FileManager.default.removeItem(atPath: store.audit.path)
        } else {
            try scratch.write("certs/audit.log", "")
        }
        let found = provider.storeWarnings()
        #expect(found.count == 1 && found[0].contains("audit.log IS GONE, or empty"), "\(found)")
        _ = try issue(1)
        #expect(provider.storeWarnings().isEmpty)
    }

    @Test("a way back is looked at as it would be gone, and is missed where nothing tells that it was ended")
    func wayBack() throws {
        func fault(at moment: Int64? = nil) throws -> String? {
            let provider = scratch.provider(at: moment ?? now)
            return provider.faultOfWayBack(of: "site", from: try store.audit.verify())
        }
        #expect(try fault() == nil, "nothing is there")
        let first = try issue(1)[0]
        #expect(try fault() == nil, "there was none before")
        _ = try issue(1)
        #expect(try fault() == nil)
        #expect(try fault(at: first.leaf.validity.upperBound + 1) == nil, "its time is over")
        let key = store.folder + "/site/1/key.pem"
        let text = try String(contentsOfFile: key, encoding: .utf8)
        try scratch.write("certs/site/1/key.pem", "")
        let emptied = try #require(try fault())
        #expect(emptied.contains("no way back") && emptied.contains("/site/1/key.pem"), "\(emptied)")
        try scratch.write("certs/site/1/key.pem", text, mode: 0o644)
        #expect(try fault()?.contains("chmod 600") == true)
        try FileManager.default.removeItem(atPath: key)
        #expect(try fault()?.contains("generation 1: its key or its certificate IS GONE") == true)
        try FileManager.default.removeItem(atPath: store.folder + "/site/1")
        #expect(try fault()?.contains("IS GONE") == true)
        // What was deleted by command, or gone back from, is missed by nobody.
        _ = try issue(1)
        #expect(try fault() == nil)
        _ = try store.retire("site", reason: "test", now: now)
        #expect(try fault() == nil)
        _ = try issue(1)
        _ = try provider.rollBack(settings, reason: "test")
        #expect(try fault() == nil)
    }

    @Test("a crash between the history's first line and the first pointer leaves a way back, and no fault")
    func firstPointer() throws {
        let first = try issue(1)[0]
        // As when the power failed before it was put in its place.
        try FileManager.default.removeItem(atPath: store.pointer(of: "site"))
        _ = try issue(1)
        #expect(try store.currentGeneration(of: "site") == 2)
        #expect(provider.faultOfWayBack(of: "site", from: try store.audit.verify()) == nil)
        #expect(try discrepancies().isEmpty)
        #expect(try store.rollBack("site", reason: "test", now: now).leaf.der == first.leaf.der)
    }

    @Test("nor does one before that line: what it left goes with the next")
    func firstLine() throws {
        _ = try provider.root()
        let lines = try String(contentsOfFile: store.audit.path, encoding: .utf8)
        _ = try issue(1)
        try scratch.write("certs/audit.log", lines)
        try FileManager.default.removeItem(atPath: store.pointer(of: "site"))
        _ = try issue(1)
        #expect(try store.generations(of: "site") == [2])
        #expect(provider.faultOfWayBack(of: "site", from: try store.audit.verify()) == nil)
        #expect(try discrepancies().isEmpty)
    }

    @Test("the history of a store is not missed where a version changed it that kept none")
    func olderVersion() throws {
        _ = try issue(1)
        let provider = scratch.provider(for: settings, at: now)
        try FileManager.default.removeItem(atPath: store.audit.path)
        #expect(provider.storeWarnings().count == 1)
        // Such a one only locked.
        try scratch.write("certs/.lock", "")
        #expect(provider.storeWarnings().isEmpty)
        _ = try issue(1)
        try FileManager.default.removeItem(atPath: store.audit.path)
        #expect(provider.storeWarnings().count == 1)
    }

    @Test("what helps where the internal CA's own files are damaged or others is a command that knows them")
    func authority() throws {
        _ = try issue(1)
        let path = store.folder + "/internal-ca/1/fullchain.pem"
        let whole = try String(contentsOfFile: path, encoding: .utf8)
        let alien = try InternalCA(named: "alien", now: now)
        for damage in [String(whole.prefix(100)), alien.signingCertificate.pem, alien.signingCertificate.pem + whole] {
            try damage.write(toFile: path, atomically: false, encoding: .utf8)
            let found = try discrepancies()
            #expect(found.count == 1 && "\(found)".contains("`gatehouse certs ca renew` "), "\(found)")
            let refused = #expect(throws: CertificateProblem.self) { try provider.issue(settings, reason: "test") }
            let words = "\(refused as Any)"
            #expect(words.contains("gatehouse certs ca renew") && !words.contains("put the server's"), "\(words)")
        }
        _ = try provider.renewIntermediate(rootKey: nil)
        _ = try issue(1)
        try scratch.write("certs/internal-ca-root/1/fullchain.pem", "", mode: 0o644)
        let found = try discrepancies("internal-ca-root")
        #expect("\(found)".contains("bring it back from a backup") && !"\(found)".contains("rotate"), "\(found)")
        let problem = CertificateProblem.damagedAuthority(path: "", name: "internal-ca-root", .noKey)
        #expect("\(problem)".contains("ca export"))
    }

    @Test("the key of an account at a CA is looked at, and what to do about it is said")
    func account() throws {
        var settings = settings
        settings.issuer = .acme(ACMESettings(directory: "https://ca.test/directory"))
        let provider = scratch.provider(for: settings, at: now)
        let account = ACMEAccountStore(store, directory: "https://ca.test/directory")
        _ = try account.load()
        #expect(provider.storeWarnings().isEmpty)
        let accounts = store.folder + "/acme-accounts"
        let one = try #require(FileManager.default.contentsOfDirectory(atPath: accounts).first)
        try scratch.write("certs/acme-accounts/\(one)/key.pem", "")
        let found = provider.storeWarnings()
        let what = "nothing could be asked of https://ca.test/directory"
        #expect(found.count == 1 && found[0].contains(what), "\(found)")
        #expect(found.contains { $0.contains("move \(accounts)/\(one) out of the store") }, "\(found)")
        #expect(throws: CertificateProblem.self) { try account.load() }
        try FileManager.default.moveItem(atPath: "\(accounts)/\(one)", toPath: scratch.path + "/moved")
        #expect(provider.storeWarnings().isEmpty)
    }

    /// A folder of this test's own, that a link of the store leads to.
    private func victim() throws -> String {
        let path = scratch.path + "/victim"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try scratch.write("victim/kept", "kept")
        try scratch.write("victim/key.pem", "kept")
        return path
    }

    @Test("a link among the generations is not followed: what it leads to stays, and it is named", arguments: [2, 9])
    func linkedGeneration(number: Int) throws {
        _ = try issue(1)
        let victim = try victim()
        let link = scratch.path + "/certs/site/\(number)"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: victim)
        _ = try issue(3)
        _ = try store.locked { () throws(CertificateProblem) in
            try store.retire("site", reason: "test", now: now + 400 * 86_400)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: victim).sorted() == ["kept", "key.pem"])
        #expect(try store.generations(of: "site").contains(number) == false)
        let warnings = scratch.provider(for: settings, at: now).storeWarnings()
        #expect(warnings.contains { $0.hasPrefix("\(link): a symbolic link") }, "\(warnings)")
        try scratch.write("certs/site/current", "\(number)\n", mode: 0o644)
        #expect(throws: CertificateProblem.self) { try store.load("site") }
    }

    @Test("a link to the store itself is the operator's choice, for orders as for all else")
    func linkedStore() throws {
        _ = try issue(1)
        let link = scratch.path + "/elsewhere"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: store.folder)
        let linked = CertificateStore(folder: link)
        try linked.requireRoom(for: "site")
        #expect(try linked.load("site").leaf.dnsNames == ["foobar.com"])
    }

    @Test("a link in the place of a certificate's folder is not followed, and it is named")
    func linkedCertificate() throws {
        let victim = try victim()
        _ = try InternalCA.loadOrCreate(
            in: store,
            named: "foobar.com",
            policy: InternalCAPolicy(SiteModel(name: "foobar.com"), for: ["foobar.com"]),
            now: now
        )
        let link = scratch.path + "/certs/site"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: victim)
        #expect(throws: CertificateProblem.self) { try provider.issue(settings, reason: "test") }
        #expect(try FileManager.default.contentsOfDirectory(atPath: victim).sorted() == ["kept", "key.pem"])
        let warnings = scratch.provider(for: settings, at: now).storeWarnings()
        #expect(warnings.contains { $0.contains("\(link): a symbolic link") }, "\(warnings)")
        #expect(try store.discrepancies(from: try store.audit.verify()).isEmpty)
    }

    @Test("ACME servers are shown no file that a link among the answers leads to")
    func linkedAnswer() throws {
        try FileManager.default.createDirectory(atPath: store.challengeFolder, withIntermediateDirectories: true)
        try scratch.write("certs/acme-challenges/token", "answer")
        let secret = try scratch.write("secret", "secret")
        let link = store.challengeFolder + "/link"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: secret)
        #expect(store.challenges().http == ["token": "answer"])
    }
}
