import Foundation
import Synchronization
import Testing

/// Nothing of one client's answer is ever given to another: every request bears a tag of its own, every byte of an
/// answer says which tag it belongs to, and app servers and clients misbehave in between.
@Suite("Answers never mix", .patient)
struct MixUpTests {
    /// The tag over and over, a line each: any byte that belongs elsewhere shows.
    private static func body(_ tag: String, lines: Int) -> String {
        String(repeating: tag + "\n", count: lines)
    }

    /// Answers with the tag that is the last word of the path, in one of many ways, sound and unsound.
    private static func serve(_ peer: ScriptedServer.Peer, seed: UInt64) throws {
        var dice = Dice(seed: seed &+ UInt64(peer.number))
        while let request = try peer.request() {
            let tag = String(request.startLine.split(separator: " ")[1].split(separator: "/").last ?? "")
            guard request.body.isEmpty || request.text == Self.body(tag, lines: request.body.count / (tag.count + 1))
            else { return try peer.answer("mixed", status: "418 Mixed Up") }
            let text = Self.body(tag, lines: dice.below(10) == 0 ? 5000 : dice.below(40))
            let length = text.utf8.count
            let head = "HTTP/1.1 200 OK\r\nX-Tag: \(tag)\r\n"
            switch dice.below(14) {
            case 0:  // more than was announced
                // In one segment. What comes after the next request went out looks like its answer to anybody.
                let short = Self.body(tag, lines: 20)
                let answer = "\(head)Content-Length: \(short.utf8.count)\r\n\r\n\(short)"
                try peer.send(answer + answer)
            case 1:  // less, and the end
                return try peer.send("\(head)Content-Length: \(length + 100)\r\n\r\n\(text)")
            case 2:  // in chunks
                let chunk = "\(String(length, radix: 16))\r\n\(text)\r\n"
                try peer.send("\(head)Transfer-Encoding: chunked\r\n\r\n\(length > 0 ? chunk : "")0\r\n\r\n")
            case 3:  // in chunks that break off
                return try peer.send("\(head)Transfer-Encoding: chunked\r\n\r\nffff\r\n\(text)")
            case 4:  // until the end
                return try peer.send("\(head)\r\n\(text)")
            case 5:  // reset in the middle
                try peer.send("\(head)Content-Length: \(length + 1)\r\n\r\n\(text)")
                return peer.http.socket.abort()
            case 6: return  // not a word
            case 7: return try peer.send("\(tag) garbage \(text)\r\n\r\n")
            case 8:  // interim answers first
                try peer.send("HTTP/1.1 103 Early Hints\r\nX-Tag: \(tag)\r\n\r\n")
                try peer.answer(text, fields: "X-Tag: \(tag)\r\n")
            case 9:  // a body where none may be
                try peer.send("HTTP/1.1 204 No Content\r\nX-Tag: \(tag)\r\n\r\n\(Self.body(tag, lines: 20))")
            case 10:  // dripping
                try peer.send("\(head)Content-Length: \(length)\r\n\r\n")
                for part in text.utf8.split(separator: 10).prefix(20) { try peer.http.send(Array(part) + [10]) }
                if text.utf8.split(separator: 10).count > 20 { return }
            default: try peer.answer(text, fields: "X-Tag: \(tag)\r\n")
            }
        }
    }

    private func servers(_ seed: UInt64) throws -> [SiteFile.Server] {
        try (0..<2).map { index in
            .init(try ScriptedServer { try Self.serve($0, seed: seed &+ UInt64(index) << 32) })
        }
    }

    @Test("over HTTP/1.1, with kept connections, pipelining, uploads and clients that go away")
    func http1() throws {
        let seed = UInt64.random(in: 0 ... .max)
        print("seed \(seed)")
        let gateway = try Gateway(servers: servers(seed), pool: ["ejection: off"], workers: 2)
        let port = gateway.port
        let wrong = Mutex<[String]>([])
        let whole = ByteCounter()
        DispatchQueue.concurrentPerform(iterations: 12) { client in
            var dice = Dice(seed: seed &+ 1000 &+ UInt64(client))
            var connection: HTTPConnection?
            for number in 0..<150 {
                // As many requests at a time as a client may like; each answer must be its own.
                let tags = (0...dice.below(3)).map { "c\(client)n\(number)p\($0)" }
                var requests = ""
                for tag in tags {
                    let upload = dice.below(4) == 0 ? Self.body(tag, lines: dice.below(300) + 1) : ""
                    requests += "\(upload.isEmpty ? "GET" : "PUT") /\(tag) HTTP/1.1\r\n\(Refusal.host)"
                    requests += upload.isEmpty ? "\r\n" : "Content-Length: \(upload.utf8.count)\r\n\r\n\(upload)"
                }
                do {
                    let open = try connection ?? HTTPConnection(port: port)
                    connection = open
                    try open.send(requests)
                    if dice.below(8) == 0 {
                        open.socket.abort()
                        connection = nil
                        continue
                    }
                    for tag in tags {
                        var answer = try open.readResponse()
                        while answer.status == 103 { answer = try open.readResponse() }
                        if let fault = Self.fault(answer, tag) { wrong.withLock { $0.append(fault) } }
                        if answer.status == 200 { whole.add(1) }
                        if answer["connection"]?.lowercased() == "close" {
                            connection = nil
                            break
                        }
                    }
                } catch {
                    // A cut is the right answer to an app server's; only silence is not.
                    if case Socket.Failure.timedOut = error { wrong.withLock { $0.append("silence at \(tags)") } }
                    connection = nil
                }
            }
        }
        #expect(wrong.withLock { $0 } == [])
        #expect(whole.value > 400, "\(whole.value) whole answers")
    }

    /// What is wrong with an answer to the request with this tag; nil when all of it is its own.
    private static func fault(_ answer: Message, _ tag: String) -> String? {
        if answer.status == 502 || answer.status == 503 || answer.status == 504 { return nil }
        let tags = answer.values("x-tag")
        if tags != [tag] { return "\(tag): \(answer)" }
        if answer.status == 204 { return answer.body.isEmpty ? nil : "\(tag): a body with 204" }
        if answer.framing == .close { return nil }
        let lines = answer.body.count / (tag.utf8.count + 1)
        return answer.text == body(tag, lines: lines) ? nil : "\(tag): \(answer.text.prefix(200).debugDescription)"
    }

    @Test("over HTTP/2, with many streams at a time and resets")
    func http2() throws {
        let seed = UInt64.random(in: 0 ... .max)
        let front = try SecureGateway(servers(seed), pool: ["ejection: off"])
        let result = try python(
            """
            import random, socket, ssl, sys, threading
            import h2.connection, h2.config, h2.errors, h2.events, h2.exceptions
            port, seed = int(sys.argv[1]), int(sys.argv[2])
            faults, whole = [], [0]

            def client(number):
                dice = random.Random(seed + number)
                context = ssl.create_default_context()
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                context.set_alpn_protocols(["h2"])
                tls = context.wrap_socket(socket.create_connection(("127.0.0.1", port), 60), server_hostname="foobar.test")
                connection = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
                connection.initiate_connection()
                tags, status, bodies, left, count = {}, {}, {}, set(), 0
                def ask():
                    nonlocal count
                    while len(left) < 8 and count < 150:
                        stream = connection.get_next_available_stream_id()
                        tags[stream] = f"c{number}n{count}"
                        count += 1
                        left.add(stream)
                        upload = (tags[stream] + "\\n").encode() * dice.randrange(1, 100) if dice.randrange(4) == 0 else b""
                        connection.send_headers(stream, [(":method", "PUT" if upload else "GET"), (":scheme", "https"),
                            (":authority", "foobar.test"), (":path", "/" + tags[stream])], end_stream=not upload)
                        if upload:
                            connection.send_data(stream, upload, end_stream=True)
                        elif dice.randrange(12) == 0:
                            connection.reset_stream(stream, h2.errors.ErrorCodes.CANCEL)
                            left.discard(stream)
                    tls.sendall(connection.data_to_send())
                ask()
                while left:
                    part = tls.recv(65536)
                    if not part:
                        faults.append(f"client {number}: the connection ended with {len(left)} streams open")
                        return
                    for event in connection.receive_data(part):
                        stream = getattr(event, "stream_id", None)
                        if isinstance(event, (h2.events.ResponseReceived, h2.events.InformationalResponseReceived)):
                            fields = dict(event.headers)
                            if fields[":status"][0] != "5" and fields.get("x-tag") != tags[stream]:
                                faults.append(f"{tags[stream]}: {event.headers}")
                            if isinstance(event, h2.events.ResponseReceived):
                                status[stream] = fields[":status"]
                        elif isinstance(event, h2.events.DataReceived):
                            bodies[stream] = bodies.get(stream, b"") + event.data
                            connection.acknowledge_received_data(event.flow_controlled_length, stream)
                        elif isinstance(event, (h2.events.StreamEnded, h2.events.StreamReset)):
                            body, line = bodies.pop(stream, b""), (tags[stream] + "\\n").encode()
                            if status.get(stream) == "200":
                                # What came of an answer that broke off is its own too.
                                if not (line * (len(body) // len(line) + 1)).startswith(body):
                                    faults.append(f"{tags[stream]}: {body[:200]}")
                                whole[0] += isinstance(event, h2.events.StreamEnded)
                            left.discard(stream)
                        elif isinstance(event, h2.events.ConnectionTerminated):
                            faults.append(f"client {number}: {event}")
                            return
                    ask()

            threads = [threading.Thread(target=client, args=(number,)) for number in range(6)]
            for thread in threads: thread.start()
            for thread in threads: thread.join()
            print("seed", seed, "whole", whole[0], "faults", faults[:20])
            sys.exit(1 if faults or whole[0] < 200 else 0)
            """,
            ["\(front.secure)", "\(seed)"],
            in: front.directory,
            within: .seconds(300)
        )
        print(result.output)
        #expect(result.status == 0, "\(result.output)\(result.error)")
    }
}
