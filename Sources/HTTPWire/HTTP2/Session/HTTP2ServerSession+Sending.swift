import Bytes

/// What the gateway sends on a stream. Every call on a stream that is over does nothing.
extension HTTP2ServerSession {
    /// Sends a final response head. Unless `endsStream`, the body follows by `send` and ends by `finish`.
    package func respond(_ stream: HTTP2Stream, _ head: HTTP2HeadWriter, endsStream: Bool) {
        guard closing == nil, !stream.state.responded, !stream.state.finished else { return }
        stream.state.responded = true
        stream.state.finished = endsStream
        if !wire.submitResponse(head, endsStream: endsStream, on: stream) {
            reset(stream, code: HTTP2ErrorCode.internalError)
        }
    }

    /// Sends an interim response: 100 to 199 but 101, which HTTP/2 does not have (RFC 9113 section 8.6). Before
    /// `respond` only.
    package func inform(_ stream: HTTP2Stream, _ head: HTTP2HeadWriter) {
        guard closing == nil, !stream.state.responded, !stream.state.finished else { return }
        if !wire.submitInterim(head, on: stream) { reset(stream, code: HTTP2ErrorCode.internalError) }
    }

    /// Takes bytes of the response's body into the stream's send buffer.
    ///
    /// - Returns: how many were taken from the front, 0 to all. When not all were, `writable` is called once the buffer
    ///   is below half; 0 for a stream that is over.
    package func send(_ data: Span<UInt8>, on stream: HTTP2Stream) -> Int {
        guard closing == nil, stream.state.responded, !stream.state.finished else { return 0 }
        let accepted = min(data.count, max(settings.sendBuffer - stream.buffered, 0))
        if accepted < data.count { stream.state.wantsWritable = true }
        guard accepted > 0 else { return 0 }
        let outbox = stream.outbox ?? pool.buffers.take()
        stream.outbox = outbox
        outbox.append(data.extracting(first: accepted))
        wake(stream)
        return accepted
    }

    /// The response's body is complete.
    package func finish(_ stream: HTTP2Stream) {
        guard closing == nil, stream.state.responded, !stream.state.finished else { return }
        stream.state.finished = true
        stream.state.wantsWritable = false
        wake(stream)
    }

    /// The response's body is complete, and these trailers follow it.
    package func finish(_ stream: HTTP2Stream, trailers: HTTP2HeadWriter) {
        guard closing == nil, stream.state.responded, !stream.state.finished else { return }
        if !trailers.fields.isEmpty {
            let kept = HTTP2HeadWriter()
            kept.copy(from: trailers)
            stream.trailersToSend = kept
        }
        finish(stream)
    }

    /// Resets a stream for a reason that is not the client's fault: the app server failed, a limit of the gateway's
    /// own. What waits in its send buffer is dropped; `closed` is called when the frame is written.
    package func reset(_ stream: HTTP2Stream, code: UInt32) {
        guard closing == nil, stream.state.isLive, !stream.state.resetByUs else { return }
        stream.state.resetByUs = true
        stream.state.finished = true
        stream.state.wantsWritable = false
        wire.reset(stream, code: code)
    }

    /// Gives `count` bytes of credit back: the exchange has passed that much of the body on.
    package func consume(_ stream: HTTP2Stream, _ count: Int) {
        guard stream.state.isLive else { return }
        precondition(count >= 0 && count <= stream.state.unconsumed, "consumed more than came")
        stream.state.unconsumed -= count
        guard closing == nil, count > 0 else { return }
        wire.consume(count, on: stream)
    }

    private func wake(_ stream: HTTP2Stream) {
        guard stream.state.deferred else { return }
        stream.state.deferred = false
        wire.resume(stream)
    }

    // MARK: What the library asks for

    func nextData(on stream: HTTP2Stream, limit: Int) -> NextData {
        let count = min(stream.buffered, limit)
        let last = stream.state.finished && count == stream.buffered
        if !last {
            if count == 0 {
                stream.state.deferred = true
                return .later
            }
            return .bytes(count, last: false)
        }
        if let trailers = stream.trailersToSend { return .bytesThenTrailers(count, trailers) }
        return .bytes(count, last: true)
    }

    func dataWritten(_ count: Int, on stream: HTTP2Stream) {
        guard let outbox = stream.outbox else { return }
        outbox.consume(count)
        stream.lastWritten = now
        budget.earned()
        if outbox.isEmpty { pool.giveBuffer(of: stream) }
        if stream.state.wantsWritable && stream.buffered * 2 <= settings.sendBuffer { nowWritable.append(stream) }
    }
}
