/// Alerts by which a client says that a certificate is not for it (RFC 8446, section 6.2).
package enum CertificateAlert: UInt8, CaseIterable, Sendable {
    case badCertificate = 42
    case unsupportedCertificate = 43
    case certificateRevoked = 44
    case certificateExpired = 45
    case certificateUnknown = 46
    case unknownCA = 48
    case accessDenied = 49
    case decryptError = 51

    /// As the RFC writes it.
    package var name: String {
        switch self {
        case .badCertificate: "bad_certificate"
        case .unsupportedCertificate: "unsupported_certificate"
        case .certificateRevoked: "certificate_revoked"
        case .certificateExpired: "certificate_expired"
        case .certificateUnknown: "certificate_unknown"
        case .unknownCA: "unknown_ca"
        case .accessDenied: "access_denied"
        case .decryptError: "decrypt_error"
        }
    }

    /// From 0, in the order of the numbers.
    internal var place: Int { Int(rawValue) - (rawValue < 47 ? 42 : rawValue < 50 ? 43 : 44) }
}
