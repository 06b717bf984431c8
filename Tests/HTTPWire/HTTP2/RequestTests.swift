import Bytes
import Testing

@testable import HTTPWire

@Suite struct HTTP2RequestTests {
    @Test func aSmallAnswerIsOneHeadAndOneDataFrameInOneProduce() throws {
        let server = Server()
        server.open()
        server.whenComplete = { $0.respond($1, body: "hello") }
        #expect(server.feed(Wire.headers(1, Wire.get + [("accept", "*/*")])) == .ok)
        #expect(server.events == [.opened(1, "GET foobar.com / | accept: */*", ends: true)])
        let frames = server.produceOnce()
        #expect(frames.map(\.type) == [1, 0])
        #expect(server.fields(of: try #require(frames.first)) == [":status: 200", "content-length: 5"])
        #expect(frames.last?.payload == Array("hello".utf8))
        #expect(frames.last?.endsStream == true)
        #expect(server.events.last == .closed(1, 0))
        #expect(!server.session.wantsWrite)
        #expect(server.gaveAllBack)
    }

    @Test func aBodyComesInOrderAndEnds() {
        let server = Server()
        server.open()
        server.feed(Wire.headers(1, Wire.post + [("content-length", "6")], end: false))
        #expect(server.streams[1]?.head.framing == .length(6))
        server.feed(Wire.data(1, Array("abc".utf8)) + Wire.data(1, Array("def".utf8), end: true))
        #expect(server.events.dropFirst() == [.data(1, "abcdef"), .ended(1, [])])
    }

    @Test func framingIsKnownFromTheHead() {
        let server = Server()
        server.open()
        server.feed(Wire.headers(1, Wire.post, end: false) + Wire.headers(3, Wire.get))
        #expect(server.streams[1]?.head.framing == .untilEndOfStream)
        #expect(server.streams[3]?.head.framing == BodyFraming.none)
        #expect(server.streams[3]?.head.version == .http2)
        #expect(server.streams[3]?.head.method == .get)
    }

    @Test func trailersAreKeptApart() {
        let server = Server()
        server.open()
        server.feed(Wire.headers(1, Wire.post, end: false) + Wire.data(1, [65]))
        server.feed(Wire.headers(1, [("grpc-status", "0")]))
        #expect(server.events.suffix(2) == [.data(1, "A"), .ended(1, ["grpc-status: 0"])])
        #expect(server.streams[1]?.head.fields.isEmpty == true)
    }

    @Test func whatBelongsToTheHeadIsDroppedFromTrailers() {
        let server = Server()
        server.open()
        server.feed(Wire.headers(1, Wire.post, end: false))
        server.feed(Wire.headers(1, [("authorization", "a"), ("x-sum", "1"), ("content-type", "b"), ("a_b", "c")]))
        #expect(server.events.last == .ended(1, ["x-sum: 1"]))
    }

    @Test func aHeadIsUnderWayFromItsFirstByteToItsLast() {
        let block = Wire.block(Wire.get)
        let frames: [Frame] = [
            Frame(type: 1, flags: 1, stream: 5, payload: Array(block[..<9])),
            Frame(type: 9, stream: 5, payload: Array(block[9..<20])),
            Frame(type: 9, flags: 4, stream: 5, payload: Array(block[20...])),
        ]
        let server = Server()
        server.open()
        #expect(server.session.headUnderWay == 0)
        for (number, frame) in frames.enumerated() {
            // The library counts the pieces of a CONTINUATION's header as if each were a frame.
            server.feed(Array(frame.bytes[..<8]))
            #expect(server.session.headUnderWay == (number == 0 ? 0 : 5))
            for byte in frame.bytes[8...] {
                #expect(server.session.headUnderWay == (number == 0 && byte == 5 ? 0 : 5))
                server.feed([byte])
            }
        }
        #expect(server.session.headUnderWay == 0)
        server.feed(Wire.ping() + Wire.headers(7, Wire.get))
        #expect(server.session.headUnderWay == 0)
        #expect(server.events.count == 2)
    }

    @Test func answersMayHaveInterimHeadsAndTrailers() throws {
        let server = Server()
        server.open()
        server.feed(Wire.headers(1, Wire.get))
        let stream = try #require(server.streams[1])
        let head = HTTP2HeadWriter()
        head.startResponse(status: 103)
        head.add("link", "</a.css>; rel=preload")
        server.session.inform(stream, head)
        head.startResponse(status: 200)
        server.session.respond(stream, head, endsStream: false)
        #expect(server.session.send([1, 2, 3].span, on: stream) == 3)
        head.startTrailers()
        head.add("grpc-status", "0")
        server.session.finish(stream, trailers: head)
        let frames = server.frames()
        #expect(frames.map(\.type) == [1, 1, 0, 1])
        let heads = frames.filter { $0.type == 1 }.map { server.fields(of: $0) }
        #expect(heads == [[":status: 103", "link: </a.css>; rel=preload"], [":status: 200"], ["grpc-status: 0"]])
        #expect(frames.map(\.endsStream) == [false, false, false, true])
        #expect(server.events.last == .closed(1, 0))
        #expect(server.gaveAllBack)
    }

    @Test func trailersWithoutABodyFollowTheHead() throws {
        let server = Server()
        server.open()
        server.feed(Wire.headers(1, Wire.get))
        let stream = try #require(server.streams[1])
        let head = HTTP2HeadWriter()
        head.startResponse(status: 200)
        server.session.respond(stream, head, endsStream: false)
        head.startTrailers()
        head.add("a", "b")
        server.session.finish(stream, trailers: head)
        let frames = server.frames()
        #expect(frames.map(\.type) == [1, 1])
        #expect(frames.last?.endsStream == true)
    }

    @Test func anAnswerBeforeTheRequestEndedResetsTheRest() {
        let server = Server()
        server.open()
        server.consumes = false
        server.feed(Wire.headers(1, Wire.post, end: false) + Wire.data(1, [1, 2, 3]))
        server.streams[1].map { server.respond($0, status: 413, body: "no") }
        let frames = server.frames()
        #expect(frames.map(\.type) == [1, 0, 3])
        #expect(frames.last?.code == 0)
        #expect(server.events.last == .closed(1, 0))
        #expect(server.counters.count(of: .resetProvoked) == 0)
        #expect(server.gaveAllBack)
    }

    @Test func cookieCrumbsAreJoined() {
        let server = Server()
        server.open()
        server.feed(
            Wire.headers(
                1,
                Wire.get + [("cookie", "a=1"), ("x", "y"), ("cookie", "b=2"), ("cookie", "c=3"), ("z", "")]
            )
        )
        #expect(
            server.events == [.opened(1, "GET foobar.com / | cookie: a=1; b=2; c=3 | x: y | z: ", ends: true)]
        )
    }

    @Test func hostStandsForAuthorityAndIsDropped() {
        let server = Server()
        server.open()
        let withoutAuthority = Wire.get.filter { $0.0 != ":authority" }
        server.feed(Wire.headers(1, withoutAuthority + [("host", "foobar.com:8443")]))
        server.feed(Wire.headers(3, Wire.get + [("host", "FOOBAR.com")]))
        #expect(
            server.events == [
                .opened(1, "GET foobar.com:8443 /", ends: true), .opened(3, "GET foobar.com /", ends: true),
            ]
        )
    }

    @Test func extendedConnectNamesItsProtocol() throws {
        let fields: Wire.Fields = [
            (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"), (":authority", "foobar.com"),
            (":path", "/ws"),
        ]
        let server = Server()
        server.open()
        server.feed(Wire.headers(1, fields, end: false))
        let head = try #require(server.streams[1]).head
        #expect(head.method == .connect)
        let bytes = head.bytes
        let upgrade = bytes.span(head.upgrade).text
        #expect(upgrade == "websocket")
        #expect(head.framing == .untilEndOfStream)

        var settings = HTTP2Settings()
        settings.extendedConnect = false
        let strict = Server(settings)
        strict.open()
        strict.feed(Wire.headers(1, fields, end: false))
        #expect(strict.events == [.refused(1, .malformedStream)])
        #expect(strict.frames().first?.code == 1)
    }

    @Test func aTunnelMayBeClosedInOneDirection() throws {
        let server = Server()
        server.open()
        let connect: Wire.Fields = [
            (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"), (":authority", "foobar.com"),
            (":path", "/ws"),
        ]
        server.feed(Wire.headers(1, connect, end: false))
        let stream = try #require(server.streams[1])
        let head = HTTP2HeadWriter()
        head.startResponse(status: 200)
        server.session.respond(stream, head, endsStream: false)
        #expect(server.session.send([1].span, on: stream) == 1)
        server.session.finish(stream)
        let frames = server.frames()
        #expect(frames.map(\.type) == [1, 0])
        #expect(frames.last?.endsStream == true)
        server.feed(Wire.data(1, Array("still here".utf8)) + Wire.data(1, [], end: true))
        #expect(server.events.suffix(3) == [.data(1, "still here"), .ended(1, []), .closed(1, 0)])
        #expect(server.gaveAllBack)
    }

    @Test func fieldsWithUnderscoreAreDroppedUnlessKept() {
        for keeps in [false, true] {
            var settings = HTTP2Settings()
            settings.keepsUnderscores = keeps
            let server = Server(settings)
            server.open()
            server.feed(Wire.headers(1, Wire.get + [("x_forwarded_for", "1")]))
            let expected = keeps ? "GET foobar.com / | x_forwarded_for: 1" : "GET foobar.com /"
            #expect(server.events == [.opened(1, expected, ends: true)])
        }
    }

    @Test func settingsAreAnnounced() throws {
        let server = Server()
        server.feed(Wire.opening)
        let frames = server.frames()
        let settings = try #require(frames.first { $0.type == 4 && $0.flags == 0 })
        let entries = stride(from: 0, to: settings.payload.count, by: 6).map {
            (UInt16(settings.payload[$0]) << 8 | UInt16(settings.payload[$0 + 1]), settings.number(at: $0 + 2))
        }
        let values = Dictionary(uniqueKeysWithValues: entries)
        #expect(values == [3: 100, 4: 65_536, 6: 65_536, 8: 1, 9: 1])
        #expect(frames.contains { $0.type == 8 && $0.stream == 0 && $0.number(at: 0) == 100 * 65_536 - 65_535 })
        #expect(frames.contains { $0.type == 4 && $0.flags == 1 })
    }

    @Test func aWarmPoolMakesNothing() {
        let server = Server()
        server.open()
        server.whenComplete = { $0.respond($1, body: "x") }
        for index in 0..<200 {
            server.feed(Wire.headers(Int32(index * 2 + 1), Wire.get))
            _ = server.frames()
        }
        #expect(server.pool.made == 1)
        #expect(server.buffers.made == 1)
        #expect(server.gaveAllBack)
    }
}
