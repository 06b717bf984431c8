import CNGHTTP2

/// What the library's errors mean for a connection.
enum NGHTTP2Error {
    /// Why a session ends when `NGHTTP2Session.receive` failed with this error.
    static func reason(_ error: Int32) -> HTTP2CloseReason {
        switch error {
        case NGHTTP2_ERR_FLOODED.rawValue:
            // More acknowledgements wait than HTTP2Budgets.outstandingAcknowledgements.
            .abuse(.ping)
        case NGHTTP2_ERR_TOO_MANY_CONTINUATIONS.rawValue:
            .abuse(.continuation)
        case NGHTTP2_ERR_NOMEM.rawValue, NGHTTP2_ERR_CALLBACK_FAILURE.rawValue:
            .internalError
        default:
            .protocolError(code: HTTP2ErrorCode.protocolError)
        }
    }
}
