internal import COpenSSL

extension TLSContext {
    /// How to connect to a server: health checks over TLS, and tests.
    package struct ClientSettings: Sendable {
        /// Issuers to trust, PEM; nil to accept any certificate.
        package var authorities: [UInt8]?
        /// ALPN protocols to offer; empty to offer none.
        package var alpn: [String] = []
        /// The newest version to offer.
        package var newest: TLSVersion = .tls13
        /// A certificate to show when the server asks for one.
        package var certificate: CertificateBundle?
        /// The only kind of key whose signatures are taken: a server that has several shows this one; nil for any.
        package var signatures: PrivateKey.Algorithm?

        package init() {}
    }

    internal func configure(client settings: ClientSettings) throws(OpenSSLError) {
        // Sound, all of them: plain calls on our own SSL_CTX.
        unsafe SSL_CTX_ctrl(handle, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(TLS1_2_VERSION), nil)
        let newest = settings.newest == .tls12 ? TLS1_2_VERSION : TLS1_3_VERSION
        unsafe SSL_CTX_ctrl(handle, SSL_CTRL_SET_MAX_PROTO_VERSION, Int(newest), nil)
        unsafe SSL_CTX_set_security_level(handle, 2)
        unsafe SSL_CTX_set_options(handle, GH_SSL_OP_NO_COMPRESSION | GH_SSL_OP_NO_RENEGOTIATION)
        unsafe SSL_CTX_ctrl(handle, SSL_CTRL_MODE, Int(SSL_MODE_RELEASE_BUFFERS), nil)
        unsafe SSL_CTX_ctrl(handle, SSL_CTRL_SET_SESS_CACHE_MODE, Int(SSL_SESS_CACHE_OFF), nil)
        if let authorities = settings.authorities {
            try addAuthorities(authorities)
            unsafe SSL_CTX_set_verify(handle, SSL_VERIFY_PEER, nil)
        }
        if !alpn.isEmpty {
            // 0 is this call's success. OpenSSL copies the list.
            guard unsafe SSL_CTX_set_alpn_protos(handle, alpnWire.baseAddress, UInt32(alpnWire.count)) == 0 else {
                throw .drained("set the ALPN protocols")
            }
        }
        if let certificate = settings.certificate {
            guard let parts = certificate.material, let stack = unsafe parts.stack,
                unsafe SSL_CTX_use_cert_and_key(handle, parts.chain[0].handle, parts.key.handle, stack, 1) == 1
            else { throw .drained("use the client certificate") }
        }
        if let list = settings.signatures?.signatureSchemes {
            let command = SSL_CTRL_SET_SIGALGS_LIST
            // Sound: OpenSSL reads the string during the call.
            guard unsafe SSL_CTX_ctrl(handle, command, 0, UnsafeMutableRawPointer(mutating: list.cString)) == 1 else {
                throw .drained("set the signature algorithms")
            }
        }
    }

    /// Trusts the certificates of a PEM file as issuers of the peer's.
    private func addAuthorities(_ pem: [UInt8]) throws(OpenSSLError) {
        let authorities: [Certificate]
        do throws(CertificateError) {
            authorities = try Certificate.load(pem: pem.span)
        } catch {
            throw OpenSSLError("load the certificate authorities", reason: error.description)
        }
        for authority in authorities {
            // Sound: the store takes its own reference.
            guard unsafe X509_STORE_add_cert(SSL_CTX_get_cert_store(handle), authority.handle) == 1 else {
                throw .drained("add a certificate authority")
            }
        }
    }
}

extension PrivateKey.Algorithm {
    /// What such keys sign handshakes by (RFC 8446, section 4.2.3), as OpenSSL lists it.
    fileprivate var signatureSchemes: StaticString {
        switch self {
        case .ecdsa: "ecdsa_secp256r1_sha256:ecdsa_secp384r1_sha384:ecdsa_secp521r1_sha512"
        case .rsa:
            "rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:rsa_pss_pss_sha256:rsa_pkcs1_sha256"
        case .ed25519: "ed25519"
        }
    }
}

extension TLSSession {
    /// Asks for a name in SNI and expects it in the certificate; an address is only expected there (RFC 6066). Without a
    /// name nothing is asked for.
    internal func setPeerName(_ name: String) throws(OpenSSLError) {
        if name.isEmpty { return }
        let parameters = unsafe SSL_get0_param(handle)
        if unsafe X509_VERIFY_PARAM_set1_ip_asc(parameters, name) == 1 { return }
        ERR_clear_error()
        // Sound: OpenSSL copies the name.
        let status = unsafe name.withCString {
            unsafe SSL_ctrl(
                handle,
                SSL_CTRL_SET_TLSEXT_HOSTNAME,
                Int(TLSEXT_NAMETYPE_host_name),
                UnsafeMutableRawPointer(mutating: $0)
            )
        }
        guard status == 1, unsafe SSL_set1_host(handle, name) == 1 else { throw .drained("set the server's name") }
    }
}
