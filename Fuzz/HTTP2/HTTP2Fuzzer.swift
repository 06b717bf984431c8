import Bytes
import HTTPWire

/// One input for the HTTP/2 session: its first byte says in which pieces the rest comes, its second how the requests are
/// served. The preface and a SETTINGS frame go ahead of it, so that every input reaches the frames.
///
/// What must hold, or it traps: nothing is kept when the session has ended; what waits to be written is bounded.
@c(LLVMFuzzerTestOneInput)
public func fuzzHTTP2(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count >= 2 else { return 0 }
    // Sound: libFuzzer lends `count` bytes for the length of this call.
    let bytes = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    let site = FuzzedSite(mode: bytes[1])
    site.run(Array(bytes[2...]), step: Int(bytes[0]) + 1)
    return 0
}

/// Serves requests in the ways that a gateway does: at once, late, in pieces, not at all.
private final class FuzzedSite: HTTP2ServerDelegate {
    private let mode: UInt8
    private let buffers = BufferPool(size: 512, keep: 4)
    private let pool: HTTP2StreamPool
    private let writer = HTTP2HeadWriter()
    private var open = 0

    init(mode: UInt8) {
        self.mode = mode
        pool = HTTP2StreamPool(keep: 4, buffers: buffers)
    }

    func run(_ input: [UInt8], step: Int) {
        var settings = HTTP2Settings()
        settings.maxConcurrentStreams = 8
        settings.sendBuffer = 1_024
        settings.maxHeadBytes = 1_024
        settings.maxFieldBytes = 256
        settings.maxFields = 8
        let session = HTTP2ServerSession(
            settings: settings,
            budgets: HTTP2Budgets(),
            pool: pool,
            counters: HTTP2GlitchCounters(),
            delegate: self,
            now: 0
        )
        let out = ByteBuffer(capacity: 4_096)
        let opening: [UInt8] = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + [0, 0, 0, 4, 0, 0, 0, 0, 0]
        _ = session.receive(opening.span, now: 0)
        var position = 0
        while position < input.count && session.wantsRead {
            let end = min(position + step, input.count)
            _ = session.receive(input.span.extracting(position..<end), now: UInt64(position))
            position = end
            if mode & 1 == 0 { _ = session.produce(into: out, limit: 2_048, now: UInt64(position)) }
            precondition(out.count < 1 << 22, "more to write than any input asks for")
            if mode & 2 == 0 { out.clear() }
            if mode & 128 != 0 && position > input.count / 2 { session.drain() }
        }
        precondition(pool.lent == session.openStreams, "a stream was lost")
        _ = session.produce(into: out, limit: 2_048, now: UInt64(position))
        session.end()
        precondition(pool.lent == 0 && buffers.lent == 0 && open == 0, "something was not given back")
    }

    func http2(_ session: HTTP2ServerSession, opened stream: HTTP2Stream) {
        open += 1
        let bytes = stream.head.bytes
        precondition(!stream.head.methodName.isEmpty && !stream.head.authority.isEmpty, "a head without its parts")
        precondition(bytes.span(stream.head.target).firstIndex(of: 0x20) == nil, "a target that would split")
        if stream.endsWithHead || mode & 4 == 0 { serve(session, stream) }
    }

    func http2(_ session: HTTP2ServerSession, declined stream: HTTP2Stream, reason: RefusalReason) {
        open += 1
        session.reset(stream, code: HTTP2ErrorCode.internalError)
    }

    func http2(_ session: HTTP2ServerSession, refused stream: HTTP2Stream, reason: RefusalReason) {}

    func http2(_ session: HTTP2ServerSession, data: Span<UInt8>, on stream: HTTP2Stream) {
        if mode & 8 == 0 { session.consume(stream, data.count) }
        if mode & 64 != 0 { session.reset(stream, code: HTTP2ErrorCode.internalError) }
    }

    func http2(_ session: HTTP2ServerSession, ended stream: HTTP2Stream) { serve(session, stream) }

    func http2(_ session: HTTP2ServerSession, closed stream: HTTP2Stream, code: UInt32) { open -= 1 }

    func http2(_ session: HTTP2ServerSession, writable stream: HTTP2Stream) { session.finish(stream) }

    private func serve(_ session: HTTP2ServerSession, _ stream: HTTP2Stream) {
        if mode & 16 != 0 {
            writer.startResponse(status: 103)
            session.inform(stream, writer)
        }
        writer.startResponse(status: 200)
        session.respond(stream, writer, endsStream: mode & 32 != 0)
        let body = [UInt8](repeating: 0x61, count: 1_500)
        if session.send(body.span, on: stream) == body.count { session.finish(stream) }
        if mode & 16 != 0 {
            writer.startTrailers()
            writer.add("t", "u")
            session.finish(stream, trailers: writer)
        }
    }
}
