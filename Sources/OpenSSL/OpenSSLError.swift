internal import COpenSSL

/// OpenSSL's words for what went wrong outside of a session.
package struct OpenSSLError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What was being done, such as "set the cipher list".
    package let action: String
    /// OpenSSL's reason; empty when it gave none.
    package let reason: String

    package init(_ action: String, reason: String) {
        self.action = action
        self.reason = reason
    }

    package var description: String { reason.isEmpty ? action : "\(action): \(reason)" }

    /// The last error of the calling thread, whose queue is emptied.
    internal static func drained(_ action: String) -> OpenSSLError {
        OpenSSLError(action, reason: drainedText())
    }

    /// The text of the thread's last error, whose queue is emptied.
    internal static func drainedText() -> String {
        let code = ERR_peek_last_error()
        ERR_clear_error()
        return text(of: code)
    }

    /// OpenSSL's reason for a packed error code; empty for 0.
    internal static func text(of code: UInt) -> String {
        if code == 0 { return "" }
        // Sound: the texts are static.
        guard let text = unsafe ERR_reason_error_string(code) else { return "error \(code)" }
        return unsafe String(cString: text)
    }
}
