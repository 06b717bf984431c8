import Bytes
import HTTPWire
import Testing

@Suite struct WriterTests {
    @Test func request() {
        let buffer = ByteBuffer(capacity: 1)
        HTTP1Writer.requestLine(method: "PUT".bytes.span, target: "/a?b".bytes.span, to: buffer)
        HTTP1Writer.field(name: "host", value: "a".bytes.span, to: buffer)
        HTTP1Writer.field(name: "x-y".bytes.span, value: "z".bytes.span, to: buffer)
        HTTP1Writer.field(name: "transfer-encoding", value: "chunked", to: buffer)
        HTTP1Writer.endOfHead(to: buffer)
        HTTP1Writer.chunkHead(size: 26, to: buffer)
        buffer.append("abcdefghijklmnopqrstuvwxyz")
        HTTP1Writer.chunkEnd(to: buffer)
        HTTP1Writer.lastChunk(to: buffer)
        #expect(
            buffer.text == "PUT /a?b HTTP/1.1\r\nhost: a\r\nx-y: z\r\ntransfer-encoding: chunked\r\n\r\n"
                + "1a\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n"
        )
    }

    @Test func response() {
        let buffer = ByteBuffer(capacity: 1)
        HTTP1Writer.statusLine(status: 503, to: buffer)
        HTTP1Writer.field(name: "content-length", decimal: 12, to: buffer)
        HTTP1Writer.endOfHead(to: buffer)
        #expect(buffer.text == "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 12\r\n\r\n")
    }

    @Test func trailers() {
        let trailers = MessageHead()
        var decoder = HTTP1BodyDecoder()
        decoder.start(.chunked, trailers: trailers)
        let input = "0\r\nA: b\r\nC: d\r\n\r\n".bytes
        let step = decoder.next(input.span, from: 0)
        #expect(step == .end(consumed: input.count))
        let head = MessageHead()
        var parser = HTTP1ResponseParser()
        _ = parser.parse("HTTP/1.1 200 OK\r\nConnection: x, C\r\n\r\n".bytes.span, into: head)
        TrailerField.mark(trailers, of: head)
        let buffer = ByteBuffer(capacity: 1)
        HTTP1Writer.lastChunk(trailers: trailers, to: buffer)
        #expect(buffer.text == "0\r\na: b\r\n\r\n")
    }

    @Test func everyStatusIsReadBack() {
        for status in 100...999 where status != 101 {
            let buffer = ByteBuffer(capacity: 64)
            HTTP1Writer.statusLine(status: status, to: buffer)
            HTTP1Writer.endOfHead(to: buffer)
            guard case .head(let head, _) = readResponse(buffer.array) else {
                Issue.record("\(status)")
                continue
            }
            #expect(head.status == status)
            #expect(buffer.text == "HTTP/1.1 \(status) \(ReasonPhrase.of(status))\r\n\r\n")
        }
    }
}
