import Certificates
import Control
import Foundation
import OpenSSL
import Site
import Testing

@Suite("What `check` says of certificates points at what is to be changed")
struct CertificateCheckTests {
    private let folder = FileManager.default.temporaryDirectory.path + "/gatehouse-check-\(UUID().uuidString)"

    /// The line of each finding, of a site with these lines under `web:`.
    private func lines(_ certificate: String, store: String = "store") throws -> [Int] {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let now = Int64(Date().timeIntervalSince1970)
        let bundle = try InternalCA(named: "a.example", now: now).issue(names: ["a.example"], now: now)
        let other = try InternalCA(named: "a.example", now: now).issue(names: ["a.example"], now: now)
        for (text, name) in [
            (bundle.chain.map(\.pem).joined(), "chain.pem"), (Self.text(of: bundle.key), "key.pem"),
            (Self.text(of: other.key), "other.pem"), ("", "empty.pem"), ("c2VjcmV0\n", "hmac"),
        ] {
            try text.write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: "\(folder)/\(name)")
        }
        try "#!/bin/sh\n".write(toFile: "\(folder)/open", atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: "\(folder)/open")
        let text = """
            site: a.example
            gateway:
              listen: [{ port: 443, tls: { certificates: [web] } }]
              pools: { web: { servers: [{ address: 192.0.2.1, port: 8080 }] } }
              routes: [{ hosts: [a.example], pool: web }]
            certificate-store: \(store)
            certificates:
              web:

            """
        try (text + certificate).write(toFile: "\(folder)/site.yaml", atomically: true, encoding: .utf8)
        let file = "\(folder)/site.yaml"
        let outcome = SiteFile.load(path: file)
        let site = try #require(outcome.model, "\(outcome.text)")
        return CertificateCheck.findings(site, file: file, whereAbsent: .warning).map(\.line)
    }

    private static func text(of key: PrivateKey) -> String {
        let pem = key.pem
        return String(decoding: (0..<pem.count).map { pem.bytes[$0] }, as: UTF8.self)
    }

    /// Lines 9 to 13 of the site file.
    private func files(_ certificate: String, _ key: String, names: String = "a.example") -> String {
        """
            names: \(names)
            issuer:
              files:
                certificate: \(certificate)
                key: \(key)
        """
    }

    @Test("beside a gateway, that its next look at the store, or a reload, would find nothing there")
    func emptyStore() throws {
        var site = SiteModel(name: "a.example")
        site.certificateStore = "\(folder)/store"
        site.certificates["web"] = CertificateSettings(name: "web", names: [.exact("a.example")], issuer: .internal)
        func warnings(_ served: String?) -> [String] {
            CertificateCheck.findings(site, file: "site.yaml", whereAbsent: .warning, besides: served).map(\.message)
        }
        // As before a first start.
        #expect(warnings(nil) == [])
        let other = warnings("\(folder)/before")
        #expect(other.count == 1 && other[0].contains("another internal CA would be made"), "\(other)")
        let own = warnings("\(folder)/store")
        #expect(own.count == 1 && own[0].contains("IS EMPTY, AND WAS NOT BEFORE"), "\(own)")
    }

    @Test("a file at its path, what a certificate does not cover at its names, another issuer at that")
    func places() throws {
        #expect(try lines(files("chain.pem", "key.pem")) == [])
        #expect(try lines(files("none.pem", "key.pem")) == [12])
        #expect(try lines(files("empty.pem", "key.pem")) == [12])
        #expect(try lines(files("chain.pem", "none.pem")) == [13])
        #expect(try lines(files("chain.pem", "empty.pem")) == [13])
        #expect(try lines(files("chain.pem", "other.pem")) == [12])
        #expect(try lines(files("chain.pem", "key.pem", names: "b.example")) == [9])
        // A stand-in.
        let acme = "    names: a.example\n    issuer:\n      acme: https://ca.test/dir\n"
        #expect(try lines(acme) == [11])
        // A program that is not there, one that nobody may run, and one that everybody may write.
        let deploy = "    names: a.example\n    issuer: internal\n    deploy: { run: "
        #expect(try lines(deploy + "[/bin/sh, -c, true] }") == [])
        let dns = "    names: a.example\n    issuer: { acme: https://ca.test/dir, dns: { run: "
        #expect(try lines(dns + "/bin/sh } }") == [10])
        for program in ["./none", "./chain.pem", "./open"] {
            #expect(try lines(deploy + "\(program) }") == [9], "\(program)")
            #expect(try lines(dns + "\(program) } }") == [10, 10], "\(program)")
        }
        // Whom to trust at the server.
        let trust = "    names: a.example\n    issuer: { acme: https://ca.test/dir, trust: "
        #expect(try lines(trust + "chain.pem }") == [10])
        for file in ["none.pem", "empty.pem", "open"] {
            #expect(try lines(trust + "\(file) }") == [10, 10], "\(file)")
        }
        // The key of an account at a server, also of one to fall back on: not there, read by others, or no key.
        let server = "    names: a.example\n    issuer: { acme: https://ca.test/dir, "
        let binding = "binding: { key-id: a, key-file: "
        #expect(try lines(server + binding + "hmac } }") == [10])
        for file in ["none", "open", "empty.pem", "chain.pem"] {
            #expect(try lines(server + binding + "\(file) } }") == [10, 10], "\(file)")
            let fallback = "fallback: { acme: https://b.test/dir, \(binding)\(file) } } }"
            #expect(try lines(server + fallback) == [10, 10], "\(file)")
        }
        // A store that nobody can have.
        #expect(try lines(acme, store: "site.yaml/store") == [6])
    }
}
