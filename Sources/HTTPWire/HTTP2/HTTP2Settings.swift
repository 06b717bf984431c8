/// What a session announces to its client and the sizes that bound its memory.
///
/// Request bodies: a client may have `streamWindow` bytes under way on each of `maxConcurrentStreams` streams, and
/// the connection's window is their product. So the connection's window can never be what stops a stream: streams
/// whose app server is slow hold their own window and nothing else, and a connection holds at most
/// `maxConcurrentStreams * streamWindow` bytes that were received and not consumed (6.25 MiB by default, and only
/// if the client uploads on all streams at once). Credit goes back when the exchange has taken the bytes
/// (`HTTP2ServerSession.consume`), never before.
///
/// Answers: each stream buffers up to `sendBuffer` bytes of what the app server sent; beyond that `send` accepts
/// nothing and the app server's connection is not read.
package struct HTTP2Settings: Sendable {
    /// SETTINGS_MAX_CONCURRENT_STREAMS, 1 or more. Holds from the first byte on, acknowledged or not.
    package var maxConcurrentStreams = 100
    /// SETTINGS_INITIAL_WINDOW_SIZE in bytes, 1 to 2^31 - 1; until the client acknowledges it, it uses 65,535.
    package var streamWindow = 65_536
    /// Bytes of an answer buffered for a stream at most, 1 or more.
    package var sendBuffer = 65_536
    /// Bytes of a head at most: names, values and 32 for each field, announced as SETTINGS_MAX_HEADER_LIST_SIZE
    /// (RFC 9113 section 6.5.2). More is answered with 431.
    package var maxHeadBytes = 65_536
    /// Bytes of one field at most, name and value together. More is answered with 431.
    package var maxFieldBytes = 8_192
    /// Bytes of the request target at most. More is answered with 414.
    package var maxTargetBytes = 8_192
    /// Fields of a head at most, without the pseudo-fields; a cookie sent in crumbs counts once. More is answered
    /// with 431.
    package var maxFields = 100
    /// Whether fields with `_` in their names are kept. Servers that build CGI variables cannot tell `_` from `-`.
    package var keepsUnderscores = false
    /// Whether extended CONNECT (RFC 8441: WebSocket over a stream) is announced and accepted.
    package var extendedConnect = true

    package init() {}

    /// The connection's receive window in bytes: every stream's window at once, at most 2^31 - 1.
    var connectionWindow: Int {
        let product = maxConcurrentStreams.multipliedReportingOverflow(by: streamWindow)
        return product.overflow ? Int(Int32.max) : min(max(product.partialValue, 65_535), Int(Int32.max))
    }
}
