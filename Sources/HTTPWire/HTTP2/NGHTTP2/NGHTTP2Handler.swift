/// What the library tells of a session, in safe terms. Called from inside `NGHTTP2Session.receive` and `produce`.
///
/// Streams are looked up by the pointer that `headBegan` gave to the library, never by number.
protocol NGHTTP2Handler: AnyObject {
    /// Whether the session has been given up: the library stops at the next callback.
    var isStopped: Bool { get }

    /// A request's HEADERS came. The stream returned is handed to all later calls for it.
    func headBegan(id: Int32) -> HTTP2Stream
    /// Trailers begin on a stream.
    func trailersBegan(on stream: HTTP2Stream)
    /// A field of the head or the trailers, which the library found valid by itself.
    func field(name: Span<UInt8>, value: Span<UInt8>, inTrailers: Bool, on stream: HTTP2Stream)
    /// A head (or trailers) is complete and keeps the rules that the library checks.
    func headEnded(endsStream: Bool, areTrailers: Bool, on stream: HTTP2Stream)
    /// Payload of DATA.
    func data(_ bytes: Span<UInt8>, on stream: HTTP2Stream)
    /// A DATA frame is complete. `isPadding` when it had bytes and all of them were padding.
    func dataFrameEnded(endsStream: Bool, isPadding: Bool, on stream: HTTP2Stream)
    /// The client acknowledged the PING that this side sent.
    func pingAcknowledged()
    /// A message was refused by the library, which resets its stream.
    func malformedMessage(on stream: HTTP2Stream?)
    /// A stream beyond the number allowed was refused by the library, before `headBegan`.
    func streamBeyondLimit(id: Int32)
    /// The stream is gone.
    func closed(_ stream: HTTP2Stream, code: UInt32)
    func frameSent(_ frame: FrameHeader, on stream: HTTP2Stream?)
    /// GOAWAY with this code was written.
    func goawaySent(code: UInt32, lastStream: Int32)
    /// RST_STREAM with this code was written.
    func resetSent(code: UInt32, on stream: HTTP2Stream?)
    /// What to write next of a stream's answer.
    func nextData(on stream: HTTP2Stream, limit: Int) -> NextData
    /// `count` bytes of the stream's send buffer have been written.
    func dataWritten(_ count: Int, on stream: HTTP2Stream)
}

/// The answer to the library's question for data.
enum NextData {
    /// This many bytes of the send buffer; `last` when the body ends with them.
    case bytes(Int, last: Bool)
    /// This many bytes, the last, and trailers behind them.
    case bytesThenTrailers(Int, HTTP2HeadWriter)
    /// None now: ask again after `resume`.
    case later
}
