package import Bytes

/// The head of one request or response, whichever codec it came through.
///
/// All text lies in one buffer and fields are offsets into it, so that reading, routing, logging and
/// writing a head allocate nothing once the object is warm. A codec fills it after `clear()`; from
/// then on it is read only. Not thread-safe: it belongs to the exchange that uses it.
package final class MessageHead {
    /// The text of the head. Slices count from the start of its readable bytes.
    package let bytes: ByteBuffer
    /// The fields in the order in which they came, pseudo-fields excluded.
    package var fields: [Field] = []

    /// The request's method; `other` when it is none of those that the gateway acts upon.
    package var method = Method.other
    /// The method as it came, case kept (methods are case-sensitive, RFC 9110 section 9.1).
    package var methodName = Slice.empty
    /// The request target in origin form (path and query), or `*`.
    package var target = Slice.empty
    /// Host or `:authority` as it came: host and optional port, without user information.
    package var authority = Slice.empty
    /// The protocol version that the message came in.
    package var version = Version.http11

    /// The response's status, 100 to 999; 0 in a request.
    package var status = 0

    /// How the body is delimited.
    package var framing = BodyFraming.none
    /// Whether the sender will keep the connection open after this message (always true for HTTP/2).
    package var keepAlive = true
    /// `Expect: 100-continue` (RFC 9110 section 10.1.1).
    package var expectsContinue = false
    /// The protocol asked for or agreed to by Upgrade with Connection: upgrade, or by `:protocol` (RFC 8441).
    package var upgrade = Slice.empty

    package init() {
        bytes = ByteBuffer(capacity: 2048)
        fields.reserveCapacity(32)
    }

    /// Empties the head and keeps its memory.
    package func clear() {
        bytes.clear()
        fields.removeAll(keepingCapacity: true)
        method = .other
        methodName = .empty
        target = .empty
        authority = .empty
        version = .http11
        status = 0
        framing = .none
        keepAlive = true
        expectsContinue = false
        upgrade = .empty
    }

    /// The value of the first field of that name, or nil.
    package func first(_ name: FieldName) -> Slice? {
        for field in fields where field.known == name { return field.value }
        return nil
    }
}

package enum Version: UInt8, Sendable {
    case http10, http11, http2
}

package enum Method: UInt8, Sendable {
    case get, head, post, put, delete, options, connect, patch, trace, other

    /// Whether sending it twice does what sending it once does (RFC 9110 section 9.2.2).
    package var isIdempotent: Bool {
        switch self {
        case .get, .head, .put, .delete, .options, .trace: true
        case .post, .patch, .connect, .other: false
        }
    }
}

/// How the end of a body is known (RFC 9112 section 6.3).
package enum BodyFraming: Equatable, Sendable {
    /// There is no body.
    case none
    /// This many bytes.
    case length(UInt64)
    /// The chunked transfer coding.
    case chunked
    /// Until the connection closes (responses only).
    case untilClose
    /// Until the stream ends (HTTP/2 without content-length).
    case untilEndOfStream
}

/// Field names that the gateway acts upon. `FieldName.init(_:)` finds one by its lower-case text.
package enum FieldName: UInt8, Sendable, CaseIterable {
    case other
    case accept, acceptEncoding, authorization, connection, contentLength, contentType, cookie, date, expect, forwarded,
        host, keepAlive, location, proxyAuthenticate, proxyAuthorization, proxyConnection, referer, retryAfter,
        secWebSocketKey, secWebSocketAccept, secWebSocketVersion, server, setCookie, strictTransportSecurity, te,
        trailer, transferEncoding, upgrade, userAgent, via, xForwardedFor, xForwardedHost, xForwardedPort,
        xForwardedProto, xRealIP, xRequestID
}
