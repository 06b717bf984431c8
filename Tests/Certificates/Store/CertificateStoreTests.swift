import Certificates
import Foundation
import OpenSSL
import Site
import Testing

@Suite struct CertificateStoreTests {
    private let now = Int64(Date().timeIntervalSince1970)

    private func issue(_ name: String) throws -> CertificateBundle {
        try InternalCA(named: "test", now: now).issue(names: [name], now: now)
    }

    @Test func savesAndLoads() throws {
        let scratch = try Scratch()
        let store = CertificateStore(folder: scratch.path)
        #expect(try !store.contains("foobar.com"))
        #expect(throws: CertificateProblem.missing(name: "foobar.com", folder: scratch.path)) {
            try store.load("foobar.com")
        }
        let first = try issue("foobar.com")
        let second = try issue("www.foobar.com")
        try store.save(first, as: "foobar.com", reason: "test", now: now)
        #expect(try store.load("foobar.com").chainPEM == first.chainPEM)
        try store.save(second, as: "foobar.com", reason: "test", now: now)
        #expect(try store.load("foobar.com").chainPEM == second.chainPEM)
        #expect(try scratch.mode("foobar.com") == 0o700)
        #expect(try scratch.mode("foobar.com/2/key.pem") == 0o600)
        #expect(try scratch.mode("foobar.com/1/key.pem") == 0o600, "the one before stays for a rollback")
    }

    @Test func aHalfWrittenGenerationIsNotSeen() throws {
        let scratch = try Scratch()
        let store = CertificateStore(folder: scratch.path)
        let first = try issue("foobar.com")
        try store.save(first, as: "foobar.com", reason: "test", now: now)
        try FileManager.default.createDirectory(
            atPath: scratch.path + "/foobar.com/2",
            withIntermediateDirectories: false
        )
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: scratch.path + "/foobar.com/2")
        try scratch.write("foobar.com/2/key.pem", "half a k")
        #expect(try store.load("foobar.com").chainPEM == first.chainPEM)
        let next = try issue("foobar.com")
        try store.save(next, as: "foobar.com", reason: "test", now: now)
        #expect(try store.load("foobar.com").chainPEM == next.chainPEM)
    }

    @Test("back to the generation before, and from there on; the audit log tells all of it")
    func rollsBack() throws {
        let scratch = try Scratch()
        let store = CertificateStore(folder: scratch.path)
        let bundles = try (0..<3).map { _ in try issue("foobar.com") }
        #expect(throws: CertificateProblem.missing(name: "foobar.com", folder: scratch.path)) {
            try store.rollBack("foobar.com", reason: "test", now: now)
        }
        try store.save(bundles[0], as: "foobar.com", reason: "test", now: now)
        #expect(throws: CertificateProblem.noEarlierGeneration(name: "foobar.com")) {
            try store.rollBack("foobar.com", reason: "test", now: now)
        }
        try store.save(bundles[1], as: "foobar.com", reason: "test", now: now)
        #expect(try store.rollBack("foobar.com", reason: "test", now: now).chainPEM == bundles[0].chainPEM)
        #expect(try store.load("foobar.com").chainPEM == bundles[0].chainPEM)
        try store.save(bundles[2], as: "foobar.com", reason: "test", now: now)
        #expect(try store.currentGeneration(of: "foobar.com") == 3)
        #expect(try store.load("foobar.com").chainPEM == bundles[2].chainPEM)
        let keys = [1, 2, 3].map { FileManager.default.fileExists(atPath: scratch.path + "/foobar.com/\($0)/key.pem") }
        #expect(keys == [true, false, true], "the one before, which was current, stays")
        let events = try store.audit.verify().entries.map(\.event)
        #expect(events.map(\.kind) == [.issued, .issued, .rolledBack, .issued])
        #expect(events.map(\.generation) == [1, 2, 1, 3])
        #expect(events[2].fingerprint == bundles[0].leaf.fingerprint)
    }

    @Test("there is no way back to one that has ended")
    func rollsBackToNothingExpired() throws {
        let scratch = try Scratch()
        let store = CertificateStore(folder: scratch.path)
        let old = try InternalCA(named: "test", now: now).issue(names: ["foobar.com"], lifetime: 100, now: now)
        try store.save(old, as: "foobar.com", reason: "test", now: now)
        try store.save(issue("foobar.com"), as: "foobar.com", reason: "test", now: now)
        let problem = #expect(throws: CertificateProblem.self) {
            try store.rollBack("foobar.com", reason: "test", now: now + 1_000)
        }
        #expect(problem?.description.contains("expired") == true)
        #expect(try store.currentGeneration(of: "foobar.com") == 2)
    }

    @Test("of a retired generation the key is gone and the certificate stays until it ends; the audit log names it")
    func retires() throws {
        let scratch = try Scratch()
        let store = CertificateStore(folder: scratch.path)
        let bundles = try (0..<3).map { _ in try issue("foobar.com") }
        for bundle in bundles.prefix(2) { try store.save(bundle, as: "foobar.com", reason: "test", now: now) }
        #expect(try store.retire("foobar.com", reason: "stolen", now: now) == [1])
        #expect(!FileManager.default.fileExists(atPath: scratch.path + "/foobar.com/1/key.pem"))
        #expect(try store.leaf(of: "foobar.com", generation: 1)?.der == bundles[0].leaf.der)
        #expect(try store.retire("foobar.com", reason: "stolen", now: now).isEmpty)
        let events = try store.audit.verify().entries.map(\.event)
        #expect(events.map(\.kind) == [.issued, .issued, .retired])
        #expect(events[2].generation == 1 && events[2].fingerprint == bundles[0].leaf.fingerprint)
        #expect(throws: CertificateProblem.noEarlierGeneration(name: "foobar.com")) {
            try store.rollBack("foobar.com", reason: "test", now: now)
        }
        #expect(throws: CertificateProblem.currentGeneration(name: "foobar.com", 2)) {
            try store.retire("foobar.com", only: 2, reason: "test", now: now)
        }
        #expect(throws: CertificateProblem.noGeneration(name: "foobar.com", 9)) {
            try store.retire("foobar.com", only: 9, reason: "test", now: now)
        }
        // When it has ended, nobody needs it.
        let end = bundles[0].leaf.validity.upperBound
        try store.save(bundles[2], as: "foobar.com", reason: "test", now: end + 1)
        #expect(try store.generations(of: "foobar.com") == [2, 3])
    }

    @Test("a key that cannot be deleted is an error, keeps no other, and is not said to be retired")
    func undeletable() throws {
        let scratch = try Scratch()
        let store = CertificateStore(folder: scratch.path)
        for _ in 0..<2 { try store.save(issue("foobar.com"), as: "foobar.com", reason: "test", now: now) }
        for generation in [3, 4] {
            try FileManager.default.createDirectory(
                atPath: scratch.path + "/foobar.com/\(generation)",
                withIntermediateDirectories: false
            )
        }
        // Of all that keeps a file from being deleted, this is what a test can do as any user.
        try FileManager.default.createDirectory(
            atPath: scratch.path + "/foobar.com/3/key.pem/x",
            withIntermediateDirectories: true
        )
        try scratch.write("foobar.com/4/key.pem", "half a k")
        let problem = #expect(throws: CertificateProblem.self) {
            try store.retire("foobar.com", reason: "stolen", now: now)
        }
        #expect(problem?.description.contains("foobar.com/3/key.pem") == true)
        #expect(try store.audit.verify().entries.map(\.event.generation) == [1, 2, 1])
        for generation in [1, 4] {
            #expect(!FileManager.default.fileExists(atPath: scratch.path + "/foobar.com/\(generation)/key.pem"))
        }
    }

    @Test func keysThatOthersCanReadAreRefused() throws {
        let scratch = try Scratch()
        let store = CertificateStore(folder: scratch.path)
        try store.save(issue("foobar.com"), as: "foobar.com", reason: "test", now: now)
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o644],
            ofItemAtPath: scratch.path + "/foobar.com/1/key.pem"
        )
        let problem = #expect(throws: CertificateProblem.self) { try store.load("foobar.com") }
        #expect(problem?.description.contains("chmod 600") == true)
    }

    @Test func keysOfOtherUsersAreRefused() throws {
        guard geteuid() == 0 else { return print("not tried: only root may give files away") }
        let scratch = try Scratch()
        let store = CertificateStore(folder: scratch.path)
        try store.save(issue("foobar.com"), as: "foobar.com", reason: "test", now: now)
        let key = scratch.path + "/foobar.com/1/key.pem"
        try FileManager.default.setAttributes([.ownerAccountID: 12_345], ofItemAtPath: key)
        let problem = #expect(throws: CertificateProblem.self) { try store.load("foobar.com") }
        let words = problem?.description ?? ""
        #expect(words.contains(key) && words.contains("12345") && words.contains("chown"), "\(words)")
    }

    @Test(arguments: ["", "../x", ".hidden", "a/b", "a b", "x\n"])
    func namesStayInTheStore(name: String) throws {
        let scratch = try Scratch()
        #expect(throws: CertificateProblem.unusableName(name)) {
            try CertificateStore(folder: scratch.path).contains(name)
        }
    }
}
