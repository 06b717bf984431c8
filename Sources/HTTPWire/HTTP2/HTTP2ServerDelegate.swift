/// Who serves the streams of a session: the gateway's side of HTTP/2.
///
/// All calls come from inside `HTTP2ServerSession.receive` or `produce`, on their thread. From inside of them the
/// stream's and the session's other methods may be called (respond, send, finish, reset, consume, drain), but not
/// `receive` or `produce`. A stream may be used until `closed` returns; then it goes back to its pool and serves
/// another request, so every reference to it must be dropped there.
package protocol HTTP2ServerDelegate: AnyObject {
    /// A request's head is complete and valid: `stream.head`. With `stream.endsWithHead` there is no body, and
    /// `ended` is not called.
    func http2(_ session: HTTP2ServerSession, opened stream: HTTP2Stream)

    /// A head is well-formed and must not be served: it is to be answered with the reason's status (414, 417, 431,
    /// 501). Called in place of `opened`; `closed` follows as for any other stream. The head may lack fields.
    func http2(_ session: HTTP2ServerSession, declined stream: HTTP2Stream, reason: RefusalReason)

    /// A request is malformed, and the session resets its stream. For the log, and to end what is under way: comes in
    /// place of `opened`, or once after it with `closed` to follow. The head may lack fields, and is empty for a
    /// stream beyond the number allowed.
    func http2(_ session: HTTP2ServerSession, refused stream: HTTP2Stream, reason: RefusalReason)

    /// Bytes of the request's body, valid during the call. They count against the stream's window until
    /// `consume` gives them back.
    func http2(_ session: HTTP2ServerSession, data: Span<UInt8>, on stream: HTTP2Stream)

    /// The request's body is complete and as long as its Content-Length said; `stream.trailers` holds what came
    /// behind it, if anything did.
    func http2(_ session: HTTP2ServerSession, ended stream: HTTP2Stream)

    /// The stream is over: answered in full (`code` 0), or reset by the client, by the session or by `reset`. The
    /// last call for a stream that was `opened`. A request whose `ended` did not come must not look complete to the
    /// app server.
    func http2(_ session: HTTP2ServerSession, closed stream: HTTP2Stream, code: UInt32)

    /// The send buffer is below half again after `send` had accepted less than it was given.
    func http2(_ session: HTTP2ServerSession, writable stream: HTTP2Stream)
}
