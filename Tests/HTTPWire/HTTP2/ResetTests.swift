import Bytes
import Testing

@testable import HTTPWire

@Suite struct HTTP2ResetTests {
    @Test func aResetByTheClientClosesTheStream() {
        let server = Server()
        server.open()
        server.feed(Wire.headers(1, Wire.post, end: false) + Wire.data(1, [65]) + Wire.reset(1, 8))
        #expect(server.events.suffix(2) == [.data(1, "A"), .closed(1, 8)])
        #expect(server.counters.count(of: .resetReceived) == 1)
        #expect(server.gaveAllBack)
    }

    @Test func aResetByTheGatewayIsNotChargedToTheClient() throws {
        let server = Server()
        server.open()
        server.feed(Wire.headers(1, Wire.get))
        let stream = try #require(server.streams[1])
        server.respond(stream, body: "dropped")
        server.session.reset(stream, code: HTTP2ErrorCode.internalError)
        let frames = server.frames()
        #expect(frames.last?.code == 2)
        #expect(server.events.last == .closed(1, 2))
        #expect(server.counters.count(of: .resetProvoked) == 0)
        #expect(server.gaveAllBack)
    }

    @Test func callsOnAStreamThatIsOverDoNothing() throws {
        let server = Server()
        server.open()
        server.feed(Wire.headers(1, Wire.post, end: false) + Wire.data(1, [65]))
        let stream = try #require(server.streams[1])
        server.feed(Wire.reset(1))
        server.respond(stream, body: "late")
        #expect(server.session.send([1].span, on: stream) == 0)
        server.session.consume(stream, 1)
        server.session.reset(stream, code: 2)
        server.session.finish(stream)
        #expect(server.frames().isEmpty)
    }

    @Test func endClosesWhatIsLeft() {
        let server = Server()
        server.open()
        for id: Int32 in [1, 3, 5] { server.feed(Wire.headers(id, Wire.get)) }
        server.streams[1].map { server.respond($0, body: "waiting") }
        server.session.end()
        #expect(Set(server.events.suffix(3).map { "\($0)" }).count == 3)
        #expect(server.events.suffix(3).allSatisfy { if case .closed(_, 8) = $0 { true } else { false } })
        #expect(server.gaveAllBack)
        #expect(server.session.receive(Wire.ping().span, now: 0) == .closing(.requested(code: 0)))
    }

    @Test func bytesAfterTheEndFindNoStream() {
        let server = Server()
        server.open([(4, 3)])
        for id: Int32 in [1, 3] {
            server.feed(Wire.headers(id, Wire.get))
            server.streams[id].map { server.respond($0, body: "waiting for a window") }
        }
        _ = server.produceOnce(limit: 1)
        server.session.end()
        #expect(server.gaveAllBack)
        _ = server.frames()
        #expect(server.gaveAllBack)
    }

    @Test func nothingOutlivesTheSession() {
        weak var session: HTTP2ServerSession?
        weak var stream: HTTP2Stream?
        do {
            let server = Server()
            server.open()
            session = server.session
            server.feed(Wire.headers(1, Wire.get))
            stream = server.streams[1]
            server.session.end()
        }
        #expect(session == nil)
        #expect(stream == nil)
    }
}

@Suite struct HTTP2DrainTests {
    @Test func aDrainNamesTheEndInTwoSteps() throws {
        let server = Server()
        server.open()
        server.feed(Wire.headers(1, Wire.get))
        server.session.drain()
        let notice = server.frames()
        #expect(Set(notice.map(\.type)) == [7, 6])
        let first = try #require(notice.first { $0.type == 7 })
        #expect(first.number(at: 0) == 0x7FFF_FFFF)
        #expect(first.code == 0)
        // A request that was under way is served.
        server.feed(Wire.headers(3, Wire.get))
        #expect(server.streams[3] != nil)
        server.feed(Wire.ping(acknowledging: true))
        let last = try #require(server.frames().first { $0.type == 7 })
        #expect(last.number(at: 0) == 3)
        // One after it is not.
        server.feed(Wire.headers(5, Wire.get))
        #expect(server.streams[5] == nil)
        #expect(server.counters.count(of: .lateStream) == 1)
        #expect(server.session.wantsRead)
        for id: Int32 in [1, 3] { server.streams[id].map { server.respond($0, body: "ok") } }
        #expect(server.frames().filter(\.endsStream).count == 2)
        #expect(!server.session.wantsRead)
        #expect(!server.session.wantsWrite)
        #expect(server.session.closing == nil)
    }

    @Test func aSecondCallDoesNotWait() {
        let server = Server()
        server.open()
        server.session.drain()
        server.session.drain()
        server.session.drain()
        #expect(server.frames().filter { $0.type == 7 }.map { $0.number(at: 0) } == [0x7FFF_FFFF, 0])
        #expect(!server.session.wantsRead)
    }

    @Test func closeSendsGoawayAndNothingElse() {
        let server = Server()
        server.open()
        server.feed(Wire.headers(1, Wire.get))
        server.session.close(code: HTTP2ErrorCode.internalError)
        #expect(server.frames().map(\.code) == [2])
        #expect(server.feed(Wire.headers(3, Wire.get)) == .closing(.requested(code: 2)))
        #expect(!server.session.wantsRead && !server.session.wantsWrite)
    }
}
