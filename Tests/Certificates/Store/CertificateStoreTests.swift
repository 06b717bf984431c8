import Certificates
import Foundation
import OpenSSL
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
        try store.save(first, as: "foobar.com")
        #expect(try store.load("foobar.com").chainPEM == first.chainPEM)
        try store.save(second, as: "foobar.com")
        #expect(try store.load("foobar.com").chainPEM == second.chainPEM)
        #expect(try scratch.mode("foobar.com") == 0o700)
        #expect(try scratch.mode("foobar.com/2/key.pem") == 0o600)
        #expect(try scratch.mode("foobar.com/1/key.pem") == 0o600, "the one before stays for a rollback")
    }

    @Test func aHalfWrittenGenerationIsNotSeen() throws {
        let scratch = try Scratch()
        let store = CertificateStore(folder: scratch.path)
        let first = try issue("foobar.com")
        try store.save(first, as: "foobar.com")
        try FileManager.default.createDirectory(
            atPath: scratch.path + "/foobar.com/2",
            withIntermediateDirectories: false
        )
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: scratch.path + "/foobar.com/2")
        try scratch.write("foobar.com/2/key.pem", "half a k")
        #expect(try store.load("foobar.com").chainPEM == first.chainPEM)
        let next = try issue("foobar.com")
        try store.save(next, as: "foobar.com")
        #expect(try store.load("foobar.com").chainPEM == next.chainPEM)
    }

    @Test func keysThatOthersCanReadAreRefused() throws {
        let scratch = try Scratch()
        let store = CertificateStore(folder: scratch.path)
        try store.save(issue("foobar.com"), as: "foobar.com")
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o644],
            ofItemAtPath: scratch.path + "/foobar.com/1/key.pem"
        )
        let problem = #expect(throws: CertificateProblem.self) { try store.load("foobar.com") }
        #expect(problem?.description.contains("chmod 600") == true)
    }

    @Test(arguments: ["", "../x", ".hidden", "a/b", "a b", "x\n"])
    func namesStayInTheStore(name: String) throws {
        let scratch = try Scratch()
        #expect(throws: CertificateProblem.unusableName(name)) {
            try CertificateStore(folder: scratch.path).contains(name)
        }
    }
}
