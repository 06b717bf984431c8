import Foundation
import Testing

/// What HTTP/2 clients are told when the gateway stops: that an end comes, with a PING, and once they have answered it,
/// or have had a second for it, which stream is the last (RFC 9113 section 6.8).
@Suite("HTTP/2 at a stop", .patient)
struct HTTP2StopTests {
    /// A client that has had an answer and says `ready`, and then what it is told, a line each. It answers no PING.
    private static let deaf =
        FrameScripts.prelude + """
            connection = Connection()
            connection.tls.settimeout(300)
            connection.request(GET, 1)
            print(connection.outcome(1), flush=True)

            def told():
                # The next word of an end; None at the connection's own.
                while True:
                    got = connection.receive()
                    if got is None:
                        return None
                    kind, flags, stream, payload = got
                    if kind == GOAWAY:
                        last, code = (int.from_bytes(payload[i:i + 4], "big") for i in (0, 4))
                        return "goaway %s %d" % ("notice" if last == 2**31 - 1 else last, code)
                    if kind == PING and not flags & 1:
                        return "ping"
                    if kind == HEADERS:
                        return "stream %d" % stream


            """

    private func start(_ script: String, _ front: SecureGateway) throws -> ChildProcess {
        try front.directory.write(Self.deaf + script, to: "deaf.py")
        return try ChildProcess(
            "/usr/bin/python3",
            [front.directory.path("deaf.py"), "\(front.secure)"],
            in: front.directory,
            name: "deaf"
        )
    }

    /// Its lines. The notice and the PING go out together, in either order.
    private static func said(_ client: ChildProcess) -> [String] {
        var lines = client.standardOutput.split(separator: "\n").map(String.init)
        if lines.count > 3, lines[2] == "ping" { lines.swapAt(2, 3) }
        return lines
    }

    @Test("a client that answers no PING is told the end itself, and holds no stop up")
    func idle() throws {
        // An hour's drain: the stop ends before, or this test fails.
        let front = try SecureGateway([.init(try ScriptedServer.named("app"))], gateway: ["drain: 1h"])
        let client = try start(
            """
            print("ready", flush=True)
            while (word := told()) is not None:
                print(word, flush=True)
            print("closed", flush=True)
            """,
            front
        )
        try eventually("the client is ready: \(client.standardError)") { client.standardOutput.hasSuffix("ready\n") }
        front.gateway.stop()
        #expect(try front.gateway.process.wait(within: .seconds(120)) == 0)
        #expect(try client.wait(within: .seconds(120)) == 0, "\(client.standardError)")
        #expect(Self.said(client) == ["200", "ready", "goaway notice 0", "ping", "goaway 1 0", "closed"])
    }

    @Test("its streams that are open end as they should, and those that come behind the last are not served")
    func busy() throws {
        let release = Switch(false)
        let app = try ScriptedServer { peer in
            while let request = try peer.request() {
                if request.startLine.contains("/slow") {
                    try eventually("the answer may go", within: .seconds(120)) { release.isOn }
                }
                try peer.answer("ok")
            }
        }
        let front = try SecureGateway([.init(app)], gateway: ["drain: 1h"])
        let client = try start(
            """
            slow = [(n, "/slow" if n == ":path" else v) for n, v in GET]
            connection.request(slow, 3)
            print("ready", flush=True)
            words = [told() for _ in range(3)]
            connection.request(GET, 5)
            print(*words, sep="\\n", flush=True)
            while (word := told()) is not None:
                print(word, flush=True)
            print("closed", flush=True)
            """,
            front
        )
        try eventually("the slow one is under way") { app.requests.count == 2 }
        front.gateway.stop()
        try eventually("the client is told the end: \(client.standardError)", within: .seconds(120)) {
            client.standardOutput.hasSuffix("goaway 3 0\n")
        }
        release.turn(on: true)
        #expect(try client.wait(within: .seconds(120)) == 0, "\(client.standardError)")
        let words = ["200", "ready", "goaway notice 0", "ping", "goaway 3 0", "stream 3", "closed"]
        #expect(Self.said(client) == words)
        #expect(try front.gateway.process.wait(within: .seconds(120)) == 0)
        #expect(app.requests.count == 2)
    }
}
