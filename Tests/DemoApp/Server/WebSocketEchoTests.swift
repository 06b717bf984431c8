import Testing

@testable import DemoApp

@Suite("The WebSocket echo over sockets")
struct WebSocketEchoTests {
    private let conversation: Conversation
    private let client: Client
    private static let opening =
        "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
        + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

    init() throws {
        conversation = try Conversation()
        client = try conversation.connect()
    }

    private func open(with more: [UInt8] = []) throws {
        try client.send(Array(Self.opening.utf8) + more)
        let response = try client.response(hasBody: false)
        #expect(response.status == 101)
        #expect(response.fields["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        #expect(response.fields["x-served-by"] == "app-07")
    }

    @Test("messages come back whole, pings are answered, frames behind the opening are not lost")
    func echoes() throws {
        try open(with: Frames.text("first"))
        #expect(try client.take(7) == [0x81, 5] + Array("first".utf8))
        try client.send(Frames.text("a", isFinal: false) + Frames.client(9, [1]) + Frames.client(0, [0x62]))
        #expect(try client.take(3) == [0x8A, 1, 1])
        #expect(try client.take(4) == [0x81, 2, 0x61, 0x62])
        let long = (0..<(1 << 20)).map { UInt8(truncatingIfNeeded: $0) }
        try client.send(Frames.client(2, long))
        #expect(try client.take(10) == [0x82, 127, 0, 0, 0, 0, 0, 0x10, 0, 0])
        #expect(try client.take(1 << 20) == long)
    }

    @Test("a close is answered with its status, and ends the connection")
    func closes() throws {
        try open()
        try client.send(Frames.client(8, [0x03, 0xE9] + Array("bye".utf8)))
        #expect(try client.take(4) == [0x88, 2, 0x03, 0xE9])
        #expect(try client.takeToEnd() == "")
    }

    @Test(
        "faults are answered with their status",
        arguments: [
            ([0x81, 0x01, 0x61, 0, 0, 0], 1002), (Frames.client(1, [0xFF]), 1007), (Frames.client(8, [3]), 1002),
            (Frames.client(8, [3, 0xED]), 1002), (Frames.client(8, [3, 0xE8, 0xFF]), 1007),
            ([0x82, 0xFF, 0, 0, 0, 0, 0, 0x10, 0, 1, 1, 2, 3, 4], 1009),
        ] as [([UInt8], UInt16)]
    )
    func faults(bytes: [UInt8], status: UInt16) throws {
        try open()
        try client.send(bytes)
        #expect(try client.take(4) == [0x88, 2, UInt8(status >> 8), UInt8(status & 0xFF)])
        try conversation.turn("the stream ends") {
            client.poll()
            return client.hasEnded
        }
    }

    @Test("an opening that is none is refused")
    func refusals() throws {
        for (from, to, status) in [
            ("13", "12", 426), ("Upgrade: WebSocket", "Upgrade: irc", 426), ("Z25jZQ==", "Z25jZQ", 400),
            ("bm9uY2U", "bm9uY", 400), ("Sec-WebSocket-Key", "X-Key", 400),
        ] {
            let text = Self.opening.split(separator: from, omittingEmptySubsequences: false).joined(separator: to)
            guard text != Self.opening else { continue }
            #expect(try client.exchange(text).status == status, "\(from) -> \(to)")
        }
    }

    @Test("a client that sends and never reads makes the echo stop, not grow")
    func slowReader() throws {
        try open()
        let message = Frames.client(2, [UInt8](repeating: 1, count: 1 << 20))
        var sent = 0
        var idleTurns = 0
        while sent < 64 && idleTurns < 500 {
            let isSent = try client.offer(message)
            sent += isSent ? 1 : 0
            idleTurns = isSent ? 0 : idleTurns + 1
            conversation.server.turn(waitingAtMost: 0)
            try #require(conversation.server.bufferedBytes <= Connection.mostBytes)
        }
        #expect(sent < 64, "64 MiB are more than the kernel holds")
        for _ in 0..<sent { #expect(try client.take(10 + (1 << 20)).prefix(2) == [0x82, 127]) }
    }
}
