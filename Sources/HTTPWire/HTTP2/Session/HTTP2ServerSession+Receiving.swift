import Bytes

/// What the library tells of the client's frames.
extension HTTP2ServerSession: NGHTTP2Handler {
    var isStopped: Bool { closing != nil }

    func headBegan(id: Int32) -> HTTP2Stream {
        let stream = pool.take(id: id)
        stream.state.index = live.count
        stream.state.isLive = true
        lastServed = max(lastServed, id)
        live.append(stream)
        return stream
    }

    func trailersBegan(on stream: HTTP2Stream) {
        stream.trailers = pool.takeTrailers()
        stream.reader = RequestHeadReader()
    }

    func field(name: Span<UInt8>, value: Span<UInt8>, inTrailers: Bool, on stream: HTTP2Stream) {
        if inTrailers {
            guard let trailers = stream.trailers else { return }
            stream.reader.trailer(name: name, value: value, into: trailers, settings: settings)
        } else {
            stream.reader.field(name: name, value: value, into: stream.head, settings: settings)
        }
        if stream.reader.isExcessive(settings) { exceed(.oversizedHead) }
    }

    func headEnded(endsStream: Bool, areTrailers: Bool, on stream: HTTP2Stream) {
        if areTrailers {
            trailersEnded(on: stream)
            return
        }
        stream.endsWithHead = endsStream
        stream.requestEnded = endsStream
        switch stream.reader.finish(stream.head, endsStream: endsStream) {
        case .valid:
            stream.state.announced = true
            delegate.http2(self, opened: stream)
        case .malformed(let reason):
            delegate.http2(self, refused: stream, reason: reason)
            refuse(stream)
        case .refused(let reason):
            delegate.http2(self, refused: stream, reason: reason)
            charge(.oversizedHead)
            answer(stream, status: reason.status)
        }
    }

    private func trailersEnded(on stream: HTTP2Stream) {
        stream.requestEnded = true
        guard stream.state.announced, !stream.state.resetByUs else { return }
        guard stream.reader.areTrailersValid else {
            refuse(stream)
            return
        }
        delegate.http2(self, ended: stream)
    }

    /// A malformed message is a stream error (RFC 9113 section 8.1.1).
    private func refuse(_ stream: HTTP2Stream) {
        charge(.malformedMessage)
        stream.state.finished = true
        wire.reset(stream, code: HTTP2ErrorCode.protocolError)
    }

    /// Answers by itself, without a body and without the gateway having seen the request.
    private func answer(_ stream: HTTP2Stream, status: Int) {
        let head = HTTP2HeadWriter()
        head.startResponse(status: status)
        head.add("content-length", decimal: 0)
        respond(stream, head, endsStream: true)
    }

    func data(_ bytes: Span<UInt8>, on stream: HTTP2Stream) {
        guard stream.state.announced, !stream.state.resetByUs else {
            // Nobody will consume it.
            wire.consume(bytes.count, on: stream)
            return
        }
        stream.state.unconsumed += bytes.count
        delegate.http2(self, data: bytes, on: stream)
    }

    func dataFrameEnded(endsStream: Bool, isPadding: Bool, on stream: HTTP2Stream) {
        if isPadding && !endsStream { charge(.emptyData) }
        guard endsStream else { return }
        stream.requestEnded = true
        if stream.state.announced && !stream.state.resetByUs { delegate.http2(self, ended: stream) }
    }

    func pingAcknowledged() {
        if draining == .noticed { drain() }
    }

    func malformedMessage() { charge(.malformedMessage) }

    func closed(_ stream: HTTP2Stream, code: UInt32) {
        guard stream.state.isLive else { return }
        // What the exchange did not take is lost with the stream; the connection's window is not.
        if stream.state.unconsumed > 0 && closing == nil { wire.consumeOnConnection(stream.state.unconsumed) }
        let last = live.removeLast()
        if last !== stream {
            last.state.index = stream.state.index
            live[stream.state.index] = last
        }
        stream.state.isLive = false
        stream.state.finished = true
        stream.state.wantsWritable = false
        if stream.state.announced { delegate.http2(self, closed: stream, code: code) }
        pool.give(stream)
    }

    // MARK: What was written

    func frameSent(_ frame: FrameHeader, on stream: HTTP2Stream?) {
        guard let stream, frame.endsStream, !stream.requestEnded else { return }
        guard frame.type == FrameType.data || frame.type == FrameType.headers else { return }
        // A tunnel may be closed in one direction alone (RFC 8441 section 5).
        guard stream.head.upgrade.isEmpty else { return }
        // Answered in full before the request was read: the rest of it is not wanted (RFC 9113 section 8.1).
        stream.state.resetByUs = true
        wire.reset(stream, code: HTTP2ErrorCode.noError)
    }

    func goawaySent(code: UInt32, lastStream: Int32) {
        if closing == nil && code != HTTP2ErrorCode.noError { closing = .protocolError(code: code) }
    }

    func resetSent(code: UInt32, on stream: HTTP2Stream?) {
        if let stream, stream.state.resetByUs { return }
        charge(.resetProvoked)
        if let closing { wire.terminate(code: closing.code) }
    }
}
