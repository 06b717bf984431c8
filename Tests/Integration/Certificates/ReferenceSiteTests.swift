import Foundation
import Testing

/// The reference site of Policies/, served as a newcomer does: on other ports, with one of its app servers here.
@Suite("The reference site", .patient)
struct ReferenceSiteTests {
    private static let policy = #filePath.split(separator: "/").dropLast(4).reduce("") { $0 + "/" + $1 } + "/Policies"

    private let directory: TemporaryDirectory
    private let secure: UInt16
    private let plain: UInt16
    private let app: ScriptedServer

    init() throws {
        directory = try TemporaryDirectory()
        secure = try Ports.free()
        plain = try Ports.free()
        app = try ScriptedServer.named("app-01")
    }

    /// Writes the policy with ports of this test's; `changes` are made to its text.
    private func write(_ changes: [(String, String)] = []) throws {
        var text = try String(contentsOfFile: Self.policy + "/foobar.com.yaml", encoding: .utf8)
        let ports = [
            ("port: 443", "port: \(secure)"), ("port: 80,", "port: \(plain),"),
            ("http: tcp/80, https: tcp/443", "http: tcp/\(plain), https: tcp/\(secure)"),
            ("app: tcp/8080", "app: tcp/\(app.port)"), ("host: app-01", "address: 127.0.0.1"),
            // Nobody listens there: the other app server is down.
            ("host: app-02", "address: 127.0.0.2"),
        ]
        for (old, new) in ports + changes {
            #expect(text.contains(old), "the policy has no \(old) any more")
            text = text.replacingOccurrences(of: old, with: new)
        }
        try FileManager.default.createDirectory(
            atPath: directory.path("Policies"),
            withIntermediateDirectories: true
        )
        try directory.write(text, to: "Policies/site.yaml")
    }

    private func start() throws -> RunningSite {
        try RunningSite(in: directory, file: "Policies/site.yaml")
    }

    private func check() throws -> ToolResult {
        try run(try Gateway.binary, ["check", "--site", directory.path("Policies/site.yaml")], in: directory)
    }

    private func curl(_ name: String, _ options: String...) throws -> ToolResult {
        try run(
            "curl",
            ["--silent", "--show-error", "--resolve", "\(name):\(secure):127.0.0.1", "https://\(name):\(secure)/"]
                + options,
            in: directory
        )
    }

    @Test("it serves at once, with certificates of the internal CA that last over restarts")
    func serves() throws {
        try write()
        let before = try check()
        #expect(before.status == 0 && before.error.isEmpty, "\(before)")
        let first = try start()
        let root = directory.path("Certs/internal-ca-root/1/fullchain.pem")
        for name in ["foobar.com", "www.foobar.com"] {
            let answer = try curl(name, "--cacert", root)
            #expect(answer.status == 0 && answer.output == "app-01", "\(answer)")
        }
        #expect(first.log.contains("issued by the internal CA"), "\(first.log)")
        let redirect = try run(
            "curl",
            [
                "-s", "-o", "/dev/null", "-w", "%{redirect_url}", "-H", "Host: foobar.com",
                "http://127.0.0.1:\(plain)/x",
            ],
            in: directory
        )
        #expect(redirect.output.hasPrefix("https://foobar.com"), "\(redirect)")
        try first.stop()
        let second = try start()
        #expect(try curl("foobar.com", "--cacert", root).output == "app-01")
        #expect(!second.log.contains("issued"), "\(second.log)")
    }

    @Test("an ACME certificate that is not there yet is stood in for, said so, and taken up by a reload")
    func standIn() throws {
        let acme = "issuer: { acme: \"https://ca.test/directory\" }\n    key: ecdsa-p256\n"
        try write([
            ("certificates: [foobar.com]", "certificates: [foobar.com, shop]"),
            ("hosts: [foobar.com, www.foobar.com]", "hosts: [foobar.com, shop.test]"),
            ("\ncertificates:\n", "\ncertificates:\n  shop:\n    names: [shop.test]\n    \(acme)"),
        ])
        let said = try check()
        #expect(said.status == 0 && said.error.contains("stands in"), "\(said)")
        let gateway = try start()
        #expect(gateway.log.contains("warning: certificate shop: none in the store"))
        let root = directory.path("Certs/internal-ca-root/1/fullchain.pem")
        for name in ["foobar.com", "shop.test"] {
            #expect(try curl(name, "--cacert", root).output == "app-01", "\(name)")
        }
        let real = try TestCertificate("shop", names: ["shop.test"], in: directory)
        for folder in ["Certs/shop", "Certs/shop/1"] {
            try FileManager.default.createDirectory(
                atPath: directory.path(folder),
                withIntermediateDirectories: false,
                attributes: [.posixPermissions: 0o700]
            )
        }
        try FileManager.default.copyItem(
            atPath: real.certificatePath,
            toPath: directory.path("Certs/shop/1/fullchain.pem")
        )
        try FileManager.default.copyItem(atPath: real.keyPath, toPath: directory.path("Certs/shop/1/key.pem"))
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o600],
            ofItemAtPath: directory.path("Certs/shop/1/key.pem")
        )
        try directory.write("1\n", to: "Certs/shop/current")
        gateway.process.send(SIGHUP)
        try eventually("the real one is served") {
            try curl("shop.test", "--cacert", real.certificatePath).output == "app-01"
        }
        #expect(try check().error.isEmpty)
    }

    @Test("a store that cannot be written is an error that names it and the two ways out")
    func deniedStore() throws {
        try write([("certificate-store: ../Certs", "certificate-store: /usr/gatehouse-none/certs")])
        let binary = try Gateway.binary
        guard try Unprivileged.canRun(binary, in: directory) else {
            return print("not tried: an unprivileged user cannot execute \(binary)")
        }
        for command in ["check", "serve"] {
            let arguments = [binary, command, "--site", directory.path("Policies/site.yaml")]
            let said = try Unprivileged.tool(arguments, in: directory)
            #expect((said.status == 0) == (command == "check"), "\(said)")
            for words in ["/usr/gatehouse-none/certs cannot be used", "as root", "`certificate-store`"] {
                #expect(said.error.contains(words), "\(said)")
            }
        }
    }

    @Test("a certificate that can be read and is wrong fails the check")
    func wrongFiles() throws {
        let one = try TestCertificate("one", names: ["foobar.com", "www.foobar.com"], in: directory)
        let other = try TestCertificate("other", names: ["foobar.com"], in: directory)
        try write([
            (
                "issuer: internal\n    key: ecdsa-p256",
                "issuer: { files: { certificate: \(one.certificatePath), key: \(other.keyPath) } }"
            )
        ])
        let said = try check()
        #expect(said.status == 1 && said.error.contains("does not belong"), "\(said)")
    }
}
