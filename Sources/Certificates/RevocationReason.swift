/// Why a certificate is revoked: those of RFC 5280, section 5.3.1, that CAs take from subscribers.
package enum RevocationReason: String, Sendable, CaseIterable {
    case unspecified
    case keyCompromise = "key-compromise"
    case affiliationChanged = "affiliation-changed"
    case superseded
    case cessationOfOperation = "cessation-of-operation"

    package var code: Int {
        switch self {
        case .unspecified: 0
        case .keyCompromise: 1
        case .affiliationChanged: 3
        case .superseded: 4
        case .cessationOfOperation: 5
        }
    }
}
