import Foundation
import Testing

/// Certificates that are rotated again and again while clients of all kinds are at it. `make test` rotates a few tens of
/// times, one after the other, `make soak` a thousand times (GATEHOUSE_SOAK_ROTATIONS), one in so many milliseconds
/// (GATEHOUSE_SOAK_EVERY), and in turns with times without any: what latency there was in both is printed.
@Suite("Soak of rotations", .patient)
struct RotationSoakTests {
    private static let rotations = setting("GATEHOUSE_SOAK_ROTATIONS").map { max(1, $0) } ?? 30
    /// Milliseconds from one rotation to the next; 0 for one after the other.
    private static let pace = setting("GATEHOUSE_SOAK_EVERY") ?? 0
    /// Rotations in a row, before a time as long without any.
    private static let turn = 10

    private static func setting(_ name: String) -> Int? {
        ProcessInfo.processInfo.environment[name].flatMap { Int($0) }
    }

    private struct Report: Decodable {
        struct Kind: Decodable {
            let done: Int
            let failed: Int
            let closed: Int
            let not_resumed: Int
            let first_failure: String?
            /// By the phase.
            let latencies: [String: Latency]
        }

        /// Microseconds.
        struct Latency: Decodable {
            let count: Int
            let p50: Int
            let p99: Int
            let max: Int
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
        let clock = ContinuousClock()
        var left = Self.rotations
        var times: [Double] = []
        while left > 0 {
            let begin = clock.now
            if Self.pace > 0 { Self.pass(.milliseconds(Self.pace * min(left, Self.turn))) }
            clients.send(SIGUSR1)
            for number in 1...min(left, Self.turn) {
                let due = clock.now + .milliseconds(Self.pace)
                let result = try run(
                    binary,
                    ["certs", "rotate", "web", "--socket", directory.path("admin.sock")] + place,
                    in: directory
                )
                try #require(result.status == 0, "rotation \(Self.rotations - left + number): \(result)")
                times.append(try Self.time(in: result.output))
                if clock.now < due { Self.pass(due - clock.now) }
            }
            left -= min(left, Self.turn)
            clients.send(SIGUSR1)
            if Self.pace == 0 { Self.pass((clock.now - begin) / 4) }
        }
        clients.send(SIGTERM)
        #expect(try clients.wait() == 0, "\(clients.standardError)")
        let line = try #require(clients.standardOutput.split(separator: "\n").last)
        let report = try JSONDecoder().decode(Report.self, from: Data(line.utf8))
        let done = report.kinds.sorted { $0.key < $1.key }.map { "\($0.value.done) \($0.key)" }
        print("\(Self.rotations) rotations, \(report.certificates) certificates seen: \(done.joined(separator: ", "))")
        times.sort()
        let most = times.last ?? 0
        print(
            "in effect on all workers \(times[times.count / 2]) ms after the commit (median), \(most) at most, "
                + "\(times.count { $0 < 10 }) of \(times.count) in under 10 ms"
        )
        print(try Self.latencies(of: report))
        for (name, kind) in report.kinds {
            let words =
                "\(name): \(kind.done) done, \(kind.failed) failed (\(kind.first_failure ?? "")), "
                + "\(kind.closed) closed, \(kind.not_resumed) not resumed"
            #expect(kind.failed + kind.closed + kind.not_resumed == 0 && kind.done > 0, "\(words)")
        }
        #expect(report.certificates > 1, "new handshakes get new certificates")
        #expect(site.process.poll() == nil, "\(site.log)")
    }

    /// Milliseconds from the gateway's commit to the last worker that goes by it, as `certs rotate` says.
    private static func time(in output: String) throws -> Double {
        let said = try #require(output.firstMatch(of: #/([0-9.]+) ms after the gateway committed it/#), "\(output)")
        return try #require(Double(said.1))
    }

    /// Lets the clients be for a while: it is their latencies without rotations that are wanted.
    private static func pass(_ time: Duration) {
        let (seconds, fraction) = time.components
        Thread.sleep(forTimeInterval: Double(seconds) + Double(fraction) / 1e18)
    }

    /// What both phases came to for each kind of client.
    private static func latencies(of report: Report) throws -> String {
        let lines = try report.kinds.sorted { $0.key < $1.key }.map { name, kind in
            let (calm, rotated) = (try #require(kind.latencies["calm"]), try #require(kind.latencies["rotated"]))
            let change = calm.p99 > 0 ? Double(rotated.p99) / Double(calm.p99) - 1 : 0
            return "  \(name): p99 \(calm.p99) µs of \(calm.count) without rotations, \(rotated.p99) of "
                + "\(rotated.count) with them (\(change < 0 ? "" : "+")\(Int((change * 100).rounded())) %)"
        }
        let pace = Self.pace > 0 ? "one in \(Self.pace) ms" : "one after the other"
        return (["latencies, \(pace); asked is a p99 within 10 % (kept connections, in `make soak`):"] + lines)
            .joined(separator: "\n")
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
