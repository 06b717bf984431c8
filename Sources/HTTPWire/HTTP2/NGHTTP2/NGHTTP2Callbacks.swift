import Bytes
import CNGHTTP2

/// The table of callbacks, made once and copied by the library into each session.
///
/// `@unchecked Sendable`: the table is written only while it is made; sessions read it.
@safe
struct NGHTTP2Callbacks: @unchecked Sendable {
    static let shared = NGHTTP2Callbacks()

    private let table: OpaquePointer

    private init() {
        var made: OpaquePointer?
        // Fails only without memory, at the start of the process.
        let status = unsafe nghttp2_session_callbacks_new(&made)
        guard status == 0, let created = unsafe made else { preconditionFailure("no memory for the HTTP/2 callbacks") }
        unsafe nghttp2_session_callbacks_set_on_begin_headers_callback(created, onBeginHeaders)
        unsafe nghttp2_session_callbacks_set_on_header_callback(created, onHeader)
        unsafe nghttp2_session_callbacks_set_on_invalid_header_callback(created, onInvalidHeader)
        unsafe nghttp2_session_callbacks_set_on_frame_recv_callback(created, onFrame)
        unsafe nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(created, onInvalidFrame)
        unsafe nghttp2_session_callbacks_set_on_data_chunk_recv_callback(created, onDataChunk)
        unsafe nghttp2_session_callbacks_set_on_stream_close_callback(created, onStreamClose)
        unsafe nghttp2_session_callbacks_set_on_frame_send_callback(created, onFrameSent)
        unsafe nghttp2_session_callbacks_set_send_data_callback(created, sendData)
        unsafe table = created
    }

    /// A server session with these callbacks and no user data yet.
    @unsafe
    func makeSession(option: OpaquePointer?) -> OpaquePointer {
        var session: OpaquePointer?
        let status = unsafe nghttp2_session_server_new2(&session, table, nil, option)
        // Fails only without memory, which ends the process everywhere else too.
        guard status == 0, let created = unsafe session else { preconditionFailure("no memory for an HTTP/2 session") }
        return unsafe created
    }
}

// Sound in all of the callbacks below: the user data is the NGHTTP2Session whose `receive` or `produce` is
// running, and a stream's user data is an HTTP2Stream that the handler keeps alive until the library has closed
// the stream.

private func owner(_ data: UnsafeMutableRawPointer?) -> NGHTTP2Session {
    unsafe Unmanaged<NGHTTP2Session>.fromOpaque(data.unsafelyUnwrapped).takeUnretainedValue()
}

private func stream(_ session: OpaquePointer?, _ id: Int32) -> HTTP2Stream? {
    guard let pointer = unsafe nghttp2_session_get_stream_user_data(session, id) else { return nil }
    return unsafe Unmanaged<HTTP2Stream>.fromOpaque(pointer).takeUnretainedValue()
}

extension FrameHeader {
    fileprivate init(_ raw: nghttp2_frame_hd) {
        self.init(length: raw.length, type: raw.type, flags: raw.flags, stream: raw.stream_id)
    }
}

/// 0 to go on, or the error that makes the library stop at once.
private func verdict(_ handler: any NGHTTP2Handler) -> Int32 {
    handler.isStopped ? NGHTTP2_ERR_CALLBACK_FAILURE.rawValue : 0
}

private let onBeginHeaders: nghttp2_on_begin_headers_callback = { session, frame, data in
    guard let handler = unsafe owner(data).handler else { return 0 }
    let headers = unsafe frame.unsafelyUnwrapped.pointee.headers
    if unsafe headers.cat == NGHTTP2_HCAT_REQUEST {
        let stream = handler.headBegan(id: unsafe headers.hd.stream_id)
        unsafe nghttp2_session_set_stream_user_data(session, stream.id, Unmanaged.passUnretained(stream).toOpaque())
    } else if let stream = unsafe stream(session, headers.hd.stream_id) {
        handler.trailersBegan(on: stream)
    }
    return verdict(handler)
}

private let onHeader: nghttp2_on_header_callback = { session, frame, name, nameLength, value, valueLength, _, data in
    guard let handler = unsafe owner(data).handler else { return 0 }
    let headers = unsafe frame.unsafelyUnwrapped.pointee.headers
    if let stream = unsafe stream(session, headers.hd.stream_id) {
        handler.field(
            name: unsafe Span(_unsafeStart: name.unsafelyUnwrapped, count: nameLength),
            value: unsafe Span(_unsafeStart: value.unsafelyUnwrapped, count: valueLength),
            inTrailers: unsafe headers.cat != NGHTTP2_HCAT_REQUEST,
            on: stream
        )
    }
    return verdict(handler)
}

/// The library would drop a field that breaks RFC 9113 section 8.2.1 and go on; a gateway must not pass such a
/// message on.
private let onInvalidHeader: nghttp2_on_invalid_header_callback = { _, _, _, _, _, _, _, _ in
    NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue
}

private let onFrame: nghttp2_on_frame_recv_callback = { session, frame, data in
    guard let handler = unsafe owner(data).handler else { return 0 }
    let header = FrameHeader(unsafe frame.unsafelyUnwrapped.pointee.hd)
    switch header.type {
    case FrameType.data:
        if let stream = unsafe stream(session, header.stream) {
            let padding = unsafe frame.unsafelyUnwrapped.pointee.data.padlen
            handler.dataFrameEnded(
                endsStream: header.endsStream,
                isPadding: header.length > 1 && header.length <= padding,
                on: stream
            )
        }
    case FrameType.headers:
        if let stream = unsafe stream(session, header.stream) {
            let category = unsafe frame.unsafelyUnwrapped.pointee.headers.cat
            handler.headEnded(
                endsStream: header.endsStream,
                areTrailers: category != NGHTTP2_HCAT_REQUEST,
                on: stream
            )
        }
    case FrameType.ping:
        if header.isAcknowledgement { handler.pingAcknowledged() }
    default:
        break
    }
    return verdict(handler)
}

private let onInvalidFrame: nghttp2_on_invalid_frame_recv_callback = { session, frame, error, data in
    guard let handler = unsafe owner(data).handler else { return 0 }
    let id = unsafe frame.unsafelyUnwrapped.pointee.hd.stream_id
    if error == NGHTTP2_ERR_HTTP_HEADER.rawValue || error == NGHTTP2_ERR_HTTP_MESSAGING.rawValue {
        handler.malformedMessage(on: unsafe stream(session, id))
    } else if error == NGHTTP2_ERR_REFUSED_STREAM.rawValue {
        handler.streamBeyondLimit(id: id)
    }
    return verdict(handler)
}

private let onDataChunk: nghttp2_on_data_chunk_recv_callback = { session, _, id, bytes, count, data in
    guard let handler = unsafe owner(data).handler else { return 0 }
    if let stream = unsafe stream(session, id) {
        handler.data(unsafe Span(_unsafeStart: bytes.unsafelyUnwrapped, count: count), on: stream)
    }
    return verdict(handler)
}

private let onStreamClose: nghttp2_on_stream_close_callback = { session, id, code, data in
    guard let handler = unsafe owner(data).handler else { return 0 }
    if let stream = unsafe stream(session, id) {
        unsafe nghttp2_session_set_stream_user_data(session, id, nil)
        handler.closed(stream, code: code)
    }
    return 0
}

private let onFrameSent: nghttp2_on_frame_send_callback = { session, frame, data in
    guard let handler = unsafe owner(data).handler else { return 0 }
    let header = FrameHeader(unsafe frame.unsafelyUnwrapped.pointee.hd)
    let stream = header.stream == 0 ? nil : unsafe stream(session, header.stream)
    switch header.type {
    case FrameType.goaway:
        let goaway = unsafe frame.unsafelyUnwrapped.pointee.goaway
        handler.goawaySent(code: unsafe goaway.error_code, lastStream: unsafe goaway.last_stream_id)
    case FrameType.reset:
        handler.resetSent(code: unsafe frame.unsafelyUnwrapped.pointee.rst_stream.error_code, on: stream)
    default:
        handler.frameSent(header, on: stream)
    }
    return 0
}

/// Says how much of a stream's answer goes into its next DATA frame; `sendData` then writes it.
let readData: nghttp2_data_source_read_callback = { session, id, _, length, flags, _, data in
    let owner = unsafe owner(data)
    guard let handler = owner.handler, let stream = unsafe stream(session, id) else {
        return Int(NGHTTP2_ERR_DEFERRED.rawValue)
    }
    let noCopy = NGHTTP2_DATA_FLAG_NO_COPY.rawValue
    switch handler.nextData(on: stream, limit: length) {
    case .later:
        return Int(NGHTTP2_ERR_DEFERRED.rawValue)
    case .bytes(let count, let last):
        unsafe flags.unsafelyUnwrapped.pointee = last ? noCopy | NGHTTP2_DATA_FLAG_EOF.rawValue : noCopy
        return count
    case .bytesThenTrailers(let count, let trailers):
        unsafe flags.unsafelyUnwrapped.pointee =
            noCopy | NGHTTP2_DATA_FLAG_EOF.rawValue | NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue
        if !owner.submitTrailers(trailers, on: stream) { owner.reset(stream, code: HTTP2ErrorCode.internalError) }
        return count
    }
}

/// Writes one DATA frame straight from the stream's send buffer behind what `produce` has written so far. One copy,
/// and the library's order is kept because it calls this where it would have returned the frame.
private let sendData: nghttp2_send_data_callback = { session, frame, header, length, _, data in
    let owner = unsafe owner(data)
    let id = unsafe frame.unsafelyUnwrapped.pointee.hd.stream_id
    guard let output = owner.output, let handler = owner.handler, let stream = unsafe stream(session, id) else {
        return NGHTTP2_ERR_WOULDBLOCK.rawValue
    }
    // A frame's header is 9 bytes (RFC 9113 section 4.1). There is no padding: no padding callback is set.
    unsafe output.append(Span(_unsafeStart: header.unsafelyUnwrapped, count: 9))
    if length > 0, let outbox = stream.outbox {
        output.append(outbox.readable.extracting(first: length))
        handler.dataWritten(length, on: stream)
    }
    return output.count >= owner.outputStop ? NGHTTP2_ERR_PAUSE.rawValue : 0
}
