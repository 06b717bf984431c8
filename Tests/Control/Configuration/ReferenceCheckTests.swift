import Control
import Foundation
import Site
import Testing

@Suite("What a site file names outside of itself")
struct ReferenceCheckTests {
    /// A folder for a site file and what it names.
    private final class Folder {
        let path = FileManager.default.temporaryDirectory.path + "/gatehouse-references-\(UUID().uuidString)"

        init() throws {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        }

        deinit { try? FileManager.default.removeItem(atPath: path) }

        func write(_ text: String, to name: String) throws {
            try text.write(toFile: "\(path)/\(name)", atomically: true, encoding: .utf8)
        }

        /// What is said of a site whose only TLS listener and section `gateway` have these lines besides.
        func findings(
            tls: String = "",
            gateway: String = "",
            whereDenied severity: Diagnostic.Severity = .warning
        ) throws -> (diagnostics: [Diagnostic], text: String) {
            try write(
                """
                site: a.example
                gateway:
                  listen:
                    - port: 443
                      tls:
                        certificates: [a]
                        \(tls)
                  \(gateway)
                  pools: { web: { servers: [{ host: app, port: 8080 }] } }
                  routes: [{ hosts: [a.example], pool: web }]
                hosts: { app: { roles: [app], addresses: [192.0.2.1/24] } }
                certificates: { a: { names: [a.example], issuer: internal } }

                """,
                to: "site.yaml"
            )
            let file = "\(path)/site.yaml"
            let outcome = SiteFile.load(path: file)
            let site = try #require(outcome.model, "\(outcome.text)")
            let found = ReferenceCheck.findings(site, file: file, whereDenied: severity)
            return (found, outcome.adding(found).text)
        }

        static let authority = """
            -----BEGIN CERTIFICATE-----
            MIIBejCCASGgAwIBAgIUKzVzmesSzmy1YouShgaTaJtZ6yEwCgYIKoZIzj0EAwIw
            EjEQMA4GA1UEAwwHQ2xpZW50czAgFw0yNjExMjExMjU5NDlaGA8yMTI2MTAyODEy
            NTk0OVowEjEQMA4GA1UEAwwHQ2xpZW50czBZMBMGByqGSM49AgEGCCqGSM49AwEH
            A0IABHNRfw3/NGvq3E7NxzhYVDom/AIvy5PV1A7wd/d4uyOX+gW08z6kBDQKeQrR
            cf79nDcrh4D5PGszXcseNvAHUOqjUzBRMB0GA1UdDgQWBBQkss3wWAjgMVVwOp8+
            WP/D0XepHDAfBgNVHSMEGDAWgBQkss3wWAjgMVVwOp8+WP/D0XepHDAPBgNVHRMB
            Af8EBTADAQH/MAoGCCqGSM49BAMCA0cAMEQCICRLMJ0OggIvqC5vBJ+k2CXC1n3G
            8hpZWnbaVnBX/ErTAiAbyLYVIzhhYop3sRD1qUi1KVtzUel6mtktd/1mFHPKug==
            -----END CERTIFICATE-----
            """
    }

    @Test("a site that names nothing amiss, and one without a gateway, have no findings")
    func sound() throws {
        let folder = try Folder()
        try folder.write(Folder.authority, to: "clients.pem")
        let found = try folder.findings(
            tls: "client-certificates: { ca: clients.pem }\n        groups: [P-384, X25519]",
            gateway: "access-log: { path: access.log }"
        )
        #expect(found.diagnostics.isEmpty, "\(found.text)")
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/access.log"))
        let bare = try #require(SiteFile.parse(bytes: Array("site: a.example\n".utf8), name: "x").model)
        #expect(ReferenceCheck.findings(bare, file: "x", whereDenied: .error).isEmpty)
    }

    @Test("each group that OpenSSL does not know, or not twice, is shown where it stands")
    func groups() throws {
        let found = try Folder().findings(tls: "groups: [X25519, X2551, P-256, X25519, NOPE]")
        #expect(found.diagnostics.map(\.line) == [7, 7, 7])
        #expect(found.diagnostics.map(\.column) == [26, 40, 48])
        #expect(found.diagnostics.allSatisfy { $0.severity == .error && $0.code == .reference })
        #expect(found.text.contains("`X2551`") && found.text.contains("did you mean `X25519`?"))
        #expect(found.text.contains("groups: [X25519, X2551, P-256, X25519, NOPE]"), "the line itself")
        #expect(found.text.contains("name each group once"))
        #expect(found.text.contains("it knows `X25519`"))
    }

    @Test("groups of which usual clients have none are warned of, and not those of which they have one")
    func unusualGroups() throws {
        let found = try Folder().findings(tls: "groups: [secp256k1, brainpoolP256r1]")
        #expect(found.diagnostics.map(\.severity) == [.warning], "\(found.text)")
        #expect(found.diagnostics.map(\.line) == [7] && found.diagnostics.map(\.column) == [18])
        #expect(found.text.contains("no handshake by any of these") && found.text.contains("`X25519` or `P-256`"))
        for groups in ["P-521", "X448", "secp256k1, X25519"] {
            #expect(try Folder().findings(tls: "groups: [\(groups)]").diagnostics.isEmpty, "\(groups)")
        }
    }

    @Test("thousands of groups that nobody knows are told of by the first of them")
    func manyGroups() throws {
        let names = (0..<5_000).map { "group\($0)" }.joined(separator: ", ")
        let found = try Folder().findings(tls: "groups: [\(names)]")
        #expect(found.diagnostics.count == 20)
    }

    @Test("authorities that are missing, empty, cut or no file are errors at the path")
    func authorities() throws {
        let folder = try Folder()
        try folder.write("", to: "empty.pem")
        try folder.write(String(Folder.authority.prefix(200)), to: "cut.pem")
        for (name, words) in [
            ("none.pem", "none.pem: No such file"), ("empty.pem", "there is no certificate"), ("cut.pem", "cut.pem"),
            (".", "not a regular file"),
        ] {
            let found = try folder.findings(tls: "client-certificates: { ca: \(name) }")
            #expect(found.diagnostics.map(\.severity) == [.error], "\(name)")
            #expect(found.diagnostics.map(\.line) == [7] && found.diagnostics.map(\.column) == [36], "\(name)")
            #expect(found.text.contains(words), "\(found.text)")
            #expect(found.diagnostics.allSatisfy { $0.help != nil })
        }
    }

    @Test("lists of revoked certificates that are missing or no lists are errors at their path")
    func revocationLists() throws {
        let folder = try Folder()
        try folder.write(Folder.authority, to: "clients.pem")
        for (name, words) in [("none.crl", "none.crl: No such file"), ("clients.pem", "there is no list of revoked")] {
            let found = try folder.findings(tls: "client-certificates: { ca: clients.pem, crl: \(name) }")
            #expect(found.diagnostics.map(\.severity) == [.error], "\(name)")
            #expect(found.diagnostics.map(\.line) == [7] && found.diagnostics.map(\.column) == [54], "\(name)")
            #expect(found.text.contains(words), "\(found.text)")
        }
    }

    @Test("an access log without a folder, or that is a folder, is an error at the section")
    func log() throws {
        let folder = try Folder()
        for (name, words) in [("none/log", "No such file"), (".", "Is a directory"), ("site.yaml/log", "Not a dir")] {
            let found = try folder.findings(gateway: "access-log: { path: \(name) }")
            #expect(found.diagnostics.map(\.line) == [8], "\(name)")
            #expect(found.text.contains(words) && found.text.contains("make its folder"), "\(found.text)")
        }
    }
}
