import Bytes
import Testing

@testable import DemoApp

@Suite("Frames of WebSocket")
struct WebSocketReaderTests {
    /// What a run of bytes came to, in words.
    private func events(_ bytes: [UInt8], cutAt cuts: [Int] = []) -> [String] {
        var reader = WebSocketReader()
        let input = ByteBuffer(capacity: 64)
        var events: [String] = []
        var start = 0
        for end in cuts + [bytes.count] {
            input.append(bytes[start..<end].map { $0 })
            start = end
            reading: while true {
                switch reader.next(input.readable) {
                case .needMore(let consumed):
                    input.consume(consumed)
                    break reading
                case .message(let isText, let consumed):
                    events.append((isText ? "text " : "binary ") + "\(reader.message.array)")
                    input.consume(consumed)
                case .ping(let consumed):
                    events.append("ping \(reader.control.array)")
                    input.consume(consumed)
                case .pong(let consumed):
                    events.append("pong \(reader.control.array)")
                    input.consume(consumed)
                case .close(let consumed):
                    events.append("close \(reader.control.array)")
                    input.consume(consumed)
                case .failed(let status): return events + ["failed \(status)"]
                }
            }
        }
        return events
    }

    @Test("a conversation is read the same wherever it is cut")
    func splits() {
        let bytes =
            Frames.text("hé", isFinal: false) + Frames.client(9, [1, 2]) + Frames.client(0, [0x6C])
            + Frames.client(2, []) + Frames.client(10, []) + Frames.client(2, [UInt8](repeating: 7, count: 200))
            + Frames.client(8, [3, 232])
        let whole = events(bytes)
        #expect(
            whole == [
                "ping [1, 2]", "text [104, 195, 169, 108]", "binary []", "pong []",
                "binary \([UInt8](repeating: 7, count: 200))", "close [3, 232]",
            ]
        )
        for cut in 0...bytes.count { #expect(events(bytes, cutAt: [cut]) == whole, "cut at \(cut)") }
        #expect(events(bytes, cutAt: Array(1..<bytes.count)) == whole)
    }

    @Test("the length has its three forms, the shortest alone")
    func lengths() {
        let long = [UInt8](repeating: 0x61, count: 70_000)
        #expect(events(Frames.client(2, long)) == ["binary \(long)"])
        #expect(events([0x82, 0xFE, 0, 125, 1, 2, 3, 4]) == ["failed 1002"])
        #expect(events([0x82, 0xFF, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 1, 2, 3, 4]) == ["failed 1002"])
        #expect(events([0x82, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4]) == ["failed 1002"])
    }

    @Test("a message has a bound, whether in one frame or in many")
    func bound() {
        #expect(events([0x82, 0xFF, 0, 0, 0, 0, 0, 0x10, 0, 1, 1, 2, 3, 4]) == ["failed 1009"])
        var bytes = Frames.client(2, [UInt8](repeating: 0, count: 1 << 19), isFinal: false)
        bytes += Frames.client(0, [UInt8](repeating: 0, count: 1 << 19), isFinal: false)
        #expect(events(bytes + Frames.client(0, [])).count == 1)
        #expect(events(bytes + Frames.client(0, [1])) == ["failed 1009"])
    }

    @Test("what is against the protocol fails")
    func refusals() {
        #expect(events([0x81, 0x01, 0x61, 0, 0, 0]) == ["failed 1002"], "not masked")
        #expect(events([0xC1, 0x80, 0, 0, 0, 0]) == ["failed 1002"], "a reserved bit")
        #expect(events([0x83, 0x80, 0, 0, 0, 0]) == ["failed 1002"], "an unknown opcode")
        #expect(events([0x80, 0x80, 0, 0, 0, 0]) == ["failed 1002"], "a continuation of nothing")
        #expect(events(Frames.text("a", isFinal: false) + Frames.text("b")) == ["failed 1002"], "a message in another")
        #expect(events(Frames.client(9, [], isFinal: false)) == ["failed 1002"], "a ping in pieces")
        #expect(events(Frames.client(9, [UInt8](repeating: 0, count: 126))) == ["failed 1002"], "a long ping")
        #expect(events(Frames.client(1, [0xC3])) == ["failed 1007"], "half a character")
    }

    @Test("random bytes never trap, however they are cut")
    func random() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var state = seed
        func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state >> 33
        }
        for round in 0..<2000 {
            var bytes = Frames.text("hello", isFinal: false) + Frames.client(0, [0x21]) + Frames.client(8, [3, 232])
            for _ in 0..<(1 + next() % 3) { bytes[Int(next()) % bytes.count] = UInt8(truncatingIfNeeded: next()) }
            let cut = Int(next()) % bytes.count
            #expect(events(bytes) == events(bytes, cutAt: [cut]), "seed \(seed), round \(round)")
        }
    }

    @Test("the handshake's proof is the RFC's own")
    func proof() throws {
        let proof = try WebSocketHandshake.accept(Array("dGhlIHNhbXBsZSBub25jZQ==".utf8).span)
        #expect(String(decoding: proof, as: UTF8.self) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        for (text, code) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")] {
            #expect(String(decoding: Base64.encode(Array(text.utf8)), as: UTF8.self) == code)
        }
    }
}
