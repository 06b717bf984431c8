internal import COpenSSL

/// The protocol version of an established session.
package enum TLSVersion: String, Sendable {
    case tls12 = "TLSv1.2"
    case tls13 = "TLSv1.3"
}

/// What the two sides agreed on. Valid once the handshake is done.
extension TLSSession {
    /// The index, in the context's ALPN list, of the protocol chosen; nil when the client offered none.
    package var applicationProtocol: Int? {
        var name: UnsafePointer<UInt8>?
        var length: UInt32 = 0
        // Sound: the name belongs to the session and is read at once.
        unsafe SSL_get0_alpn_selected(handle, &name, &length)
        guard let name = unsafe name, length > 0 else { return nil }
        let chosen = unsafe UnsafeBufferPointer(start: name, count: Int(length))
        return context.alpn.firstIndex { unsafe $0.utf8.elementsEqual(chosen) }
    }

    package var version: TLSVersion {
        unsafe SSL_version(handle) == TLS1_3_VERSION ? .tls13 : .tls12
    }

    /// The cipher suite by its IANA name, such as TLS_AES_128_GCM_SHA256.
    package var cipher: String {
        // Sound: cipher names are static.
        guard let cipher = unsafe SSL_get_current_cipher(handle), let name = unsafe SSL_CIPHER_standard_name(cipher)
        else { return "" }
        return unsafe String(cString: name)
    }

    /// The handshake resumed an earlier session.
    package var isResumed: Bool { unsafe SSL_session_reused(handle) == 1 }

    /// The peer's certificate; nil without one.
    package var peerCertificate: Certificate? {
        // Sound: the reference that get1 takes is the new object's.
        unsafe SSL_get1_peer_certificate(handle).map { unsafe Certificate(filling: $0) }
    }

    /// The peer's certificate: its subject as RFC 2253 writes it, or nil without one. One without a subject is told by its
    /// fingerprint, as `sha256:` and 64 digits: no subject reads like that, since each part of one holds a `=`.
    ///
    /// On a server, a certificate that does not verify fails the handshake, so one that is here is verified.
    package var peerSubject: String? {
        // Sound: the certificate and its name stay with the session; they are only read here.
        guard let certificate = unsafe SSL_get0_peer_certificate(handle) else { return nil }
        let name = unsafe Name.text(X509_get_subject_name(certificate))
        return name.isEmpty ? peerCertificate.map { "sha256:\($0.fingerprint)" } : name
    }
}
