import Bytes
import Engine
import HTTPWire

/// A part of `forward`: the body of an idempotent request is kept until its answer begins, as far as one buffer holds it, so that
/// another server can be sent the request whole. A longer one goes to one server alone.
extension Exchange {
    /// Whether all that has left of the body can be sent once more.
    internal var isReplayable: Bool { bodyForwarded == UInt64(keptBody?.count ?? 0) }

    /// Keeps body bytes that are about to be forwarded.
    internal func keepBody(_ bytes: Span<UInt8>) {
        guard head.method.isIdempotent, !answerBegun, isReplayable,
            Int(bodyForwarded) + bytes.count <= Transport.readSize
        else { return forgetBody() }
        let buffer = keptBody ?? worker.buffers.take()
        keptBody = buffer
        buffer.append(bytes)
    }

    /// The body will not be sent again.
    internal func forgetBody() {
        guard let keptBody else { return }
        worker.buffers.give(keptBody)
        self.keptBody = nil
    }

    /// Sends what another server has been sent, behind the head.
    internal func sendKeptBody() {
        if let keptBody { sendBody(keptBody.readable) }
        if requestEnded && hasRequestBody { sendBodyEnd() }
    }
}
