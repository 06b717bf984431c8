import Testing

/// Streams of one connection do not hold each other back, and what a connection can make the gateway hold is bounded.
@Suite("Flow control of HTTP/2", .patient)
struct FlowTests {
    /// Answers `/flood` without end, `/stuck` by reading nothing of the body until `released`, all else with the body's length.
    private func app(sent: ByteCounter = ByteCounter(), released: Switch = Switch(false)) throws -> ScriptedServer {
        try ScriptedServer { peer in
            while true {
                let head = try peer.http.readHead()
                if head.startLine.contains("/flood") {
                    try peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
                    let block = [UInt8](repeating: 65, count: 65536)
                    while true {
                        try peer.http.socket.write(block, by: Deadline(.seconds(60)))
                        sent.add(block.count)
                    }
                }
                if head.startLine.contains("/stuck") {
                    try eventually("it may read", within: .seconds(120)) { released.isOn }
                }
                let body = try peer.http.take(head["content-length"].flatMap(Int.init) ?? 0)
                try peer.answer("\(body.count)")
            }
        }
    }

    /// Bytes that the gateway's largest process holds.
    private func memory(_ gateway: Gateway) -> Int {
        let processes = [gateway.process.identifier] + gateway.process.children
        return (processes.map { ProcessFacts(identifier: $0).anonymousMemory }.max() ?? 0) << 10
    }

    @Test("answers that are not taken hold back no other stream, and their app servers instead of filling memory")
    func downloads() throws {
        let sent = ByteCounter()
        let front = try SecureGateway([.init(try app(sent: sent))])
        let before = memory(front.gateway)
        let result = try python(
            HTTP2Scripts.client + """
                client = Client(window=65535, takes=False)
                client.h2.increment_flow_control_window(1 << 30)
                stuck = [client.request("GET", "/flood") for _ in range(60)]
                while any(len(client.answers[s].body) < 65535 for s in stuck):
                    if not client.read(60):
                        break
                for _ in range(20):
                    stream = client.request("GET", "/")
                    if client.finish(stream).status != "200":
                        break
                print(client.finish(stream).status, sum(len(client.answers[s].body) for s in stuck) // 60)
                """,
            ["\(front.secure)"],
            in: front.directory
        )
        #expect(result.output == "200 65535\n", "\(result.error)")
        // For each stream: its window, its send buffer, one read beyond it, and what the kernel holds of a connection.
        #expect(sent.value < 60 * (8 << 20), "\(sent.value) bytes were taken from the app server")
        let grown = memory(front.gateway) - before
        #expect(grown < 60 * (1 << 19), "memory grew by \(grown) bytes")
    }

    @Test("interim answers without end that are not taken end, instead of filling memory")
    func interim() throws {
        let ended = ByteCounter()
        let hint = "HTTP/1.1 103 Early Hints\r\nLink: \(String(repeating: "a", count: 4000))\r\n\r\n"
        let app = try ScriptedServer { peer in
            while let request = try peer.request() {
                if request.startLine.contains("/ended") {
                    try peer.answer("\(ended.value)")
                    continue
                }
                defer { ended.add(1) }
                while true { try peer.send(hint) }
            }
        }
        let front = try SecureGateway([.init(app)], pool: ["ejection: off"])
        let before = memory(front.gateway)
        let result = try python(
            HTTP2Scripts.client + """
                stuck = [Client() for _ in range(4)]
                for client in stuck:
                    for _ in range(10):
                        client.request("GET", "/forever")
                other, end, count = Client(), time.monotonic() + 120, b""
                while count != b"40" and time.monotonic() < end:
                    count = other.finish(other.request("GET", "/ended")).body
                print(count.decode(), {client.finish(stream).status for client in stuck for stream in client.answers})
                """,
            ["\(front.secure)"],
            in: front.directory
        )
        #expect(result.output == "40 {'502'}\n", "\(result.error)")
        let grown = memory(front.gateway) - before
        #expect(grown < 40 * (1 << 19), "memory grew by \(grown) bytes")
    }

    @Test(
        "bodies that an app server does not take hold back no other stream, and their clients instead of filling memory"
    )
    func uploads() throws {
        let released = Switch(false)
        let front = try SecureGateway([.init(try app(released: released))])
        let before = memory(front.gateway)
        let result = try python(
            HTTP2Scripts.client + """
                client = Client()
                size, block = 20_000_000, b"a" * 16384
                stuck = [client.request("POST", "/stuck", end=False, fields=[("content-length", str(size))])
                         for _ in range(30)]
                sent = dict.fromkeys(stuck, 0)
                quiet = 0
                while quiet < 3:
                    moved = False
                    for stream in stuck:
                        room = min(client.h2.local_flow_control_window(stream), len(block), size - sent[stream])
                        if room > 0:
                            client.send(stream, block[:room])
                            sent[stream] += room
                            moved = True
                    # Credit comes as the app servers' sockets take more, until they are full.
                    quiet = 0 if client.read(0.01 if moved else 0.3) or moved else quiet + 1
                other = client.request("POST", "/", end=False, fields=[("content-length", "100000")])
                left = 100000
                while left:
                    room = min(client.h2.local_flow_control_window(other), 16384, left)
                    if room > 0:
                        client.send(other, b"b" * room)
                        left -= room
                    elif not client.read(60):
                        break
                client.h2.end_stream(other)
                answer = client.finish(other)
                print(answer.status, answer.body.decode(), all(0 < count < size for count in sent.values()))
                """,
            ["\(front.secure)"],
            in: front.directory
        )
        #expect(result.output == "200 100000 True\n", "\(result.error)")
        let grown = memory(front.gateway) - before
        #expect(grown < 30 * (1 << 19), "memory grew by \(grown) bytes")
        released.turn(on: true)
    }
}
