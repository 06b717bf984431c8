import Bytes
import Testing

@testable import HTTPWire

/// Each flood of facts known by CVE or by nature: one repeated unit, the glitch it is, and how often an honest
/// client might do it.
@Suite struct HTTP2FloodTests {
    struct Flood: CustomTestStringConvertible, Sendable {
        var name: String
        var glitch: HTTP2Glitch
        /// The bytes of repetition `n`, from 0.
        var unit: @Sendable (Int) -> [UInt8]
        /// So many are no abuse.
        var harmless: Int
        /// Where the budget is gone at the latest.
        var fatal: Int

        var testDescription: String { name }
    }

    private static func id(_ n: Int) -> Int32 { Int32(n * 2 + 1) }

    static let floods: [Flood] = [
        Flood(
            name: "rapid reset",
            glitch: .resetReceived,
            unit: { Wire.headers(id($0), Wire.get) + Wire.reset(id($0)) },
            harmless: 150,
            fatal: 201
        ),
        Flood(
            name: "malformed heads",
            glitch: .malformedMessage,
            unit: { Wire.headers(id($0), Wire.get + [("connection", "close")]) },
            harmless: 50,
            fatal: 101
        ),
        Flood(
            name: "heads with a target that is no path",
            glitch: .malformedMessage,
            unit: { Wire.headers(id($0), Wire.get.dropLast() + [(":path", "/a#b")]) },
            harmless: 50,
            fatal: 101
        ),
        Flood(
            name: "streams that we must reset: window overflow",
            glitch: .resetProvoked,
            unit: { Wire.headers(id($0), Wire.get) + Wire.windowUpdate(id($0), 0x7FFF_FFFF) },
            harmless: 150,
            fatal: 201
        ),
        Flood(
            name: "streams that we must reset: more than Content-Length",
            glitch: .resetProvoked,
            unit: {
                Wire.headers(id($0), Wire.post + [("content-length", "1")], end: false) + Wire.data(id($0), [1, 2])
            },
            harmless: 150,
            fatal: 201
        ),
        Flood(name: "settings", glitch: .settings, unit: { _ in Wire.settings() }, harmless: 50, fatal: 101),
        Flood(name: "ping", glitch: .ping, unit: { _ in Wire.ping() }, harmless: 500, fatal: 1_001),
        Flood(
            name: "answers to no ping of ours",
            glitch: .ping,
            unit: { _ in Wire.ping(acknowledging: true) },
            harmless: 500,
            fatal: 1_001
        ),
        Flood(
            name: "priority",
            glitch: .priority,
            unit: { _ in Frame(type: 2, stream: 1, payload: [0, 0, 0, 0, 16]).bytes },
            harmless: 500,
            fatal: 1_001
        ),
        Flood(
            name: "priority update",
            glitch: .priority,
            unit: { _ in Frame(type: 16, payload: [0, 0, 0, 1] + Array("u=1".utf8)).bytes },
            harmless: 500,
            fatal: 1_001
        ),
        Flood(
            name: "empty data",
            glitch: .emptyData,
            unit: { ($0 == 0 ? Wire.headers(1, Wire.post, end: false) : []) + Wire.data(1, []) },
            harmless: 50,
            fatal: 101
        ),
        Flood(
            name: "data of nothing but padding",
            glitch: .emptyData,
            unit: {
                ($0 == 0 ? Wire.headers(1, Wire.post, end: false) : [])
                    + Frame(type: 0, flags: 8, stream: 1, payload: [3, 0, 0, 0]).bytes
            },
            harmless: 50,
            fatal: 101
        ),
        Flood(
            name: "window updates",
            glitch: .windowUpdate,
            unit: { _ in Wire.windowUpdate(0, 1) },
            harmless: 1_000,
            fatal: 2_001
        ),
        Flood(
            name: "frames of an unknown type",
            glitch: .uselessFrame,
            unit: { _ in Frame(type: 0xEE, payload: [1]).bytes },
            harmless: 1_000,
            fatal: 2_001
        ),
        Flood(
            name: "oversized heads",
            glitch: .oversizedHead,
            unit: { Wire.headers(id($0), Wire.get + [("a", String(repeating: "x", count: 9_000))]) },
            harmless: 20,
            fatal: 41
        ),
    ]

    @Test(arguments: floods)
    func endsTheConnectionCalmly(_ flood: Flood) throws {
        let server = Server()
        server.open()
        var count = 0
        var outcome = HTTP2Outcome.ok
        var last: [Frame] = []
        while outcome == .ok && server.session.closing == nil && count <= flood.fatal {
            outcome = server.feed(flood.unit(count))
            last = server.frames()
            count += 1
        }
        #expect(server.session.closing == .abuse(flood.glitch))
        #expect(count > flood.harmless && count <= flood.fatal)
        let goaway = try #require(last.last { $0.type == 7 })
        #expect(goaway.code == HTTP2ErrorCode.enhanceYourCalm)
        #expect(server.counters.count(of: flood.glitch) >= UInt64(flood.harmless))
        #expect(server.counters.closures(by: flood.glitch) == 1)
        #expect(!server.session.wantsRead && !server.session.wantsWrite)
        server.session.end()
        #expect(server.gaveAllBack)
    }

    @Test(arguments: floods)
    func isPaidBackByTime(_ flood: Flood) {
        let server = Server()
        server.open()
        for count in 0..<min(flood.fatal * 2, 500) {
            server.now += 1_000
            server.feed(flood.unit(count))
            _ = server.frames()
        }
        #expect(server.session.closing == nil)
    }

    @Test(arguments: floods)
    func isStoppedInsideOneRead(_ flood: Flood) {
        let server = Server()
        server.open()
        let all = (0...flood.fatal).flatMap(flood.unit)
        server.feed(all)
        _ = server.frames()
        #expect(server.session.closing != nil)
    }

    @Test func acknowledgementsThatWaitAreBounded() {
        var budgets = HTTP2Budgets()
        budgets.framePoints = 1_000_000
        budgets.outstandingAcknowledgements = 50
        let server = Server(HTTP2Settings(), budgets)
        server.open()
        // The client does not read: nothing is produced.
        let outcome = server.feed((0..<100).flatMap { _ in Wire.ping() })
        #expect(outcome == .closing(.abuse(.ping)))
        #expect(server.counters.closures(by: .ping) == 1)
        #expect(server.frames().last?.code == 11)
    }

    @Test func resetsAreChargedAfterGoawayToo() {
        var budgets = HTTP2Budgets()
        budgets.resets = 20
        let server = Server(HTTP2Settings(), budgets)
        server.open()
        for index in 0..<30 { server.feed(Wire.headers(Int32(index * 2 + 1), Wire.post, end: false)) }
        server.session.drain()
        server.session.drain()
        _ = server.frames()
        for index in 0..<21 { server.feed(Wire.reset(Int32(index * 2 + 1))) }
        #expect(server.session.closing == .abuse(.resetReceived))
        #expect(server.frames().last?.code == HTTP2ErrorCode.enhanceYourCalm)
    }

    @Test func emptyDataOnAStreamThatIsGoneIsChargedToo() {
        let server = Server()
        server.open()
        server.feed(Wire.headers(1, Wire.post, end: false) + Wire.reset(1))
        for _ in 0..<101 { server.feed(Wire.data(1, [])) }
        #expect(server.session.closing == .abuse(.emptyData))
    }

    @Test func dataForAStreamThatIsGoneIsCharged() {
        let server = Server()
        server.open()
        server.feed(Wire.headers(1, Wire.post, end: false) + Wire.reset(1))
        for _ in 0..<1_900 { server.feed(Wire.data(1, [65])) }
        #expect(server.session.closing == nil)
        for _ in 0..<100 { server.feed(Wire.data(1, [65])) }
        #expect(server.session.closing == .abuse(.uselessFrame))
        #expect(server.counters.closures(by: .uselessFrame) == 1)
        // What comes with its head, or for a stream that is open, costs nothing.
        let other = Server()
        other.open()
        other.feed(Wire.headers(1, Wire.post, end: false) + Wire.data(1, [65]))
        for _ in 0..<5_000 { other.feed(Wire.data(1, [65])) }
        #expect(other.session.closing == nil)
        #expect(other.counters.count(of: .uselessFrame) == 0)
    }

    @Test func continuationFramesAreBounded() {
        let server = Server()
        server.open()
        var bytes = Wire.headers(1, Wire.get, endHeaders: false)
        for _ in 0..<9 { bytes += Frame(type: 9, stream: 1, payload: Wire.block([("a", "b")])).bytes }
        #expect(server.feed(bytes) == .closing(.abuse(.continuation)))
        #expect(server.frames().last?.code == 11)
        #expect(server.counters.closures(by: .continuation) == 1)
        #expect(server.events.isEmpty)
    }

    @Test func continuationBytesAreBounded() {
        let server = Server()
        server.open()
        let block = Wire.block([("a", String(repeating: "x", count: 16_000))])
        var bytes = Wire.headers(1, Wire.get, endHeaders: false)
        for _ in 0..<8 { bytes += Frame(type: 9, stream: 1, payload: block).bytes }
        var budgets = HTTP2Budgets()
        budgets.headBlockBytes = 65_536
        let strict = Server(HTTP2Settings(), budgets)
        strict.open()
        #expect(strict.feed(bytes) == .closing(.abuse(.continuation)))
        #expect(server.feed(bytes) == .ok)
    }

    @Test func headsInAFewContinuationsAreRead() {
        let server = Server()
        server.open()
        let block = Wire.block(Wire.get + [("a", "b")])
        let cut = block.count / 3
        var bytes = Frame(type: 1, flags: 1, stream: 1, payload: Array(block[..<cut])).bytes
        bytes += Frame(type: 9, stream: 1, payload: Array(block[cut..<(2 * cut)])).bytes
        bytes += Frame(type: 9, flags: 4, stream: 1, payload: Array(block[(2 * cut)...])).bytes
        server.feed(bytes)
        #expect(server.events == [.opened(1, "GET foobar.com / | a: b", ends: true)])
    }

    @Test func headsInAsManyContinuationsAsMayBeAreReadHoweverTheyAreCut() {
        let block = Wire.block(Wire.get + [("a", String(repeating: "b", count: 40))])
        let size = (block.count + 8) / 9
        var bytes: [UInt8] = []
        for (index, start) in stride(from: 0, to: block.count, by: size).enumerated() {
            let end = min(start + size, block.count)
            let flags: UInt8 = (index == 0 ? 1 : 0) | (end == block.count ? 4 : 0)
            bytes += Frame(type: index == 0 ? 1 : 9, flags: flags, stream: 1, payload: Array(block[start..<end])).bytes
        }
        for step in 1...20 {
            let server = Server()
            server.open()
            server.feed(bytes, step: step)
            #expect(server.events.count == 1, "step \(step)")
            #expect(server.session.closing == nil, "step \(step)")
        }
    }

    @Test func aListThatUnfoldsWithoutEndIsCutOff() {
        let server = Server()
        server.open()
        // One field of 4,000 bytes into the dynamic table (RFC 7541 section 6.2.1), then references to it of one
        // byte each.
        let entry = [0x40, 1, 0x61, 127, 0xA1, 0x1E] + [UInt8](repeating: 0x78, count: 4_000)
        let block = Wire.block(Wire.get) + entry + [UInt8](repeating: 0x80 | 62, count: 5_000)
        #expect(
            server.feed(Frame(type: 1, flags: 5, stream: 1, payload: block).bytes) == .closing(.abuse(.oversizedHead))
        )
        #expect(server.frames().last?.code == 11)
        #expect(server.counters.closures(by: .oversizedHead) == 1)
    }

    @Test func moreStreamsThanAllowedAreRefused() {
        var settings = HTTP2Settings()
        settings.maxConcurrentStreams = 10
        let server = Server(settings)
        // Not acknowledged yet: refused one by one.
        server.feed(Wire.opening)
        for index in 0..<12 { server.feed(Wire.headers(Int32(index * 2 + 1), Wire.get)) }
        #expect(server.session.openStreams == 10)
        #expect(server.frames().filter { $0.type == 3 }.map(\.code) == [7, 7])
        #expect(server.events.filter { if case .refused(_, .tooManyStreams) = $0 { true } else { false } }.count == 2)
    }

    @Test func anHonestDownloadNeverRunsDry() {
        let server = Server()
        server.open()
        server.feed(Wire.headers(1, Wire.get))
        guard let stream = server.streams[1] else {
            Issue.record("no stream")
            return
        }
        let head = HTTP2HeadWriter()
        head.startResponse(status: 200)
        server.session.respond(stream, head, endsStream: false)
        // Each DATA frame is answered with two WINDOW_UPDATEs and a PING, for 160 MB and without time passing.
        let chunk = [UInt8](repeating: 1, count: 16_384)
        for _ in 0..<10_000 {
            _ = server.session.send(chunk.span, on: stream)
            let count = server.frames().filter { $0.type == 0 }.map(\.payload.count).reduce(0, +)
            guard count > 0 else { continue }
            server.feed(Wire.windowUpdate(0, UInt32(count)) + Wire.windowUpdate(1, UInt32(count)) + Wire.ping())
        }
        #expect(server.session.closing == nil)
    }
}
