/// What became of the bytes given to `HTTP2ServerSession.receive`.
package enum HTTP2Outcome: Equatable, Sendable {
    /// Taken; go on.
    case ok
    /// The session takes nothing more. What `produce` still has (GOAWAY) is to be written, then the connection
    /// closed.
    case closing(HTTP2CloseReason)
}

/// Why a session ends.
package enum HTTP2CloseReason: Equatable, Sendable {
    /// One glitch too many of this kind.
    case abuse(HTTP2Glitch)
    /// The bytes are not HTTP/2, or break a rule that ends the connection (RFC 9113 section 5.4.1).
    case protocolError(code: UInt32)
    /// The library ran out of memory or refused a call.
    case internalError
    /// `close(code:)` was called.
    case requested(code: UInt32)

    /// The code that GOAWAY carries.
    package var code: UInt32 {
        switch self {
        case .abuse: HTTP2ErrorCode.enhanceYourCalm
        case .protocolError(let code), .requested(let code): code
        case .internalError: HTTP2ErrorCode.internalError
        }
    }
}
