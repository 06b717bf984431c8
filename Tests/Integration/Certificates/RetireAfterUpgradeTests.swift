import Foundation
import Testing

/// What `certs retire` says of an old key while a data plane of the program before still drains.
@Suite("A certificate that is retired after an upgrade", .patient)
struct RetireAfterUpgradeTests {
    private let directory: TemporaryDirectory
    private let port: UInt16
    private let app: ScriptedServer

    init() throws {
        directory = try TemporaryDirectory()
        port = try Ports.free()
        // A tunnel, which a drain waits for.
        app = try ScriptedServer.tunnel()
    }

    private func certs(_ arguments: String...) throws -> ToolResult { try directory.certs(arguments) }

    @Test("the data plane that drains is asked, too, and named as what holds the key; when it has ended, nothing does")
    func drains() throws {
        let site = try RunningSite(
            CertificateSite.text(
                at: port,
                app: app.port,
                "drain: 1h",
                certificates: "  web: { names: [foobar.test], issuer: internal }"
            ),
            in: directory
        )
        let client = try ChildProcess(
            "/usr/bin/python3",
            ["-c", Self.tunnel, "\(port)", directory.path("go")],
            in: directory,
            name: "client"
        )
        try eventually("the tunnel is open", within: .seconds(120)) { client.standardOutput.contains("101") }
        let upgraded = try site.command("upgrade")
        #expect(upgraded.status == 0, "\(upgraded)")
        let rotated = try certs("rotate", "web")
        #expect(rotated.status == 0, "\(rotated) \(site.log)")
        let retired = try certs("retire", "web", "--compromised")
        #expect(retired.status == 0 && retired.output.contains("deleted the key of generation 1"), "\(retired)")
        #expect(
            retired.output.contains(
                "its key is held by a data plane that drains, until that has ended; 1 connections that began with it are open"
            ),
            "\(retired)"
        )
        try directory.write("", to: "go")
        #expect(try client.wait() == 0, "\(client.standardError)")
        #expect(client.standardOutput.contains("echo"), "the tunnel was not cut")
        try eventually("nothing holds the key", within: .seconds(120)) {
            let again = try certs("retire", "web")
            return again.status == 0 && !again.output.contains("is held by")
        }
    }

    private static let tunnel = """
        import os, socket, ssl, sys, time
        context = ssl.create_default_context(); context.check_hostname = False; context.verify_mode = ssl.CERT_NONE
        plain = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=120)
        client = context.wrap_socket(plain, server_hostname="foobar.test")
        client.sendall(b"GET / HTTP/1.1\\r\\nHost: foobar.test\\r\\nConnection: Upgrade\\r\\nUpgrade: websocket\\r\\n\\r\\n")
        print(client.recv(4096).split()[1].decode(), flush=True)
        end = time.monotonic() + 120
        while not os.path.exists(sys.argv[2]):
            if time.monotonic() > end: sys.exit("nobody told it to go on")
            time.sleep(0.01)
        client.sendall(b"echo")
        print(client.recv(4096).decode(), flush=True)
        client.close()
        """
}
