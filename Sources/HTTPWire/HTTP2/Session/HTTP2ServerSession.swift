package import Bytes

/// HTTP/2 towards one client (RFC 9113), on bytes: what was received goes in, frames to send come out. No sockets,
/// no clock.
///
/// Use: give what the connection received to `receive`; then, and after any call that sends, let `produce` fill the
/// connection's output while `wantsWrite`. When `receive` says closing, or neither `wantsRead` nor `wantsWrite`
/// holds any more, write what is left and close. Call `end` when the connection is gone; it closes every stream
/// that is left.
///
/// Not thread-safe: the session belongs to its connection's worker. See `HTTP2Settings` for the bounds on memory
/// and `HTTP2Budgets` for the bounds on abuse.
package final class HTTP2ServerSession {
    let settings: HTTP2Settings
    let pool: HTTP2StreamPool
    unowned let delegate: any HTTP2ServerDelegate
    let wire: NGHTTP2Session
    var budget: GlitchBudget

    /// Streams that the library knows, in no order.
    var live: [HTTP2Stream] = []
    /// Streams whose `writable` is due once the library has returned.
    var nowWritable: [HTTP2Stream] = []
    /// Why the session ends, once it does.
    package internal(set) var closing: HTTP2CloseReason?
    var draining = Draining.no
    /// The highest stream that was begun.
    var lastServed: Int32 = 0
    var now: UInt64
    var scanner = FrameScanner()
    var headBlock = HeadBlock()
    /// The frame whose header came last.
    var lastFrame = FrameHeader(length: 0, type: FrameType.settings, flags: 0, stream: 0)

    /// How far a graceful end has come.
    enum Draining {
        /// Not begun.
        case no
        /// GOAWAY with 2^31 - 1 and a PING were submitted; the PING's answer shows that the client knows.
        case noticed
        /// GOAWAY with the last served stream was submitted.
        case final
    }

    /// Opens a session; its SETTINGS wait in `produce` at once.
    ///
    /// - Parameters:
    ///   - settings: announced to the client.
    ///   - budgets: bounds on abuse.
    ///   - pool: the worker's streams and send buffers.
    ///   - counters: the worker's glitch counters.
    ///   - delegate: who serves the streams; not retained, must outlive the session.
    ///   - now: milliseconds of a clock that does not run backwards.
    package init(
        settings: HTTP2Settings,
        budgets: HTTP2Budgets,
        pool: HTTP2StreamPool,
        counters: HTTP2GlitchCounters,
        delegate: any HTTP2ServerDelegate,
        now: UInt64
    ) {
        self.settings = settings
        self.pool = pool
        self.delegate = delegate
        self.now = now
        budget = GlitchBudget(budgets: budgets, counters: counters, now: now)
        wire = NGHTTP2Session(settings: settings, budgets: budgets)
        wire.handler = self
    }

    /// Frames wait to be produced.
    package var wantsWrite: Bool { wire.wantsWrite }

    /// The client's bytes are still of use. When neither this nor `wantsWrite` holds, the connection is to be
    /// closed.
    package var wantsRead: Bool { closing == nil && wire.wantsRead }

    package var openStreams: Int { live.count }

    /// The stream whose head has begun to come and is not whole; 0 for none. Nothing else can come meanwhile (RFC 9113
    /// section 4.3).
    package var headUnderWay: Int32 {
        if headBlock.stream != 0 { return headBlock.stream }
        let isHead = lastFrame.type == FrameType.headers || lastFrame.type == FrameType.continuation
        return isHead && scanner.isInsideFrame ? lastFrame.stream : 0
    }

    /// Calls `body` with each stream that is open.
    package func forEachStream(_ body: (HTTP2Stream) -> Void) {
        for stream in live { body(stream) }
    }

    /// Takes what came from the client: any bytes, cut anywhere.
    ///
    /// - Parameter now: milliseconds of the clock given at init.
    package func receive(_ input: Span<UInt8>, now: UInt64) -> HTTP2Outcome {
        if let closing { return .closing(closing) }
        self.now = now
        account(input)
        if closing == nil {
            let error = wire.receive(input)
            if error != 0 { fail(NGHTTP2Error.reason(error)) }
        }
        guard let closing else { return .ok }
        wire.terminate(code: closing.code)
        return .closing(closing)
    }

    /// Appends frames that are ready to `out`, until there are none or `limit` bytes were appended (one frame more
    /// at most).
    ///
    /// - Parameter now: milliseconds of the clock given at init.
    /// - Returns: bytes appended. Call again when the socket took them.
    package func produce(into out: ByteBuffer, limit: Int, now: UInt64) -> Int {
        self.now = now
        let before = out.count
        repeat {
            if !wire.produce(into: out, stop: before + limit) {
                if closing == nil { closing = .internalError }
                break
            }
            // What a delegate sends when its stream is writable again may still fit.
        } while tellWritable() && out.count - before < limit
        return out.count - before
    }

    /// Ends gracefully (RFC 9113 section 6.8): first says that an end is coming, then, when the client's answer to
    /// a PING shows that it knows, names the last stream that is served. Streams that are open finish. A second
    /// call does not wait for the answer.
    package func drain() {
        guard closing == nil else { return }
        switch draining {
        case .no:
            draining = .noticed
            wire.submitShutdownNotice()
            wire.submitPing()
        case .noticed:
            draining = .final
            wire.submitGoaway()
        case .final:
            break
        }
    }

    /// Ends at once with GOAWAY `code`; nothing is served any more.
    package func close(code: UInt32) {
        guard closing == nil else { return }
        closing = .requested(code: code)
        wire.terminate(code: code)
    }

    /// The connection is gone: closes every stream that is left and gives all memory back. Call once, outside of
    /// `receive` and `produce`.
    package func end() {
        if closing == nil { closing = .requested(code: HTTP2ErrorCode.noError) }
        while let stream = live.last {
            wire.forget(stream)
            closed(stream, code: HTTP2ErrorCode.cancel)
        }
    }

    /// The library gave up, unless it was told to.
    private func fail(_ reason: HTTP2CloseReason) {
        if case .abuse(let glitch) = reason { exceed(glitch) }
        if closing == nil { closing = reason }
    }

    /// Tells those streams that have room again; true when there were any.
    private func tellWritable() -> Bool {
        guard !nowWritable.isEmpty else { return false }
        while let stream = nowWritable.popLast() {
            guard stream.state.wantsWritable else { continue }
            stream.state.wantsWritable = false
            delegate.http2(self, writable: stream)
        }
        return true
    }
}
