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
            tellRefused(stream, reason)
            refuse(stream)
        case .refused(let reason):
            charge(.oversizedHead)
            stream.state.announced = true
            delegate.http2(self, declined: stream, reason: reason)
        }
    }

    private func trailersEnded(on stream: HTTP2Stream) {
        stream.requestEnded = true
        guard stream.state.announced, !stream.state.resetByUs else { return }
        if let reason = stream.reader.refusalOfTrailers {
            tellRefused(stream, reason)
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

    private func tellRefused(_ stream: HTTP2Stream, _ reason: RefusalReason) {
        if stream.state.refused { return }
        stream.state.refused = true
        delegate.http2(self, refused: stream, reason: reason)
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

    func malformedMessage(on stream: HTTP2Stream?) {
        charge(.malformedMessage)
        if let stream, closing == nil { tellRefused(stream, .malformedStream) }
    }

    func streamBeyondLimit(id: Int32) {
        let stream = pool.take(id: id)
        delegate.http2(self, refused: stream, reason: .tooManyStreams)
        pool.give(stream)
    }

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
        // Such as more or less data than Content-Length says, which the library tells in no other way.
        if let stream, stream.state.announced, !stream.state.finished { tellRefused(stream, .malformedStream) }
        if let closing { wire.terminate(code: closing.code) }
    }
}
