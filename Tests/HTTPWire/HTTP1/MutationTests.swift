import Bytes
import HTTPWire
import Testing

/// Messages with random faults: nothing traps, no cut changes an answer, and whatever is accepted
/// reads the same after it has been written again.
@Suite struct MutationTests {
    private static let requests = [
        "GET /a?b=c HTTP/1.1\r\nHost: foobar.com\r\nAccept: */*\r\nConnection: keep-alive, x\r\nX: y\r\n\r\n",
        "POST http://foobar.com:80/x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n",
        "PUT /%2e HTTP/1.1\r\nHost: [::1]:80\r\nTransfer-Encoding: chunked\r\nTE: trailers\r\n\r\n",
        "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: k\r\n\r\n",
    ]
    private static let responses = [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nServer: x\r\nSet-Cookie: a=b\r\nConnection: close\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    ]
    private static let bodies = ["5\r\nhello\r\n6;a=b\r\n world\r\n0\r\nX: y\r\n\r\n", "A\r\n0123456789\r\n0\r\n\r\n"]

    /// Bytes that matter to the grammar come more often than others.
    private static let spice = Array("\r\n\0\t :,;_-/?#*@[]%0123456789aAchunkedxX\u{7F}".utf8)

    private static func mutate(_ text: String, _ random: inout SeededGenerator) -> [UInt8] {
        var bytes = text.bytes
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let place = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<5, using: &random) {
            case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 1: bytes[place] = spice[Int.random(in: 0..<spice.count, using: &random)]
            case 2: bytes.insert(spice[Int.random(in: 0..<spice.count, using: &random)], at: place)
            case 3: bytes.remove(at: place)
            default:
                let end = Int.random(in: place...min(bytes.count, place + 20), using: &random)
                bytes.insert(contentsOf: bytes[place..<end], at: Int.random(in: 0...bytes.count, using: &random))
            }
            if bytes.isEmpty { return [0] }
        }
        return bytes
    }

    @Test func requests() {
        var random = SeededGenerator()
        for round in 0..<4000 {
            let bytes = Self.mutate(Self.requests[round % Self.requests.count], &random)
            let whole = readRequest(bytes)
            let cuts = (0..<3).map { _ in Int.random(in: 0...bytes.count, using: &random) }.sorted()
            #expect(readRequest(bytes, cuts: cuts) == whole, "seed \(random.seed) round \(round)")
            // All is written as HTTP/1.1, so that a head of 1.0 means something else afterwards.
            guard case .head(let first, _) = whole, first.version == .http11 else { continue }
            let again = rewritten(bytes) { HTTP1Writer.write($0, to: $1) }
            guard case .head(let second, again.count) = readRequest(again) else {
                Issue.record("seed \(random.seed) round \(round): not accepted again: \(again.span.text)")
                continue
            }
            #expect(second == first, "seed \(random.seed) round \(round)")
        }
    }

    @Test func responses() {
        var random = SeededGenerator()
        for round in 0..<4000 {
            let bytes = Self.mutate(Self.responses[round % Self.responses.count], &random)
            let whole = readResponse(bytes)
            let cuts = (0..<3).map { _ in Int.random(in: 0...bytes.count, using: &random) }.sorted()
            #expect(readResponse(bytes, cuts: cuts) == whole, "seed \(random.seed) round \(round)")
            // All is written as HTTP/1.1, so that a head of 1.0 means something else afterwards.
            guard case .head(let first, _) = whole, first.version == .http11 else { continue }
            let again = rewritten(bytes, isResponse: true) { HTTP1Writer.write($0, to: $1) }
            guard case .head(let second, again.count) = readResponse(again) else {
                Issue.record("seed \(random.seed) round \(round): not accepted again: \(again.span.text)")
                continue
            }
            #expect(second == first, "seed \(random.seed) round \(round)")
        }
    }

    @Test func bodies() {
        var random = SeededGenerator()
        for round in 0..<4000 {
            let bytes = Self.mutate(Self.bodies[round % Self.bodies.count], &random)
            let whole = readBody(bytes, .chunked)
            let cuts = (0..<3).map { _ in Int.random(in: 0...bytes.count, using: &random) }.sorted()
            let cut = readBody(bytes, .chunked, cuts: cuts)
            #expect(cut == whole, "seed \(random.seed) round \(round)")
        }
    }

    private func rewritten(
        _ bytes: [UInt8],
        isResponse: Bool = false,
        write: (MessageHead, ByteBuffer) -> Void
    ) -> [UInt8] {
        let head = MessageHead()
        var requests = HTTP1RequestParser()
        var responses = HTTP1ResponseParser()
        _ = isResponse ? responses.parse(bytes.span, into: head) : requests.parse(bytes.span, into: head)
        let buffer = ByteBuffer(capacity: 512)
        write(head, buffer)
        return buffer.array
    }
}

extension HTTP1Writer {
    /// Writes a parsed head again, every field of it.
    static func write(_ head: MessageHead, to buffer: ByteBuffer) {
        let bytes = head.bytes
        if head.status == 0 {
            requestLine(method: bytes.span(head.methodName), target: bytes.span(head.target), to: buffer)
        } else {
            statusLine(status: head.status, to: buffer)
        }
        for line in head.fields { field(name: bytes.span(line.name), value: bytes.span(line.value), to: buffer) }
        endOfHead(to: buffer)
    }
}
