internal import COpenSSL

/// Why a session ended: a reason that stays the same from version to version, for logs and metrics,
/// and OpenSSL's own code, for its text.
package struct TLSFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// The reasons, as they are written in logs and metric labels.
    package enum Reason: String, CaseIterable, Sendable {
        /// No cipher, group or signature algorithm in common.
        case noSharedCipher = "no-shared-cipher"
        /// The client's newest TLS version is older than what is allowed.
        case unsupportedVersion = "unsupported-version"
        /// The client's ALPN list names nothing that is served (RFC 7301).
        case noSharedProtocol = "no-shared-protocol"
        /// No certificate for the name in SNI, and no default one.
        case unrecognizedName = "unrecognized-name"
        /// No certificates were published to the context.
        case noCertificate = "no-certificate"
        /// The peer does not trust our issuer, or we do not trust the peer's.
        case unknownCA = "unknown-ca"
        /// The peer refused our certificate for another reason, such as expiry or name.
        case certificateRefused = "certificate-refused"
        /// The client certificate that this listener requires was not sent.
        case clientCertificateMissing = "client-certificate-missing"
        /// The peer's certificate does not hold: expired, wrong name or purpose, of another CA.
        case clientCertificateInvalid = "peer-certificate-invalid"
        /// The client's certificate, or that of a CA above it, is in the list of revoked ones.
        case clientCertificateRevoked = "client-certificate-revoked"
        /// The CA's list of revoked certificates has ended, or has not begun.
        case revocationListExpired = "revocation-list-expired"
        /// There is no list by the CA that issued the client's certificate.
        case revocationListMissing = "revocation-list-missing"
        /// The peer gave up before the handshake was complete.
        case clientClosed = "client-closed"
        /// The bytes are plain HTTP.
        case plainHTTP = "plain-http"
        /// A record that does not decrypt, or is longer than allowed, or not of TLS at all.
        case badRecord = "bad-record"
        /// Another fatal alert from the peer.
        case alert = "peer-alert"
        /// Any other break of the protocol.
        case `protocol` = "protocol"
        /// OpenSSL failed on our side: out of memory, or a call out of order.
        case `internal` = "internal"
    }

    package let reason: Reason
    /// OpenSSL's packed error code; 0 when it gave none.
    package let code: UInt

    package init(_ reason: Reason, code: UInt = 0) {
        self.reason = reason
        self.code = code
    }

    /// The same failure with what made a certificate unacceptable (X509_V_ERR_…), where that has a reason of its own.
    internal func naming(verification result: Int) -> TLSFailure {
        guard reason == .clientCertificateInvalid else { return self }
        return switch Int32(truncatingIfNeeded: result) {
        case X509_V_ERR_CERT_REVOKED: TLSFailure(.clientCertificateRevoked, code: code)
        case X509_V_ERR_CRL_HAS_EXPIRED, X509_V_ERR_CRL_NOT_YET_VALID: TLSFailure(.revocationListExpired, code: code)
        case X509_V_ERR_UNABLE_TO_GET_CRL: TLSFailure(.revocationListMissing, code: code)
        default: self
        }
    }

    /// What the peer said of our certificate; nil when it was about something else.
    internal var certificateAlert: CertificateAlert? {
        guard code != 0, ERR_GET_LIB(code) == ERR_LIB_SSL else { return nil }
        // The alert's number is the reason less SSL_AD_REASON_OFFSET.
        let number = ERR_GET_REASON(code) - 1000
        return UInt8(exactly: number).flatMap { CertificateAlert(rawValue: $0) }
    }

    package var description: String {
        let text = OpenSSLError.text(of: code)
        return text.isEmpty ? reason.rawValue : "\(reason.rawValue): \(text)"
    }
}

extension TLSFailure {
    /// Empties the thread's error queue and says what it meant for a session.
    ///
    /// The last error of the SSL library counts: those before it are the details that led there. That a callback failed
    /// says nothing; what it met with does.
    internal static func drained() -> TLSFailure {
        var code: UInt = 0
        while true {
            let next = ERR_get_error()
            if next == 0 { break }
            let isOfSSL = ERR_GET_LIB(next) == ERR_LIB_SSL
            if isOfSSL, ERR_GET_REASON(next) == SSL_R_CERT_CB_ERROR, ERR_GET_LIB(code) == ERR_LIB_SSL { continue }
            if code == 0 || isOfSSL { code = next }
        }
        guard code != 0, ERR_GET_LIB(code) == ERR_LIB_SSL else { return TLSFailure(.internal, code: code) }
        return TLSFailure(reason(ofSSL: ERR_GET_REASON(code)), code: code)
    }

    private static func reason(ofSSL reason: Int32) -> Reason {
        switch reason {
        case SSL_R_NO_SHARED_CIPHER, SSL_R_NO_SHARED_GROUPS, SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS,
            SSL_R_NO_SUITABLE_KEY_SHARE, SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, SSL_R_NO_SUITABLE_GROUPS,
            SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE, SSL_R_TLSV1_ALERT_INSUFFICIENT_SECURITY:
            .noSharedCipher
        case SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_VERSION_TOO_LOW, SSL_R_VERSION_TOO_HIGH,
            SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, SSL_R_INAPPROPRIATE_FALLBACK,
            SSL_R_TLSV1_ALERT_INAPPROPRIATE_FALLBACK:
            .unsupportedVersion
        case SSL_R_NO_APPLICATION_PROTOCOL, SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL:
            .noSharedProtocol
        case SSL_R_TLSV1_UNRECOGNIZED_NAME:
            .unrecognizedName
        case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
            .unknownCA
        case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED,
            SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED, SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN,
            SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
            .certificateRefused
        case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED,
            SSL_R_SSLV3_ALERT_NO_CERTIFICATE:
            .clientCertificateMissing
        case SSL_R_CERTIFICATE_VERIFY_FAILED:
            .clientCertificateInvalid
        case SSL_R_TLSV1_ALERT_USER_CANCELLED:
            .clientClosed
        case SSL_R_CERT_CB_ERROR, SSL_R_EE_KEY_TOO_SMALL, SSL_R_CA_KEY_TOO_SMALL, SSL_R_CA_MD_TOO_WEAK:
            // Our own certificate cannot be sent.
            .internal
        case SSL_R_HTTP_REQUEST, SSL_R_HTTPS_PROXY_REQUEST:
            .plainHTTP
        case SSL_R_DECRYPTION_FAILED, SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, SSL_R_BAD_RECORD_TYPE,
            SSL_R_PACKET_LENGTH_TOO_LONG, SSL_R_DATA_LENGTH_TOO_LONG, SSL_R_ENCRYPTED_LENGTH_TOO_LONG,
            SSL_R_RECORD_TOO_SMALL, SSL_R_BAD_PACKET_LENGTH, SSL_R_WRONG_VERSION_NUMBER,
            SSL_R_SSLV3_ALERT_BAD_RECORD_MAC, SSL_R_TLSV1_ALERT_RECORD_OVERFLOW:
            .badRecord
        case 1000...1255:
            // An alert of the peer: its number is the reason less 1000 (SSL_AD_REASON_OFFSET).
            .alert
        default:
            .protocol
        }
    }
}
