internal import COpenSSL

extension TLSContext {
    /// Hooks the context into its SSL_CTX. The pointers given to OpenSSL are not retained: every
    /// session holds its context, so it is there whenever a callback runs.
    internal func installCallbacks() {
        let me = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe SSL_CTX_set_client_hello_cb(handle, chooseHost, me)
        unsafe SSL_CTX_set_cert_cb(handle, useCertificate, me)
        unsafe SSL_CTX_set_alpn_select_cb(handle, chooseProtocol, me)
        unsafe SSL_CTX_set_ex_data(handle, 0, me)
        unsafe SSL_CTX_set_tlsext_ticket_key_evp_cb(handle, ticketKey)
    }

    internal static func from(_ argument: UnsafeMutableRawPointer?) -> TLSContext? {
        // Sound: `installCallbacks` put it there, and the session that runs keeps it alive.
        guard let argument = unsafe argument else { return nil }
        return unsafe Unmanaged<TLSContext>.fromOpaque(argument).takeUnretainedValue()
    }
}

/// client_hello_cb: finds the virtual host, and binds the session to it.
///
/// This is the one place early enough for the session-id context: OpenSSL opens a ticket before it
/// calls the servername callback, so a context set there lets a ticket of one name resume under another.
private func chooseHost(
    _ ssl: OpaquePointer?,
    _ alert: UnsafeMutablePointer<Int32>?,
    _ argument: UnsafeMutableRawPointer?
) -> Int32 {
    guard let context = unsafe TLSContext.from(argument), let session = context.current else {
        unsafe alert?.pointee = SSL_AD_INTERNAL_ERROR
        return SSL_CLIENT_HELLO_ERROR
    }
    guard let generation = context.generation else {
        session.refusal = .noCertificate
        unsafe alert?.pointee = SSL_AD_INTERNAL_ERROR
        return SSL_CLIENT_HELLO_ERROR
    }
    var data: UnsafePointer<UInt8>?
    var length = 0
    // Sound: the extension is libssl's copy of the ClientHello, valid during this callback.
    if unsafe SSL_client_hello_get0_ext(ssl, UInt32(TLSEXT_TYPE_server_name), &data, &length) == 1,
        let data = unsafe data
    {
        let bytes = unsafe Span(_unsafeStart: data, count: length)
        session.serverName = ServerNameExtension.hostName(bytes) ?? []
    }
    let challenge =
        unsafe generation.hasChallenges && offersChallengeAlone(ssl)
        ? generation.challenge(for: session.serverName) : nil
    if challenge != nil {
        session.isChallenge = true
        // The CA has no certificate to show, and comes but once.
        unsafe SSL_set_verify(ssl, SSL_VERIFY_NONE, nil)
        unsafe SSL_set_num_tickets(ssl, 0)
    }
    guard let host = challenge ?? generation.host(for: session.serverName) else {
        session.refusal = .unrecognizedName
        unsafe alert?.pointee = SSL_AD_UNRECOGNIZED_NAME
        return SSL_CLIENT_HELLO_ERROR
    }
    session.host = host
    let binding = context.scope + host.binding(for: session.serverName)
    // Sound: OpenSSL copies the bytes; 32 is the most it takes.
    let bound = unsafe binding.withUnsafeBufferPointer {
        unsafe SSL_set_session_id_context(ssl, $0.baseAddress, UInt32($0.count))
    }
    return bound == 1 ? SSL_CLIENT_HELLO_SUCCESS : SSL_CLIENT_HELLO_ERROR
}

/// Whether the ClientHello offers `acme-tls/1` and nothing else, as a CA's does (RFC 8737, section 3).
private func offersChallengeAlone(_ ssl: OpaquePointer?) -> Bool {
    var data: UnsafePointer<UInt8>?
    var length = 0
    let name = ChallengeCertificate.applicationProtocol.utf8
    // ProtocolNameList length (2), the name's length (1), the name (RFC 7301, section 3.1).
    let wanted = [0, UInt8(name.count + 1), UInt8(name.count)] + Array(name)
    // Sound: the extension is libssl's copy of the ClientHello, valid during this callback.
    guard
        unsafe SSL_client_hello_get0_ext(
            ssl,
            UInt32(TLSEXT_TYPE_application_layer_protocol_negotiation),
            &data,
            &length
        ) == 1
    else { return false }
    return unsafe UnsafeBufferPointer(start: data, count: length).elementsEqual(wanted)
}

/// cert_cb: gives the session the certificates of its host. With both kinds there, libssl prefers our
/// order of signature algorithms, which has ECDSA first, and takes RSA for clients without it.
private func useCertificate(_ ssl: OpaquePointer?, _ argument: UnsafeMutableRawPointer?) -> Int32 {
    guard let context = unsafe TLSContext.from(argument), let session = context.current, let host = session.host else {
        return 0
    }
    for bundle in host.choice(for: session) {
        // Sound: the session takes its own references; override 1 replaces what is there.
        guard let parts = bundle.material, let stack = unsafe parts.stack,
            unsafe SSL_use_cert_and_key(ssl, parts.chain[0].handle, parts.key.handle, stack, 1) == 1
        else { return 0 }
    }
    return 1
}

/// alpn_select_cb: the first of ours that the client offers, or the alert no_application_protocol (RFC 7301).
private func chooseProtocol(
    _ ssl: OpaquePointer?,
    _ chosen: UnsafeMutablePointer<UnsafePointer<UInt8>?>?,
    _ chosenLength: UnsafeMutablePointer<UInt8>?,
    _ offered: UnsafePointer<UInt8>?,
    _ offeredLength: UInt32,
    _ argument: UnsafeMutableRawPointer?
) -> Int32 {
    guard let context = unsafe TLSContext.from(argument), let chosen = unsafe chosen else {
        return SSL_TLSEXT_ERR_ALERT_FATAL
    }
    if context.current?.isChallenge == true, let offered = unsafe offered, offeredLength > 1 {
        // Sound: the offer is this one name after its length, and OpenSSL copies what is chosen.
        unsafe chosen.pointee = offered.advanced(by: 1)
        unsafe chosenLength?.pointee = offered.pointee
        return SSL_TLSEXT_ERR_OK
    }
    if context.alpn.isEmpty { return SSL_TLSEXT_ERR_NOACK }
    var found: UnsafeMutablePointer<UInt8>?
    // Sound: on agreement `found` points into our own list, which lives as long as the context.
    let ours = unsafe context.alpnWire
    let status = unsafe SSL_select_next_proto(
        &found,
        chosenLength,
        ours.baseAddress,
        UInt32(ours.count),
        offered,
        offeredLength
    )
    guard status == OPENSSL_NPN_NEGOTIATED else { return SSL_TLSEXT_ERR_ALERT_FATAL }
    unsafe chosen.pointee = UnsafePointer(found)
    return SSL_TLSEXT_ERR_OK
}
