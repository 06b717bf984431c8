import Certificates
import Foundation
import OpenSSL
import Site
import Testing

@Suite("Certificates from PKCS #12 files")
struct PKCS12Tests {
    private let now = Int64(Date().timeIntervalSince1970)

    @Test("what `openssl pkcs12` writes is read, with its password from a file", arguments: ["secret", ""])
    func reads(password: String) throws {
        let scratch = try Scratch()
        let ca = try InternalCA(named: "foobar.com", now: now)
        let bundle = try ca.issue(names: ["foobar.com"], now: now)
        let chain = try scratch.write("chain.pem", bundle.chainPEM + ca.rootCertificate.pem)
        let key = try scratch.write("key.pem", bundle.keyPEM)
        let file = scratch.path + "/store.p12"
        let word = try scratch.write("password", password + "\n")
        let command = "openssl pkcs12 -export -in \(chain) -inkey \(key) -out \(file) -passout file:\(word)"
        let made = try RealTools.run("sh", "-c", command)
        #expect(made.status == 0, "\(made.output)")
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file)
        let read = try CertificateSource.load(pkcs12: file, passwordFile: password.isEmpty ? nil : word)
        #expect(read.chain.map(\.der) == bundle.chain.map(\.der), "the chain as servers send it, without the root")
        let wrong = try scratch.write("wrong", "another\n")
        #expect(throws: CertificateProblem.self) { try CertificateSource.load(pkcs12: file, passwordFile: wrong) }
        let bytes = try #require(FileManager.default.contents(atPath: file))
        for end in stride(from: 0, to: bytes.count, by: 7) {
            let part = Array(bytes.prefix(end))
            #expect((try? CertificateBundle(pkcs12: part.span, password: Array(password.utf8).span)) == nil)
        }
    }

    @Test("one without its root takes the place of a chain that ended with that root, and not of a longer one")
    func root() throws {
        let scratch = try Scratch()
        func template(_ role: CertificateTemplate.Role, _ name: String) -> CertificateTemplate {
            let names = name.isEmpty ? ["foobar.com"] : []
            return CertificateTemplate(
                role: role,
                commonName: name,
                names: names,
                notBefore: now - 60,
                notAfter: now + 86_400
            )
        }
        func key() throws -> PrivateKey { try PrivateKey.generate(.ecdsaP256) }
        let rootKey = try key()
        let root = Certificate.Authority(
            certificate: try Certificate.issue(template(.root, "Root"), for: rootKey, by: nil),
            key: rootKey
        )
        let middleKey = try key()
        let middle = Certificate.Authority(
            certificate: try Certificate.issue(template(.intermediate, "Middle"), for: middleKey, by: root),
            key: middleKey
        )
        func bundle(
            by authority: Certificate.Authority,
            with issuers: [Certificate]
        ) throws -> CertificateBundle {
            let key = try key()
            let leaf = try Certificate.issue(template(.server, ""), for: key, by: authority)
            return try CertificateBundle(chain: [leaf] + issuers, key: key)
        }
        let acme = ACMESettings(directory: "https://ca.test/directory")
        let settings = CertificateSettings(name: "web", names: [.exact("foobar.com")], issuer: .acme(acme))
        let provider = scratch.provider(at: now)
        try provider.take(bundle(by: root, with: [root.certificate]), as: settings, from: "a test")
        try provider.take(bundle(by: root, with: []), as: settings, from: "a test")
        try provider.take(bundle(by: middle, with: [middle.certificate]), as: settings, from: "a test")
        #expect(throws: CertificateProblem.self) {
            try provider.take(bundle(by: middle, with: []), as: settings, from: "a test")
        }
    }

    @Test("one that is cut short is said to be that, and not its certificate", arguments: [0, 1, 700])
    func cut(length: Int) throws {
        let scratch = try Scratch()
        let bundle = try InternalCA(named: "foobar.com", now: now).issue(names: ["foobar.com"], now: now)
        let chain = try scratch.write("chain.pem", bundle.chainPEM)
        let key = try scratch.write("key.pem", bundle.keyPEM)
        let file = scratch.path + "/store.p12"
        let made = try RealTools.run(
            "sh",
            "-c",
            "openssl pkcs12 -export -in \(chain) -inkey \(key) -passout pass: | head -c \(length) > \(file); chmod 600 \(file)"
        )
        #expect(made.status == 0, "\(made.output)")
        let error = #expect(throws: CertificateProblem.self) {
            try CertificateSource.load(pkcs12: file, passwordFile: nil)
        }
        #expect("\(error as Any)".contains("no PKCS #12 file, or is cut short or damaged"), "\(error as Any)")
    }

    @Test("one without a key is said to be that, and not PEM")
    func keyless() throws {
        let scratch = try Scratch()
        let bundle = try InternalCA(named: "foobar.com", now: now).issue(names: ["foobar.com"], now: now)
        let chain = try scratch.write("chain.pem", bundle.chainPEM)
        let file = scratch.path + "/store.p12"
        let made = try RealTools.run(
            "sh",
            "-c",
            "openssl pkcs12 -export -nokeys -in \(chain) -out \(file) -passout pass:"
        )
        #expect(made.status == 0, "\(made.output)")
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file)
        #expect(throws: CertificateProblem.contents(path: file, .keylessContainer)) {
            try CertificateSource.load(pkcs12: file, passwordFile: nil)
        }
    }
}
