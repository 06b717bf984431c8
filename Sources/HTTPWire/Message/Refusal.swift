/// Why a message was refused: the status to answer with, and a word for it that does not change.
package struct Refusal: Error, Equatable, Sendable {
    package let reason: RefusalReason
    /// Whose message it was. A response is never the client's fault.
    package let kind: MessageKind

    package init(_ reason: RefusalReason, in kind: MessageKind) {
        self.reason = reason
        self.kind = kind
    }

    /// The status to answer the client with: the reason's own for a request, 502 for a response.
    package var status: Int {
        switch kind {
        case .request: reason.status
        case .response: 502
        }
    }
}

/// The two directions that a message goes in.
package enum MessageKind: Sendable {
    case request, response
}
