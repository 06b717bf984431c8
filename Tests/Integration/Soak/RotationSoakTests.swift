import Foundation
import Testing

/// Certificates that are rotated again and again while clients of all kinds are at it. `make test` rotates a few tens of
/// times, `make soak` a thousand times: GATEHOUSE_SOAK_ROTATIONS.
@Suite("Soak of rotations")
struct RotationSoakTests {
    private static let rotations =
        Int(ProcessInfo.processInfo.environment["GATEHOUSE_SOAK_ROTATIONS"] ?? "").map { max(1, $0) } ?? 30

    private struct Report: Decodable {
        struct Kind: Decodable {
            let done: Int
            let failed: Int
            let closed: Int
            let not_resumed: Int
            let first_failure: String?
        }

        let kinds: [String: Kind]
        let certificates: Int
    }

    @Test("no request, no handshake and no connection is lost")
    func nothingIsLost() throws {
        let directory = try TemporaryDirectory()
        let app = try NginxServer("app", files: ["large": [UInt8](repeating: 7, count: 1 << 20)])
        let echo = try Self.echoServer()
        let port = try Ports.free()
        let binary = try Gateway.releaseBinary ?? Gateway.binary
        let site = try RunningSite(
            """
            site: foobar.test
            hosts: { here: { roles: [gateway], addresses: [127.0.0.1/8] } }
            gateway:
              listen: [ { port: \(port), address: [127.0.0.1], tls: { certificates: [web] } } ]
              routes:
                - { hosts: [foobar.test], pool: web }
                - { hosts: [foobar.test], path: /files, pool: web }
                - { hosts: [foobar.test], path: /echo, pool: echo }
              pools:
                web: { servers: [ { address: 127.0.0.1, port: \(app.port) } ] }
                echo: { servers: [ { address: 127.0.0.1, port: \(echo.port) } ] }
            certificate-store: store
            certificates:
              web: { names: [foobar.test], issuer: internal }
            """,
            in: directory,
            binary: binary
        )
        let place = ["--site", directory.path("site.yaml")]
        let root = try run(binary, ["certs", "ca", "export"] + place, in: directory)
        try directory.write(root.output, to: "root.pem")
        let clients = try ChildProcess(
            "/usr/bin/python3",
            [
                Self.tool, "--port", "\(port)", "--host", "foobar.test", "--trust", directory.path("root.pem"),
                "--download", "/files/large",
            ],
            in: directory,
            name: "clients"
        )
        try eventually("the clients run", within: .seconds(60)) { clients.standardOutput.contains("running") }
        for number in 1...Self.rotations {
            let result = try run(
                binary,
                ["certs", "rotate", "web", "--socket", directory.path("admin.sock")] + place,
                in: directory
            )
            try #require(result.status == 0, "rotation \(number): \(result)")
        }
        clients.send(SIGTERM)
        #expect(try clients.wait() == 0, "\(clients.standardError)")
        let line = try #require(clients.standardOutput.split(separator: "\n").last)
        let report = try JSONDecoder().decode(Report.self, from: Data(line.utf8))
        let done = report.kinds.sorted { $0.key < $1.key }.map { "\($0.value.done) \($0.key)" }
        print("\(Self.rotations) rotations, \(report.certificates) certificates seen: \(done.joined(separator: ", "))")
        for (name, kind) in report.kinds {
            let words =
                "\(name): \(kind.done) done, \(kind.failed) failed (\(kind.first_failure ?? "")), "
                + "\(kind.closed) closed, \(kind.not_resumed) not resumed"
            #expect(kind.failed + kind.closed + kind.not_resumed == 0 && kind.done > 0, "\(words)")
        }
        #expect(report.certificates > 1, "new handshakes get new certificates")
        #expect(site.process.poll() == nil, "\(site.log)")
    }

    private static let tool = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../Tools/rotation-load.py").standardizedFileURL.path

    /// Sends back what comes over an upgraded connection.
    private static func echoServer() throws -> ScriptedServer {
        try ScriptedServer(remembers: false) { peer in
            guard try peer.request() != nil else { return }
            try peer.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
            while true {
                let bytes = try peer.http.socket.read(by: Deadline(.seconds(600)))
                if bytes.isEmpty { return }
                try peer.http.send(bytes)
            }
        }
    }
}
