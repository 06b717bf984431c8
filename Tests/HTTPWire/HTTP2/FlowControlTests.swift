import Bytes
import Testing

@testable import HTTPWire

@Suite struct HTTP2FlowControlTests {
    @Test func answersHonourTheClientsWindow() {
        let server = Server()
        server.open([(4, 10)])
        server.whenComplete = { $0.respond($1, body: "0123456789abcdefghijKLMNO") }
        server.feed(Wire.headers(1, Wire.get))
        var bodies: [String] = []
        for _ in 0..<3 {
            let data = server.frames().filter { $0.type == 0 }
            bodies.append(String(decoding: data.flatMap(\.payload), as: UTF8.self))
            #expect(!server.session.wantsWrite)
            server.feed(Wire.windowUpdate(1, 10))
        }
        #expect(bodies == ["0123456789", "abcdefghij", "KLMNO"])
        #expect(server.events.last == .closed(1, 0))
    }

    @Test func aFullSendBufferTakesNoMoreUntilHalfIsWritten() throws {
        var settings = HTTP2Settings()
        settings.sendBuffer = 100
        let server = Server(settings)
        server.open([(4, 20)])
        server.feed(Wire.headers(1, Wire.get))
        let stream = try #require(server.streams[1])
        let head = HTTP2HeadWriter()
        head.startResponse(status: 200)
        server.session.respond(stream, head, endsStream: false)
        let data = [UInt8](repeating: 7, count: 150)
        #expect(server.session.send(data.span, on: stream) == 100)
        #expect(server.session.send(data.span, on: stream) == 0)
        _ = server.frames()
        #expect(stream.buffered == 80)
        #expect(!server.events.contains(.writable(1)))
        server.feed(Wire.windowUpdate(1, 29))
        _ = server.frames()
        #expect(stream.buffered == 51)
        #expect(!server.events.contains(.writable(1)))
        server.feed(Wire.windowUpdate(1, 1))
        _ = server.frames()
        #expect(server.events.last == .writable(1))
        #expect(server.session.send(data.span, on: stream) == 50)
        #expect(server.buffers.lent == 1)
    }

    @Test func whatIsSentFromWritableGoesOutInTheSameProduce() throws {
        var settings = HTTP2Settings()
        settings.sendBuffer = 1_000
        let server = Server(settings)
        server.open()
        var left = 10_000
        let pump: (Server, HTTP2Stream) -> Void = { server, stream in
            while left > 0 {
                let chunk = [UInt8](repeating: 1, count: left)
                let taken = server.session.send(chunk.span, on: stream)
                left -= taken
                if taken == 0 { return }
            }
            server.session.finish(stream)
        }
        server.whenWritable = pump
        server.whenComplete = { server, stream in
            let head = HTTP2HeadWriter()
            head.startResponse(status: 200)
            server.session.respond(stream, head, endsStream: false)
            pump(server, stream)
        }
        server.feed(Wire.headers(1, Wire.get))
        let frames = server.produceOnce()
        #expect(frames.filter { $0.type == 0 }.map(\.payload.count).reduce(0, +) == 10_000)
        #expect(frames.last?.endsStream == true)
        #expect(server.gaveAllBack)
    }

    @Test func produceStopsNearItsLimit() {
        let server = Server()
        server.open([(4, 1 << 20)])
        server.feed(Wire.windowUpdate(0, 1 << 20))
        server.whenComplete = { $0.respond($1, body: String(repeating: "x", count: 60_000)) }
        server.feed(Wire.headers(1, Wire.get))
        let first = server.produceOnce(limit: 1_000)
        let size = first.map { $0.payload.count + 9 }.reduce(0, +)
        #expect(size >= 1_000 && size < 1_000 + 16_384 + 9)
        #expect(server.session.wantsWrite)
        let rest = server.frames(limit: 1_000)
        #expect((first + rest).filter { $0.type == 0 }.map(\.payload.count).reduce(0, +) == 60_000)
    }

    @Test func creditReturnsOnlyWhenConsumed() throws {
        var settings = HTTP2Settings()
        settings.streamWindow = 1_000
        let server = Server(settings)
        server.open()
        server.consumes = false
        server.feed(Wire.headers(1, Wire.post, end: false) + Wire.data(1, [UInt8](repeating: 65, count: 1_000)))
        #expect(server.frames().isEmpty)
        server.session.consume(try #require(server.streams[1]), 1_000)
        let updates = server.frames().filter { $0.type == 8 && $0.stream == 1 }
        #expect(updates.map { $0.number(at: 0) } == [1_000])
    }

    @Test func moreThanTheWindowIsAnError() {
        var settings = HTTP2Settings()
        settings.streamWindow = 1_000
        let server = Server(settings)
        server.open()
        server.consumes = false
        server.feed(Wire.headers(1, Wire.post, end: false) + Wire.data(1, [UInt8](repeating: 65, count: 1_001)))
        #expect(server.frames().contains { $0.code == 3 })
    }

    @Test func stalledStreamsHoldNobodyBack() {
        let server = Server()
        server.open()
        server.consumes = false
        let window = [UInt8](repeating: 65, count: 16_384)
        // Every stream but one fills its window, and nobody takes the bytes.
        for index in 0..<99 {
            let id = Int32(index * 2 + 1)
            server.feed(Wire.headers(id, Wire.post, end: false))
            for _ in 0..<4 { server.feed(Wire.data(id, window)) }
        }
        server.whenComplete = { $0.respond($1, body: "done") }
        server.feed(Wire.headers(199, Wire.post, end: false) + Wire.data(199, window) + Wire.data(199, [1], end: true))
        let frames = server.frames()
        #expect(!frames.contains { $0.type == 7 })
        #expect(frames.contains { $0.type == 0 && $0.stream == 199 && $0.endsStream })
        #expect(server.session.openStreams == 99)
        #expect(server.session.closing == nil)
    }

    @Test func creditOfAStreamThatEndedGoesBackToTheConnection() {
        var settings = HTTP2Settings()
        settings.maxConcurrentStreams = 1
        settings.streamWindow = 65_536
        let server = Server(settings)
        server.open()
        server.consumes = false
        // Many windows' worth in all: it would run dry if a reset stream kept its share.
        for index in 0..<20 {
            let id = Int32(index * 2 + 1)
            server.feed(Wire.headers(id, Wire.post, end: false))
            for _ in 0..<3 { server.feed(Wire.data(id, [UInt8](repeating: 65, count: 16_384))) }
            server.feed(Wire.reset(id))
            _ = server.frames()
        }
        #expect(server.session.closing == nil)
        #expect(server.events.count { if case .closed = $0 { true } else { false } } == 20)
        #expect(server.gaveAllBack)
    }

    @Test func anAnswerIsSharedBetweenStreams() {
        let server = Server()
        server.open([(4, 1 << 20)])
        server.feed(Wire.windowUpdate(0, 1 << 20))
        server.whenComplete = { $0.respond($1, body: String(repeating: "x", count: 60_000)) }
        // The client gives the first stream no window, the second goes on.
        server.feed(Wire.settings([(4, 0)]))
        server.feed(Wire.headers(1, Wire.get) + Wire.headers(3, Wire.get) + Wire.windowUpdate(3, 100_000))
        let frames = server.frames()
        #expect(frames.contains { $0.stream == 3 && $0.type == 0 && $0.endsStream })
        #expect(!frames.contains { $0.stream == 1 && $0.type == 0 })
        #expect(server.streams[1]?.buffered == 60_000)
    }
}
