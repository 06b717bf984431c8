import Bytes
import Testing

@testable import HTTPWire

@Suite struct HTTP2RobustnessTests {
    /// A conversation with a bit of everything.
    static let conversation: [UInt8] =
        Wire.opening + Wire.settingsAcknowledgement
        + Wire.headers(1, Wire.get + [("cookie", "a=1"), ("cookie", "b=2")])
        + Wire.headers(3, Wire.post + [("content-length", "5")], end: false)
        + Wire.data(3, Array("he".utf8)) + Wire.ping()
        + Wire.headers(5, Wire.get + [("connection", "close")])
        + Frame(type: 0, flags: 9, stream: 3, payload: [2] + Array("llo".utf8) + [0, 0]).bytes
        + Wire.headers(7, Wire.post, end: false) + Wire.data(7, [66]) + Wire.headers(7, [("t", "u")])
        + Wire.headers(9, Wire.get + [("x", String(repeating: "y", count: 300))]) + Wire.reset(9)
        + Wire.headers(11, Wire.get + (0..<120).map { ("n\($0)", "v") })
        + Wire.windowUpdate(0, 100) + Frame(type: 0xAA, payload: [1, 2, 3]).bytes

    private func events(step: Int) -> [Event] {
        let server = Server()
        server.whenComplete = { server, stream in
            if stream.id != 9 { server.respond(stream, body: "ok") }
        }
        server.feed(Self.conversation, step: step)
        return server.events
    }

    @Test func everySplitTellsTheSame() {
        let whole = events(step: .max)
        #expect(whole.count == 12)
        for step in 1...64 { #expect(events(step: step) == whole, "step \(step)") }
    }

    @Test func everyCutOfTwoTellsTheSame() {
        let whole = events(step: .max)
        for cut in 1..<Self.conversation.count {
            let server = Server()
            server.whenComplete = { server, stream in
                if stream.id != 9 { server.respond(stream, body: "ok") }
            }
            server.feed(Array(Self.conversation[..<cut]))
            server.feed(Array(Self.conversation[cut...]))
            if server.events != whole { Issue.record("cut at \(cut)") }
        }
    }

    @Test func aTruncatedConversationGivesAllBack() {
        for length in stride(from: 0, to: Self.conversation.count, by: 7) {
            let server = Server()
            server.feed(Array(Self.conversation[..<length]))
            _ = server.frames()
            server.session.end()
            if !server.gaveAllBack { Issue.record("cut at \(length)") }
        }
    }

    @Test func flippedBitsNeverTrap() {
        var random = SeededGenerator()
        print("HTTP/2 bit flips: seed \(random.seed)")
        for _ in 0..<400 {
            var bytes = Self.conversation
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let index = Int.random(in: 24..<bytes.count, using: &random)
                bytes[index] ^= 1 << UInt8.random(in: 0...7, using: &random)
            }
            drive(bytes, step: Int.random(in: 1...500, using: &random))
        }
    }

    @Test func randomFramesNeverTrap() {
        var random = SeededGenerator()
        print("HTTP/2 random frames: seed \(random.seed)")
        for _ in 0..<300 {
            var bytes = Wire.opening + Wire.settingsAcknowledgement
            for _ in 0..<Int.random(in: 1...60, using: &random) { bytes += frame(&random) }
            drive(bytes, step: Int.random(in: 1...2_000, using: &random))
        }
    }

    /// A frame that is likely to make sense, or not.
    private func frame(_ random: inout SeededGenerator) -> [UInt8] {
        let id = Int32.random(in: 0...9, using: &random)
        let count = Int.random(in: 0...40, using: &random)
        let noise = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
        switch Int.random(in: 0...9, using: &random) {
        case 0, 1: return Wire.headers(id | 1, Wire.get, end: .random(using: &random))
        case 2: return Wire.headers(id | 1, Wire.post + [("content-length", "\(count)")], end: false)
        case 3: return Wire.data(id | 1, noise, end: .random(using: &random))
        case 4: return Wire.reset(id | 1)
        case 5: return Wire.windowUpdate(id, UInt32.random(in: 0...0x7FFF_FFFF, using: &random))
        case 6:
            return Wire.settings([(UInt16.random(in: 0...10, using: &random), .random(in: 0...100_000, using: &random))]
            )
        default:
            let type = UInt8.random(in: 0...11, using: &random)
            return Frame(type: type, flags: .random(in: 0...255, using: &random), stream: id, payload: noise).bytes
        }
    }

    /// Feeds bytes to a server that answers, resets and stalls in turn; everything must come back in the end.
    private func drive(_ bytes: [UInt8], step: Int) {
        let server = Server()
        server.whenComplete = { server, stream in
            switch stream.id % 8 {
            case 1: server.respond(stream, body: String(repeating: "b", count: 5_000))
            case 3: server.session.reset(stream, code: 2)
            case 5: server.respond(stream, status: 204)
            default: break
            }
        }
        var position = 0
        while position < bytes.count, server.session.wantsRead {
            let end = min(position + step, bytes.count)
            server.feed(Array(bytes[position..<end]))
            _ = server.frames(limit: 1_000)
            position = end
        }
        server.session.end()
        #expect(server.gaveAllBack)
    }
}
