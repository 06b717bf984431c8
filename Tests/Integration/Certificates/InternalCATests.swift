import Foundation
import Testing

/// What the internal CA signs and takes back, as clients of the running gateway see it.
@Suite("The internal CA of a running gateway", .patient)
struct InternalCATests {
    private let directory: TemporaryDirectory
    private let tls: UInt16
    private let plain: UInt16
    private let app: ScriptedServer

    init() throws {
        directory = try TemporaryDirectory()
        tls = try Ports.free()
        plain = try Ports.free()
        app = try ScriptedServer.named("app-01")
    }

    private func start(authority: String = "{}", names: String = "[foobar.test]", key: String = "ecdsa-p256") throws
        -> RunningSite
    {
        try RunningSite(
            """
            site: foobar.test
            hosts: { here: { roles: [gateway], addresses: [127.0.0.1/8] } }
            gateway:
              listen: [ { port: \(tls), tls: { certificates: [web] } }, { port: \(plain), redirect: https } ]
              routes: [ { hosts: [foobar.test], pool: web } ]
              pools: { web: { servers: [ { address: 127.0.0.1, port: \(app.port) } ] } }
              metrics: { port: \(try Ports.free()) }
            certificate-store: store
            internal-ca: \(authority)
            certificates:
              web: { names: \(names), issuer: internal, key: \(key) }
            """,
            in: directory
        )
    }

    private func certs(_ arguments: String...) throws -> ToolResult { try directory.certs(arguments) }

    private func curl(_ options: String...) throws -> ToolResult {
        try run(
            "curl",
            ["-sS", "--noproxy", "*", "--resolve", "foobar.test:\(tls):127.0.0.1"] + options
                + ["https://foobar.test:\(tls)/"],
            in: directory
        )
    }

    /// The root, in a file for clients.
    private func root() throws -> String {
        let exported = try certs("ca", "export")
        #expect(exported.status == 0, "\(exported)")
        try directory.write(exported.output, to: "root.pem")
        return directory.path("root.pem")
    }

    @Test(
        "curl and Python trust it by its root and refuse it without",
        arguments: ["ecdsa-p256", "rsa-2048", "ed25519"]
    )
    func trusted(key: String) throws {
        let site = try start(key: key)
        let root = try root()
        let answer = try curl("--cacert", root)
        #expect(answer.status == 0 && answer.output == "app-01", "\(answer) \(site.log)")
        // CURLE_PEER_FAILED_VERIFICATION.
        #expect(try curl().status == 60)
        let script = """
            import socket, ssl, sys
            for file in (sys.argv[2], None):
                context = ssl.create_default_context(cafile=file)
                try:
                    plain = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 60)
                    print(context.wrap_socket(plain, server_hostname="foobar.test").version())
                except ssl.SSLCertVerificationError as error: print("refused")
            """
        let said = try python(script, ["\(tls)", root], in: directory)
        #expect(said.output == "TLSv1.3\nrefused\n", "\(said)")
    }

    @Test("another root is made in a copy of the store, is known to clients before it signs, and signs from a start on")
    func nextRoot() throws {
        let site = try start()
        let old = try root()
        func can(_ program: String, _ arguments: String...) throws {
            let done = try run(program, arguments, in: directory)
            #expect(done.status == 0, "\(done)")
        }
        try can("cp", "-a", directory.path("store"), directory.path("next"))
        try can("rm", "-r", directory.path("next/internal-ca"), directory.path("next/internal-ca-root"))
        let text = try String(contentsOfFile: directory.path("site.yaml"), encoding: .utf8)
            .replacingOccurrences(of: "certificate-store: store", with: "certificate-store: next")
        try directory.write(text, to: "next.yaml")
        func next(_ command: String) throws -> String {
            let arguments = ["certs", "ca", command, "--site", directory.path("next.yaml")]
            let said = try run(try Gateway.binary, arguments, in: directory)
            #expect(said.status == 0, "\(said)")
            return said.output
        }
        #expect(try next("init").contains("root CA"))
        let other = try next("export")
        try directory.write(other, to: "other.pem")
        try directory.write(try String(contentsOfFile: old, encoding: .utf8) + other, to: "both.pem")
        func answers(_ file: String) throws -> Bool {
            let answer = try curl("--cacert", directory.path(file))
            #expect(answer.status == 60 || answer.output == "app-01", "\(file): \(answer)")
            return answer.status == 0
        }
        // The gateway knows nothing of it.
        #expect(try site.command("reload").status == 0)
        #expect(try certs("list").status == 0)
        #expect(try answers("root.pem") && answers("both.pem") && !answers("other.pem"), "\(site.log)")
        try site.stop()
        try directory.write(text, to: "site.yaml")
        let second = try RunningSite(in: directory)
        #expect(try !answers("root.pem") && answers("both.pem") && answers("other.pem"), "\(second.log)")
        #expect(!second.log.contains("THE INTERNAL CA IS NEW"), "\(second.log)")
        for command in ["list", "verify", "audit"] {
            let said = try certs(command)
            #expect(said.status == 0, "\(command): \(said)")
        }
        // Clients that have both know what is gone back to, too.
        #expect(try certs("rollback", "web").status == 0)
        #expect(try answers("root.pem") && answers("both.pem") && !answers("other.pem"), "\(second.log)")
    }

    @Test("a revoked certificate is on the list that the gateway serves at the place that certificates name")
    func revocation() throws {
        let site = try start(authority: "{ revocation-list: \"http://127.0.0.1:\(plain)\" }")
        let root = try root()
        let first = try String(contentsOfFile: directory.path("store/web/1/fullchain.pem"), encoding: .utf8)
        try directory.write(first, to: "first.pem")
        let text = try run("openssl", ["x509", "-in", directory.path("first.pem"), "-noout", "-text"], in: directory)
        let place = try #require(
            text.output.firstMatch(of: #/URI:(http://127.0.0.1:\d+/\.well-known/gatehouse/\w+\.crl)/#)
        )
        func fetch() throws -> String {
            let got = try run(
                "curl",
                ["-sSf", "--noproxy", "*", "-w", "%{http_code} %{content_type}", "-o", directory.path("list.crl")]
                    + [String(place.1)],
                in: directory
            )
            #expect(got.output == "200 application/pkix-crl", "\(got)")
            return try run(
                "openssl",
                [
                    "crl", "-inform", "der", "-in", directory.path("list.crl"), "-out", directory.path("list.pem"),
                    "-text",
                ],
                in: directory
            ).output + String(contentsOfFile: directory.path("list.pem"), encoding: .utf8)
        }
        func verify(_ file: String) throws -> ToolResult {
            try run(
                "openssl",
                [
                    "verify", "-crl_check", "-CRLfile", directory.path("list.pem"), "-CAfile", root, "-untrusted", file,
                    file,
                ],
                in: directory
            )
        }
        #expect(try fetch().contains("No Revoked Certificates"))
        #expect(try verify(directory.path("first.pem")).status == 0)
        #expect(try certs("rotate", "web").status == 0)
        // Its key may be gone before.
        #expect(try certs("retire", "web", "--compromised").status == 0)
        let retired = try certs("retire", "web", "--revoke", "key-compromise")
        #expect(retired.status == 0 && retired.output.contains("generation 1 is revoked"), "\(retired)")
        // When the command has ended, it is there.
        #expect(try fetch().contains("Key Compromise"))
        let refused = try verify(directory.path("first.pem"))
        #expect(refused.status != 0 && refused.error.contains("certificate revoked"), "\(refused)")
        #expect(try verify(directory.path("store/web/2/fullchain.pem")).status == 0)
        let printed = try certs("ca", "crl")
        #expect(printed.status == 0 && printed.output.hasPrefix("-----BEGIN X509 CRL-----"), "\(printed)")
        #expect(try certs("audit", "web").output.contains("revoked, generation 1"))
        // What is beside it goes the way of every request.
        let other = try run(
            "curl",
            ["-s", "--noproxy", "*", "-o", "/dev/null", "-w", "%{http_code}", String(place.1) + "x"],
            in: directory
        )
        #expect(other.output != "200", "\(other) \(site.log)")
    }

    @Test("an intermediate that ends while the root's key is away is told by list, status, log and metrics")
    func endingIntermediate() throws {
        // An intermediate that was made long ago, by hand, as an older version left it: without constraints.
        let store = try OlderStore(in: directory, daysLeft: 60)
        let site = try start()
        #expect(site.log.contains("the intermediate of the internal CA ends at"), "\(site.log)")
        #expect(site.log.contains("certs ca renew --root-key FILE"), "\(site.log)")
        let list = try certs("list")
        #expect(
            list.status == 1 && list.output.contains("WARNING: the intermediate of the internal CA ends"),
            "\(list)"
        )
        let status = try run(
            try Gateway.binary,
            ["status", "--socket", directory.path("admin.sock")],
            in: directory
        )
        #expect(status.output.contains("internal CA: intermediate until"), "\(status)")
        #expect(status.output.contains("the root's key is elsewhere"), "\(status)")
        #expect(status.output.contains("WARNING: the intermediate"), "\(status)")
        let port = try #require(
            try String(contentsOfFile: directory.path("site.yaml"), encoding: .utf8).firstMatch(
                of: #/metrics: { port: (\d+)/#
            )
        )
        let metrics = try run("curl", ["-s", "--noproxy", "*", "http://127.0.0.1:\(port.1)/metrics"], in: directory)
        #expect(metrics.output.contains("\ngatehouse_internal_ca_root_key_here 0\n"), "\(metrics)")
        #expect(
            metrics.output.contains("gatehouse_internal_ca_not_after_timestamp_seconds{certificate=\"intermediate\"}")
        )
        // The key is brought: all is well, and clients trust what they trusted.
        let renewed = try certs("ca", "renew", "--root-key", store.rootKey)
        #expect(renewed.status == 0, "\(renewed)")
        let again = try certs("list")
        #expect(again.status == 0 && !again.output.contains("WARNING"), "\(again)")
        #expect(try curl("--cacert", store.root).output == "app-01")
    }
}
