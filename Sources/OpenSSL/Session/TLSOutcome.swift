/// Where a handshake stands after the bytes it was given.
package enum TLSProgress: Equatable, Sendable {
    /// Complete. Send what is in the outgoing buffer; bytes left in the incoming one are application data.
    case done
    /// Send what is in the outgoing buffer, then come back with more input.
    case needsInput
    /// Over. The outgoing buffer may hold an alert for the peer: send it, then close.
    case failed(TLSFailure)
}

/// What a read brought.
package enum TLSRead: Equatable, Sendable {
    /// So many bytes of plaintext were appended, at least 1. There may be more at once: see
    /// `TLSSession.hasMore(in:)`.
    case bytes(Int)
    /// Nothing to give until more input comes.
    case needsInput
    /// The peer sent close_notify: there will be no more.
    case closed
    /// Over. The outgoing buffer may hold an alert for the peer: send it, then close.
    case failed(TLSFailure)
}

/// What a write did.
package enum TLSWrite: Equatable, Sendable {
    /// All the plaintext, so many bytes, is in the outgoing buffer as records.
    case bytes(Int)
    case failed(TLSFailure)
}
