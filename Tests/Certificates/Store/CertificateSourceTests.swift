import Certificates
import Foundation
import Linux
import OpenSSL
import Testing

@Suite struct CertificateSourceTests {
    private let now = Int64(Date().timeIntervalSince1970)

    @Test func problemsNameTheFile() throws {
        let scratch = try Scratch()
        let ca = try InternalCA(named: "test", now: now)
        let bundle = try ca.issue(names: ["foobar.com"], now: now)
        let chain = try scratch.write("chain.pem", bundle.chainPEM, mode: 0o644)
        let key = try scratch.write("key.pem", bundle.keyPEM)
        #expect(try CertificateSource.load(certificate: chain, key: key, now: now).names == ["foobar.com"])
        let both = try scratch.write("both.pem", bundle.keyPEM + bundle.chainPEM)
        #expect(try CertificateSource.load(certificate: both, key: both, now: now).names == ["foobar.com"])

        let other = try scratch.write("other.pem", ca.issue(names: ["foobar.com"], now: now).keyPEM)
        #expect(throws: CertificateProblem.contents(path: "\(chain) and \(other)", .keyMismatch(subject: "foobar.com")))
        {
            try CertificateSource.load(certificate: chain, key: other)
        }
        #expect(throws: CertificateProblem.contents(path: key, .noCertificate)) {
            try CertificateSource.load(certificate: key, key: key)
        }
        #expect(throws: CertificateProblem.contents(path: chain, .noKey)) {
            try CertificateSource.load(certificate: chain, key: chain, trust: .anyone)
        }
        let late = #expect(throws: CertificateProblem.self) {
            try CertificateSource.load(certificate: chain, key: key, now: now + 60 * 86_400)
        }
        #expect(late?.description.contains("expired at") == true)
        let missing = #expect(throws: CertificateProblem.self) {
            try CertificateSource.load(certificate: scratch.path + "/none.pem", key: key)
        }
        #expect(missing?.description.contains("none.pem: No such file") == true)
    }

    @Test func encryptedKeysAreExplained() throws {
        let scratch = try Scratch()
        let bundle = try InternalCA(named: "test", now: now).issue(names: ["foobar.com"], now: now)
        let chain = try scratch.write("chain.pem", bundle.chainPEM)
        let plain = try scratch.write("plain.pem", bundle.keyPEM)
        for extra in [[], ["-traditional"]] {
            let encrypted = try scratch.write("encrypted.pem", "")
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            process.arguments =
                ["openssl", "pkey", "-in", plain, "-aes128", "-passout", "pass:secret", "-out", encrypted] + extra
            try process.run()
            process.waitUntilExit()
            #expect(throws: CertificateProblem.contents(path: encrypted, .encryptedKey)) {
                try CertificateSource.load(certificate: chain, key: encrypted)
            }
        }
    }
}
