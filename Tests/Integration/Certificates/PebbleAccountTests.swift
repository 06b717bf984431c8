import Foundation
import Testing

/// Accounts, revocation, chains, addresses and a second CA, against Pebble.
@Suite("Accounts and chains of Pebble", .patient)
struct PebbleAccountTests {
    @Test("an external account, in strict mode, with chains of three; without its key the error says what is missing")
    func binding() throws {
        var options = Pebble.Options()
        options.settings = """
            "externalAccountBindingRequired": true,
            "externalAccountMACKeys": { "kid-1": "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W" },
            """
        options.arguments = ["-strict"]
        options.environment = ["PEBBLE_CHAIN_LENGTH": "3", "PEBBLE_AUTHZREUSE": "100"]
        let site = try DNSSite(options)
        try site.write()
        let refused = try site.certs("issue", "web")
        #expect(refused.status == 1 && refused.error.contains("`binding`"), "\(refused)")

        try site.directory.write("zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W\n", to: "eab.key")
        try site.write("binding: { key-id: kid-1, key-file: eab.key }")
        let open = try site.certs("issue", "web")
        #expect(open.status == 1 && open.error.contains("eab.key"), "a key that others may read: \(open)")
        try site.directory.setMode(0o600, of: "eab.key")
        let issued = try site.certs("issue", "web")
        #expect(issued.status == 0, "\(issued) \(site.pebble.log)")
        // The certificate, and three above it.
        #expect(try site.issuers(generation: 1).count >= 3)
        #expect(try site.certs("rotate", "web").status == 0)
    }

    @Test("the account gets another key, also when the change was broken off on either side of it")
    func rollover() throws {
        let site = try DNSSite()
        try site.write()
        #expect(try site.certs("issue", "web").status == 0)
        let accounts = site.directory.path("store/acme-accounts")
        let folder = try accounts + "/" + #require(FileManager.default.contentsOfDirectory(atPath: accounts).first)
        let (key, next, url) = (folder + "/key.pem", folder + "/key-next.pem", folder + "/account")
        let (oldKey, oldURL) = (
            try String(contentsOfFile: key, encoding: .utf8), try Data(contentsOf: URL(fileURLWithPath: url))
        )
        let changed = try site.certs("account", "rotate")
        #expect(changed.status == 0, "\(changed) \(site.pebble.log)")
        #expect(try String(contentsOfFile: key, encoding: .utf8) != oldKey)
        #expect(try Data(contentsOf: URL(fileURLWithPath: url)) == oldURL)
        #expect(try site.certs("rotate", "web").status == 0)

        // The CA knows the new key, and the crash came before it was renamed.
        try FileManager.default.moveItem(atPath: key, toPath: next)
        try oldKey.write(toFile: key, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: key)
        let mended = try site.certs("rotate", "web")
        #expect(mended.status == 0 && !FileManager.default.fileExists(atPath: next), "\(mended)")

        // The CA has not heard of the new key yet.
        try oldKey.write(toFile: next, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: next)
        let kept = try site.certs("rotate", "web")
        #expect(kept.status == 0 && !FileManager.default.fileExists(atPath: next), "\(kept)")
    }

    @Test(
        "keys of each kind and size are certified, and none is the account's, also where one is used again",
        arguments: ["ecdsa-p256", "rsa-3072", "rsa-4096"]
    )
    func keys(kind: String) throws {
        let site = try DNSSite()
        try site.write(key: "key: \(kind), reuse-key: true".replacing(", ", with: "\n    "))
        #expect(try site.certs("issue", "web").status == 0, "\(site.pebble.log)")
        #expect(try site.certs("rotate", "web").status == 0, "\(site.pebble.log)")
        func text(_ path: String) throws -> String {
            let key = ["pkey", "-in", site.directory.path(path), "-pubout", "-text"]
            return try run("openssl", key, in: site.directory).output
        }
        func publicKey(_ path: String, _ tool: [String]) throws -> String {
            let made = try run("openssl", tool + ["-in", site.directory.path(path)], in: site.directory)
            return try #require(made.output.contains("BEGIN PUBLIC KEY") ? made.output : nil, "\(made)")
        }
        let first = try publicKey("store/web/1/fullchain.pem", ["x509", "-noout", "-pubkey"])
        let second = try publicKey("store/web/2/fullchain.pem", ["x509", "-noout", "-pubkey"])
        #expect(first == second, "it is used again")
        if kind.hasPrefix("rsa") { #expect(try text("store/web/2/key.pem").contains("(\(kind.suffix(4)) bit")) }
        let accounts = try FileManager.default.contentsOfDirectory(atPath: site.directory.path("store/acme-accounts"))
        #expect(accounts.count == 1)
        for account in accounts {
            #expect(try publicKey("store/acme-accounts/\(account)/key.pem", ["pkey", "-pubout"]) != second)
        }
    }

    @Test(
        "retire revokes the generations before, in the account's name or in that of the key",
        arguments: ["ecdsa-p256", "ecdsa-p384", "rsa-2048"]
    )
    func revoke(key: String) throws {
        let site = try DNSSite()
        try site.write(key: "key: \(key)")
        #expect(try site.certs("issue", "web").status == 0)
        #expect(try site.certs("rotate", "web").status == 0)
        let serial = try site.serial(generation: 1)
        // Another account, which may not: the key speaks for itself then.
        if key != "ecdsa-p256" {
            try FileManager.default.removeItem(atPath: site.directory.path("store/acme-accounts"))
        }
        let retired = try site.certs("retire", "web", "--revoke", "key-compromise")
        #expect(retired.status == 0 && retired.output.contains("generation 1 is revoked"), "\(retired)")
        #expect(!FileManager.default.fileExists(atPath: site.directory.path("store/web/1/key.pem")))
        let again = try site.certs("retire", "web", "--revoke", "key-compromise", "--generation", "1")
        #expect(again.status == 0 && again.output.contains("generation 1 was revoked before"), "\(again)")
        let status = try site.pebble.management("cert-status-by-serial/\(serial)").output
        #expect(status.contains("Revoked") && status.contains("\"Reason\": 1"), "\(serial): \(status)")
        #expect(try site.certs("audit", "web").output.contains("revoked, generation 1"))
    }

    @Test("what a CA issued that the site file names no longer is taken back by that one")
    func revokedElsewhere() throws {
        let site = try DNSSite()
        try site.write()
        #expect(try site.certs("issue", "web").status == 0)
        let serial = try site.serial(generation: 1)
        var options = Pebble.Options()
        options.name = "other"
        let other = try Pebble(options, in: site.directory)
        try site.directory.write(
            """
            site: a.test
            certificate-store: store
            certificates:
              web:
                names: [a.test]
                issuer: { acme: "\(other.url)", trust: other.crt, \(try other.hook()) }
            """,
            to: "site.yaml"
        )
        #expect(try site.certs("rotate", "web").status == 0, "\(other.log)")
        let retired = try site.certs("retire", "web", "--compromised", "--revoke", "key-compromise")
        #expect(retired.status == 0 && retired.output.contains("generation 1 is revoked"), "\(retired)")
        let status = try site.pebble.management("cert-status-by-serial/\(serial)").output
        #expect(status.contains("Revoked") && status.contains("\"Reason\": 1"), "\(serial): \(status)")
    }

    @Test("of several chains the one that is wanted, and the CA's own when there is no such")
    func chains() throws {
        var options = Pebble.Options()
        options.environment = ["PEBBLE_ALTERNATE_ROOTS": "2", "PEBBLE_CHAIN_LENGTH": "2"]
        let site = try DNSSite(options)
        let root = try site.pebble.management("roots/2").output
        try site.directory.write(root, to: "root.pem")
        let subject = try run(
            "openssl",
            ["x509", "-in", site.directory.path("root.pem"), "-noout", "-subject", "-nameopt", "multiline"],
            in: site.directory
        ).output
        let name = try #require(subject.split(separator: "=").last).trimmingCharacters(in: .whitespacesAndNewlines)
        try site.write("chain: \(name)")
        #expect(try site.certs("issue", "web").status == 0)
        #expect(try site.issuers(generation: 1).last?.contains(name) == true, "\(name)")
        try site.write("chain: Nobody")
        #expect(try site.certs("rotate", "web").status == 0)
        #expect(try site.issuers(generation: 2).last?.contains(name) == false)
    }

    @Test("an address, which the CA asks for by its name in the reverse tree, beside a name")
    func address() throws {
        let directory = try TemporaryDirectory()
        let (tls, app) = (try Ports.free(), try ScriptedServer.named("app-01"))
        let pebble = try Pebble(.init(tlsPort: tls), in: directory)
        let site = try RunningSite(
            """
            site: foobar.test
            hosts: { here: { roles: [gateway], addresses: [127.0.0.1/8] } }
            gateway:
              listen: [ { port: \(tls), tls: { certificates: [web], unknown-name: default } } ]
              routes: [ { hosts: ["*"], pool: web } ]
              pools: { web: { servers: [ { address: 127.0.0.1, port: \(app.port) } ] } }
            certificate-store: store
            certificates:
              web: { names: [127.0.0.1], issuer: { acme: "\(pebble.url)", trust: pebble.crt } }
            """,
            in: directory
        )
        try eventually("it is there; \(site.log) \(pebble.log)", within: .seconds(120)) {
            try pebble.management("roots/0").status == 0
                && site.log.contains("certificate web: issued by")
        }
        try directory.write(try pebble.management("roots/0").output, to: "root.pem")
        try eventually("curl takes it; \(site.log)", within: .seconds(120)) {
            try run(
                "curl",
                ["-s", "--cacert", directory.path("root.pem"), "https://127.0.0.1:\(tls)/"],
                in: directory
            ).status == 0
        }
    }

    @Test("a second CA, when the first cannot be reached; and both are named when neither can")
    func fallback() throws {
        let site = try DNSSite()
        let nobody = "https://127.0.0.1:\(try Ports.free())/dir"
        let second = "acme: \"\(site.pebble.url)\", trust: pebble.crt, \(try site.pebble.hook())"
        try site.write("fallback: { \(second) }", url: nobody)
        let issued = try site.certs("issue", "web")
        #expect(issued.status == 0, "\(issued)")
        #expect(try (site.plan()["origin"] as? [String: Any])?["directory"] as? String == site.pebble.url)
        // The first keeps the second's account from no other key, and each is told of.
        let changed = try site.certs("account", "rotate")
        #expect(changed.status == 1 && changed.error.contains(nobody), "\(changed)")
        #expect(changed.output.contains("\(site.pebble.url): the account has a new key"), "\(changed)")
        #expect(try site.certs("rotate", "web").status == 0, "by the new key")
        site.pebble.stop()
        let refused = try site.certs("rotate", "web")
        #expect(refused.status == 1 && refused.error.contains(nobody) && refused.error.contains(site.pebble.url))
    }

    @Test("what came in as the standby of an internal certificate is taken back by the CA that issued it")
    func revokedStandby() throws {
        let site = try DNSSite()
        try site.directory.write(
            """
            site: foobar.test
            certificate-store: store
            certificates:
              web:
                names: [foobar.test]
                issuer: internal
                standby: { acme: "\(site.pebble.url)", trust: pebble.crt, \(try site.pebble.hook()) }
            """,
            to: "site.yaml"
        )
        for command in [["issue", "web"], ["issue", "web.standby"], ["standby", "web"], ["rotate", "web"]] {
            let done = try site.directory.certs(command)
            #expect(done.status == 0, "\(command): \(done)")
        }
        let serial = try site.serial(generation: 2)
        let retired = try site.certs("retire", "web", "--revoke", "superseded")
        #expect(retired.status == 0 && retired.output.contains("generation 2 is revoked"), "\(retired)")
        let status = try site.pebble.management("cert-status-by-serial/\(serial)").output
        #expect(status.contains("Revoked") && status.contains("\"Reason\": 4"), "\(serial): \(status)")
        // That of the internal CA is on its own list.
        #expect(retired.output.contains("generation 1 is revoked"), "\(retired)")
        #expect(try site.certs("ca", "crl").status == 0)
    }
}
