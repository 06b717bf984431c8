internal import Bytes
internal import COpenSSL

/// The algorithms of tickets, fetched once: OpenSSL 3 searches its providers at each use otherwise.
internal enum TicketAlgorithms {
    // Sound: fetched once and only read; the references are kept for the life of the process.
    nonisolated(unsafe) static let cipher: OpaquePointer? = unsafe EVP_CIPHER_fetch(nil, "AES-256-CBC", nil)
}

/// tlsext_ticket_key_evp_cb: seals with the current key, opens with any.
///
/// Returns 0 for a ticket that no key opens, or that must not be taken (a full handshake follows), 1 to go
/// on, 2 to go on and give a new ticket: when the key is not the current one, and always with TLS 1.3, whose
/// clients use a ticket once (RFC 8446 appendix C.4).
internal func ticketKey(
    _ ssl: OpaquePointer?,
    _ name: UnsafeMutablePointer<UInt8>?,
    _ iv: UnsafeMutablePointer<UInt8>?,
    _ cipher: OpaquePointer?,
    _ mac: OpaquePointer?,
    _ isSealing: Int32
) -> Int32 {
    guard let context = unsafe TLSContext.from(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), 0)),
        let keys = context.ticketKeys, let name = unsafe name, let iv = unsafe iv
    else { return 0 }
    // Sound, in all that follows: libssl gives 16 bytes at `name` and room for any IV at `iv`; the keys
    // live through the calls, which copy them.
    let material = keys.serialized
    if isSealing != 0 {
        let key = material.bytes.extracting(TicketKeys.range(TicketKeys.current))
        for index in 0..<16 { unsafe name[index] = key[index] }
        guard unsafe RAND_bytes(iv, 16) == 1, unsafe setMACKey(mac, key) else { return -1 }
        return unsafe setCipherKey(cipher, key, iv, encrypt: 1) ? 1 : -1
    }
    // A client is let in again by a list that has ended as little as it would be for the first time.
    if let end = context.revocationListsEnd, end < Int64(time(nil)) { return 0 }
    let wanted = unsafe Span(_unsafeStart: UnsafePointer(name), count: 16)
    guard let index = keys.index(named: wanted) else { return 0 }
    let key = material.bytes.extracting(TicketKeys.range(index))
    guard unsafe setMACKey(mac, key), unsafe setCipherKey(cipher, key, iv, encrypt: 0) else { return -1 }
    let isTicketUsedOnce = unsafe SSL_version(ssl) == TLS1_3_VERSION
    return index == TicketKeys.current && !isTicketUsedOnce ? 1 : 2
}

private func setCipherKey(
    _ cipher: OpaquePointer?,
    _ key: Span<UInt8>,
    _ iv: UnsafeMutablePointer<UInt8>,
    encrypt: Int32
) -> Bool {
    let secret = key.extracting(16..<48)
    return unsafe secret.withUnsafeBufferPointer {
        unsafe EVP_CipherInit_ex(cipher, TicketAlgorithms.cipher, nil, $0.baseAddress, iv, encrypt) == 1
    }
}

private func setMACKey(_ mac: OpaquePointer?, _ key: Span<UInt8>) -> Bool {
    let secret = key.extracting(48..<80)
    return unsafe secret.withUnsafeBufferPointer { secret in
        // Sound: OSSL_PARAM asks for mutable pointers, but EVP_MAC only reads through them.
        unsafe withUnsafeTemporaryAllocation(of: OSSL_PARAM.self, capacity: 3) { parameters in
            let bytes = unsafe UnsafeMutableRawPointer(mutating: secret.baseAddress)
            let digest = unsafe UnsafeMutablePointer(mutating: macDigest.cString)
            unsafe parameters[0] = OSSL_PARAM_construct_octet_string(macKeyName.cString, bytes, secret.count)
            unsafe parameters[1] = OSSL_PARAM_construct_utf8_string(macDigestName.cString, digest, 0)
            unsafe parameters[2] = OSSL_PARAM_construct_end()
            return unsafe EVP_MAC_CTX_set_params(mac, parameters.baseAddress) == 1
        }
    }
}

private let macKeyName: StaticString = "key"
private let macDigestName: StaticString = "digest"
private let macDigest: StaticString = "SHA256"
