import Bytes
import HTTPWire

/// **Phase: admit.** Gets a request with its route. Leaves it within its limits and goes on to `select`, or
/// answers 413 when its body is declared larger than the route takes.
extension Exchange {
    internal func admitRequest(to pool: Pool) {
        if case .length(let length) = head.framing, length > bodyLimit {
            refusal = .bodyTooLarge
            return answer(413, .bodyTooLarge)
        }
        pool.noteRequest()
        selectServer(of: pool)
    }

    /// Counts body bytes against the limit.
    /// - Returns: false when there are too many: the exchange has then been answered or cut.
    internal func admitBody(_ count: Int) -> Bool {
        bodyReceived += UInt64(count)
        if bodyReceived <= bodyLimit { return true }
        refusal = .bodyTooLarge
        dropServer(reusable: false)
        answerOrCut(413, .bodyTooLarge)
        return false
    }
}
