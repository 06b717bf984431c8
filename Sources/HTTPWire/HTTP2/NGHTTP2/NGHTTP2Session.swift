import Bytes
import CNGHTTP2

/// Owner of one libnghttp2 server session: the only type that calls the library.
///
/// Memory safety rests on three facts. The session pointer lives exactly as long as this object. The library's
/// callbacks run only inside `receive` and `produce`, so that the unretained reference to this object which it
/// carries is valid in each of them. Streams are carried as unretained references too; the handler keeps each alive
/// until `closed` or `forget`, after which no callback finds it.
@safe
final class NGHTTP2Session {
    let session: OpaquePointer
    /// Who is told; set before the first call of `receive` or `produce`, and owner of this object.
    unowned var handler: (any NGHTTP2Handler)?
    /// Where `produce` writes, and the size at which it stops.
    private(set) var output: ByteBuffer?
    private(set) var outputStop = 0
    /// The library's form of a head, rebuilt for each submission.
    private var pairs: UnsafeMutablePointer<nghttp2_nv>
    private var pairRoom = 64

    /// - Parameters:
    ///   - settings: announced to the client with the first frame.
    ///   - budgets: gives the bound on acknowledgements that wait to be written.
    init(settings: HTTP2Settings, budgets: HTTP2Budgets) {
        unsafe pairs = .allocate(capacity: pairRoom)
        var option: OpaquePointer?
        // Fails only without memory, as the next call does; an allocation that fails ends the process everywhere
        // else too.
        precondition(unsafe nghttp2_option_new(&option) == 0, "no memory for a session's options")
        defer { unsafe nghttp2_option_del(option) }
        unsafe nghttp2_option_set_no_auto_window_update(option, 1)
        unsafe nghttp2_option_set_no_closed_streams(option, 1)
        unsafe nghttp2_option_set_max_outbound_ack(option, max(budgets.outstandingAcknowledgements, 1))
        // `HeadBlock` counts the frames. The library counts the pieces in which their headers come, 9 bytes each, and
        // would end the connection of a client whose frames were split on the way.
        unsafe nghttp2_option_set_max_continuations(option, max(budgets.continuationFrames, 1) * 9)

        let created = unsafe NGHTTP2Callbacks.shared.makeSession(option: option)
        unsafe session = created
        // The library's user data can be set only now that `self` is complete.
        unsafe nghttp2_session_set_user_data(session, Unmanaged.passUnretained(self).toOpaque())
        submitSettings(settings)
    }

    deinit {
        unsafe nghttp2_session_del(session)
        unsafe pairs.deallocate()
    }

    private func submitSettings(_ settings: HTTP2Settings) {
        func entry(_ id: nghttp2_settings_id, _ value: Int) -> nghttp2_settings_entry {
            nghttp2_settings_entry(settings_id: Int32(id.rawValue), value: UInt32(clamping: value))
        }
        var entries = [
            entry(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, max(settings.maxConcurrentStreams, 1)),
            entry(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, min(max(settings.streamWindow, 1), Int(Int32.max))),
            entry(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, settings.maxHeadBytes),
            // Without the tree of RFC 7540, closed streams are forgotten at once; the Priority field (RFC 9218) is
            // honoured.
            entry(NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1),
        ]
        if settings.extendedConnect { entries.append(entry(NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1)) }
        // Both fail only for values out of range, which were clamped above, or without memory.
        let submitted = unsafe nghttp2_submit_settings(session, 0, entries, entries.count)
        precondition(submitted == 0, "the library refused its settings")
        unsafe nghttp2_session_set_local_window_size(session, 0, 0, Int32(settings.connectionWindow))
    }

    // MARK: Bytes in and out

    /// Gives bytes to the library.
    /// - Returns: 0, or the library's error, after which no more may be given.
    func receive(_ input: Span<UInt8>) -> Int32 {
        unsafe input.withUnsafeBufferPointer { bytes in
            let taken = unsafe nghttp2_session_mem_recv(session, bytes.baseAddress, bytes.count)
            return taken < 0 ? Int32(truncatingIfNeeded: taken) : 0
        }
    }

    /// Appends frames to `out` until there are none or `out` holds `stop` bytes; a frame is never cut, so it may
    /// end up to one frame (16 KiB) above.
    /// - Returns: false when the library failed and the connection is lost.
    func produce(into out: ByteBuffer, stop: Int) -> Bool {
        output = out
        outputStop = stop
        defer { output = nil }
        while out.count < stop && wantsWrite {
            var bytes: UnsafePointer<UInt8>?
            let count = unsafe nghttp2_session_mem_send(session, &bytes)
            if count < 0 { return false }
            if count == 0 { break }
            // Sound: the library keeps these bytes until the next call of mem_send.
            unsafe out.append(Span(_unsafeStart: bytes.unsafelyUnwrapped, count: count))
        }
        return true
    }

    var wantsWrite: Bool { unsafe nghttp2_session_want_write(session) != 0 }
    var wantsRead: Bool { unsafe nghttp2_session_want_read(session) != 0 }

    // MARK: Heads

    /// Submits a final response; unless `endsStream`, the body is asked for with `nextData`.
    func submitResponse(_ head: HTTP2HeadWriter, endsStream: Bool, on stream: HTTP2Stream) -> Bool {
        unsafe withPairs(of: head) { pairs, count in
            if endsStream { return unsafe nghttp2_submit_response(session, stream.id, pairs, count, nil) == 0 }
            var provider = unsafe nghttp2_data_provider(
                source: nghttp2_data_source(ptr: nil),
                read_callback: readData
            )
            return unsafe nghttp2_submit_response(session, stream.id, pairs, count, &provider) == 0
        }
    }

    /// Submits a 1xx response.
    func submitInterim(_ head: HTTP2HeadWriter, on stream: HTTP2Stream) -> Bool {
        unsafe withPairs(of: head) { pairs, count in
            unsafe nghttp2_submit_headers(session, 0, stream.id, nil, pairs, count, nil) == 0
        }
    }

    /// Submits trailers, which end the stream.
    func submitTrailers(_ head: HTTP2HeadWriter, on stream: HTTP2Stream) -> Bool {
        unsafe withPairs(of: head) { pairs, count in
            unsafe nghttp2_submit_trailer(session, stream.id, pairs, count) == 0
        }
    }

    @unsafe
    private func withPairs(
        of head: HTTP2HeadWriter,
        _ body: (UnsafePointer<nghttp2_nv>, Int) -> Bool
    ) -> Bool {
        if head.fields.count > pairRoom {
            unsafe pairs.deallocate()
            pairRoom = head.fields.count * 2
            unsafe pairs = .allocate(capacity: pairRoom)
        }
        return unsafe head.bytes.withUnsafeReadable { text in
            guard let first = text.baseAddress else { return false }
            // The library copies names and values before the submission returns and never writes to them.
            let base = unsafe UnsafeMutablePointer(mutating: first.assumingMemoryBound(to: UInt8.self))
            for (index, field) in head.fields.enumerated() {
                unsafe pairs[index] = nghttp2_nv(
                    name: base + Int(field.name.offset),
                    value: base + Int(field.value.offset),
                    namelen: field.name.count,
                    valuelen: field.value.count,
                    flags: UInt8(NGHTTP2_NV_FLAG_NONE.rawValue)
                )
            }
            return unsafe body(pairs, head.fields.count)
        }
    }

    // MARK: Streams

    /// Whether a stream has been opened and not been closed yet.
    func isOpen(_ id: Int32) -> Bool { unsafe nghttp2_session_get_stream_user_data(session, id) != nil }

    /// Has a stream's data asked for again after `NextData.later`.
    func resume(_ stream: HTTP2Stream) {
        unsafe nghttp2_session_resume_data(session, stream.id)
    }

    func reset(_ stream: HTTP2Stream, code: UInt32) {
        unsafe nghttp2_submit_rst_stream(session, 0, stream.id, code)
    }

    /// Gives credit back to the stream and to the connection.
    func consume(_ count: Int, on stream: HTTP2Stream) {
        unsafe nghttp2_session_consume(session, stream.id, count)
    }

    /// Gives credit back to the connection alone, for a stream that is gone.
    func consumeOnConnection(_ count: Int) {
        unsafe nghttp2_session_consume_connection(session, count)
    }

    /// The stream goes back to its pool before the library has closed it: no callback finds it any more.
    func forget(_ stream: HTTP2Stream) {
        unsafe nghttp2_session_set_stream_user_data(session, stream.id, nil)
    }

    // MARK: The end

    /// GOAWAY with the highest number there is: nothing is refused yet (RFC 9113 section 6.8).
    func submitShutdownNotice() {
        unsafe nghttp2_submit_shutdown_notice(session)
    }

    /// GOAWAY with the last stream that was served, after which no other is.
    func submitGoaway() {
        let last = unsafe nghttp2_session_get_last_proc_stream_id(session)
        unsafe nghttp2_submit_goaway(session, 0, last, HTTP2ErrorCode.noError, nil, 0)
    }

    func submitPing() {
        unsafe nghttp2_submit_ping(session, 0, nil)
    }

    /// GOAWAY with this code, and nothing after it.
    func terminate(code: UInt32) {
        unsafe nghttp2_session_terminate_session(session, code)
    }
}
