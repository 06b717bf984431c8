import Glibc
import Testing

/// Every flood that has a budget, frame by frame: the connection ends, under the metric of that name, and nobody
/// else is kept waiting.
@Suite("Floods of HTTP/2", .patient)
struct FloodTests {
    /// One unit, sent again and again.
    private struct Flood {
        let name: String
        /// The metric's label.
        let glitch: String
        /// Python: the bytes of repetition `i` on connection `c`, counted from 0.
        let unit: String
    }

    private static let floods = [
        Flood(
            name: "requests that are reset at once",
            glitch: "reset_received",
            unit: "head(c, i) + frame(RST_STREAM, 0, 2 * i + 1, CANCEL)"
        ),
        Flood(
            name: "resets of a stream that is gone",
            glitch: "reset_received",
            unit: "(head(c, 0) if i == 0 else b'') + frame(RST_STREAM, 0, 1, CANCEL)"
        ),
        // The resets are charged when they are sent: with heads as long as these, before the WINDOW_UPDATEs are too many.
        Flood(
            name: "streams that we must reset: a window beyond 2^31",
            glitch: "reset_provoked",
            unit: """
                head(c, i, POST + [('a', 'b' * 300)], 4) + frame(WINDOW_UPDATE, 0, 2 * i + 1, b'\\x7f\\xff\\xff\\xff')
                """
        ),
        Flood(
            name: "streams that we must reset: more data than the Content-Length",
            glitch: "reset_provoked",
            unit: "head(c, i, POST + [('content-length', '1')], 4) + frame(DATA, 0, 2 * i + 1, b'ab')"
        ),
        Flood(
            name: "streams beyond the number allowed",
            glitch: "reset_provoked",
            unit: "head(c, i, POST, 4)"
        ),
        Flood(
            name: "heads that the protocol forbids",
            glitch: "malformed_message",
            unit: "head(c, i, GET + [('connection', 'close')])"
        ),
        Flood(
            name: "heads that cannot be passed on",
            glitch: "malformed_message",
            unit: "head(c, i, GET[:3] + [(':path', '/a#b')])"
        ),
        Flood(
            name: "heads beyond the limits",
            glitch: "oversized_head",
            unit: "head(c, i, GET + [('a', 'b' * 9000)])"
        ),
        // One field of 4,000 bytes into the table (RFC 7541 section 6.2.1), then references to it of a byte each.
        Flood(
            name: "a head that unfolds without end",
            glitch: "oversized_head",
            unit: """
                frame(HEADERS, 5, 2 * i + 1, c.block(GET) + bytes([0x40, 1, 0x61, 127, 0xA1, 0x1E]) + b'x' * 4000 \
                + bytes([0x80 | 62]) * 5000)
                """
        ),
        Flood(
            name: "CONTINUATION with a field each",
            glitch: "continuation",
            unit: "head(c, 0, GET, 1) if i == 0 else frame(CONTINUATION, 0, 1, c.block([('a', 'b')]))"
        ),
        Flood(
            name: "CONTINUATION without a byte",
            glitch: "continuation",
            unit: "head(c, 0, GET, 1) if i == 0 else frame(CONTINUATION, 0, 1)"
        ),
        Flood(
            name: "few CONTINUATIONs, too many bytes",
            glitch: "continuation",
            unit: "frame(CONTINUATION if i else HEADERS, 0, 1, c.block([('a', '~' * 10070)]))"
        ),
        Flood(name: "SETTINGS", glitch: "settings", unit: "frame(SETTINGS, 0, 0)"),
        Flood(name: "PING", glitch: "ping", unit: "frame(PING, 0, 0, b'12345678')"),
        Flood(name: "answers to no PING of ours", glitch: "ping", unit: "frame(PING, 1, 0, b'12345678')"),
        Flood(
            name: "PRIORITY",
            glitch: "priority",
            unit: "frame(PRIORITY, 0, 2 * i + 1, b'\\0\\0\\0\\0\\x10')"
        ),
        Flood(
            name: "PRIORITY_UPDATE",
            glitch: "priority",
            unit: "frame(16, 0, 0, b'\\0\\0\\0\\1u=1')"
        ),
        Flood(
            name: "DATA without a byte",
            glitch: "empty_data",
            unit: "(head(c, 0, POST, 4) if i == 0 else b'') + frame(DATA, 0, 1)"
        ),
        Flood(
            name: "DATA of nothing but padding",
            glitch: "empty_data",
            unit: "(head(c, 0, POST, 4) if i == 0 else b'') + frame(DATA, 8, 1, b'\\3\\0\\0\\0')"
        ),
        Flood(
            name: "WINDOW_UPDATE of the connection by 1",
            glitch: "window_update",
            unit: "frame(WINDOW_UPDATE, 0, 0, b'\\0\\0\\0\\1')"
        ),
        Flood(
            name: "WINDOW_UPDATE of a stream by 1",
            glitch: "window_update",
            unit: "(head(c, 0, POST, 4) if i == 0 else b'') + frame(WINDOW_UPDATE, 0, 1, b'\\0\\0\\0\\1')"
        ),
        Flood(
            name: "frames of an unknown type",
            glitch: "useless_frame",
            unit: "frame(0xEE, 0, 0, b'a')"
        ),
        Flood(
            name: "GOAWAY while a stream is open",
            glitch: "useless_frame",
            unit: "(head(c, 0, POST, 4) if i == 0 else b'') + frame(GOAWAY, 0, 0, b'\\0' * 8)"
        ),
        Flood(
            name: "DATA for a stream that is gone",
            glitch: "useless_frame",
            unit: "(head(c, 0, POST, 4) + frame(RST_STREAM, 0, 1, CANCEL) if i == 0 else b'') + frame(DATA, 0, 1, b'a')"
        ),
    ]

    private static let prelude =
        FrameScripts.prelude + """
            CANCEL = b"\\0\\0\\0\\x08"

            def head(c, i, fields=GET, flags=5):
                return frame(HEADERS, flags, 2 * i + 1, c.block(fields))

            def flood(name, make):
                # Until the gateway ends the connection. What it said before may be lost with the connection.
                connection = Connection()
                connection.tls.settimeout(60)
                sent = 0
                try:
                    while sent < 200000:
                        connection.send(make(connection, sent))
                        sent += 1
                except OSError:
                    pass
                print(name, connection.ending(), sep="|", flush=True)

            """

    @Test("each is ended by its own budget and counted under its own name; the others are served meanwhile")
    func all() throws {
        let app = try ScriptedServer.named("app")
        let metrics = try Metrics()
        let front = try SecureGateway([.init(app)], gateway: [metrics.setting], workers: 1)
        let script = Self.floods.map { "flood(\"\($0.name)\", lambda c, i: \($0.unit))\n" }.joined()
        try front.directory.write(Self.prelude + script, to: "floods.py")
        let flooding = try ChildProcess(
            "/usr/bin/python3",
            [front.directory.path("floods.py"), "\(front.secure)"],
            in: front.directory,
            name: "floods"
        )
        var served = 0
        try eventually("the floods are over: \(flooding.standardOutput)", within: .seconds(300)) {
            let text = try front.gateway.get().text
            #expect(text == "app")
            served += 1
            return flooding.poll() != nil
        }
        #expect(flooding.poll() == 0, "\(flooding.standardError)")
        #expect(served > 1)
        let endings = flooding.standardOutput.split(separator: "\n").map(String.init)
        #expect(endings.count == Self.floods.count)
        for ending in endings {
            let isCalm = ending.hasSuffix("|goaway 11, closed") || ending.hasSuffix("|closed")
            #expect(isCalm, "\(ending)")
        }
        for (glitch, floods) in Dictionary(grouping: Self.floods, by: \.glitch) {
            let series = "{glitch=\"\(glitch)\"}"
            do {
                try metrics.reaches("gatehouse_http2_glitch_closes_total\(series)", Double(floods.count))
            } catch {
                let closes = try metrics.page().split(separator: "\n").filter {
                    $0.hasPrefix("gatehouse_http2_glitch_closes_total") && !$0.hasSuffix(" 0")
                }
                Issue.record("\(error), by: \(floods.map(\.name)); \(closes)")
            }
            #expect(try metrics.value("gatehouse_http2_glitches_total\(series)") >= Double(floods.count))
        }
        #expect(try metrics.value("gatehouse_http2_glitch_closes_total") == Double(Self.floods.count))
        #expect(try metrics.value("gatehouse_http2_protocol_errors_total") == 0)
        // Backend work is capped, and not only the streams that are open: of a flood of resets, some 200 got through.
        let flooded = app.requests.count - served
        #expect(flooded < 3000, "\(flooded) requests of the floods reached the app server")
        #expect(try front.curl("--http2").output == "app")
    }

    @Test("streams that come after the gateway has said that it goes away are refused, and not without end")
    func late() throws {
        let app = try ScriptedServer { peer in
            while try peer.request() != nil { peer.hold() }
        }
        let metrics = try Metrics()
        let front = try SecureGateway([.init(app)], gateway: ["drain: 10m", metrics.setting], workers: 1)
        // Keeps the gateway from ending with the flood.
        let other = try front.gateway.connect()
        try other.send("GET / HTTP/1.1\r\n\(Refusal.host)\r\n")
        let script = """
            connection = Connection()
            connection.request(GET, 1)
            said = 0
            while True:
                kind, flags, stream, payload = connection.receive()
                if kind == PING and not flags & 1:
                    connection.send(frame(PING, 1, 0, payload))
                if kind == GOAWAY:
                    said = int.from_bytes(payload[:4], "big")
                    if said == 1:
                        break
            sent = 0
            try:
                while sent < 200000:
                    connection.send(head(connection, sent + 1))
                    sent += 1
            except OSError:
                pass
            print(connection.ending())
            """
        try front.directory.write(Self.prelude + script, to: "late.py")
        let flooding = try ChildProcess(
            "/usr/bin/python3",
            [front.directory.path("late.py"), "\(front.secure)"],
            in: front.directory,
            name: "late"
        )
        try eventually("both are under way") { app.requests.count == 2 }
        front.gateway.stop()
        #expect(try flooding.wait() == 0, "\(flooding.standardError)")
        #expect(["goaway 11, closed\n", "closed\n"].contains(flooding.standardOutput), "\(flooding.standardOutput)")
        try metrics.reaches("gatehouse_http2_glitch_closes_total{glitch=\"late_stream\"}")
        #expect(app.requests.count == 2)
    }

    @Test("counts of floods survive a data plane that dies")
    func counts() throws {
        let metrics = try Metrics()
        let front = try SecureGateway(
            [.init(try ScriptedServer.named("app"))],
            gateway: [metrics.setting],
            workers: 1
        )
        let script = "flood(\"PING\", lambda c, i: frame(PING, 0, 0, b\"12345678\"))\n"
        let series = "gatehouse_http2_glitch_closes_total{glitch=\"ping\"}"
        for round in 1...3 {
            let flood = try python(Self.prelude + script, ["\(front.secure)"], in: front.directory)
            #expect(flood.status == 0, "\(flood.error)")
            try metrics.reaches(series, Double(round))
            let killed = try front.gateway.dataPlane
            kill(killed, SIGKILL)
            try eventually("another data plane serves") {
                guard let next = try? front.gateway.dataPlane, next != killed else { return false }
                return (try? front.gateway.get().text) == "app"
            }
        }
        #expect(try metrics.value(series) == 3)
    }

    @Test("a head may come in eight CONTINUATIONs, and these byte by byte")
    func legalContinuations() throws {
        let app = try ScriptedServer.named("app")
        let front = try SecureGateway([.init(app)])
        let result = try python(
            Self.prelude + """
                import time
                connection = Connection()
                block = connection.block(GET + [("a%d" % i, "b" * 20) for i in range(8)])
                size = len(block) // 9 + 1
                pieces = [block[i:i + size] for i in range(0, len(block), size)]
                said = b"".join(
                    frame(CONTINUATION if n else HEADERS, (4 if n == 8 else 0) | (0 if n else 1), 1, piece)
                    for n, piece in enumerate(pieces))
                assert len(pieces) == 9
                for byte in said:
                    # A pause, so that they are read one by one.
                    connection.send(bytes([byte]))
                    time.sleep(0.001)
                print(connection.outcome())
                """,
            ["\(front.secure)"],
            in: front.directory
        )
        #expect(result.output == "200\n", "\(result.error)")
        #expect(app.requests.first?["a7"] == String(repeating: "b", count: 20))
    }
}
