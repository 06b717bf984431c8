internal import COpenSSL

/// Whose clients' certificates are taken: the CAs of a listener, and the lists of what they have revoked (RFC 5280,
/// section 5). Read and checked before anything of it is used.
@safe
package final class ClientTrust {
    internal let authorities: [Certificate]
    /// Empty when revocation is not looked at.
    private let lists: [OpaquePointer]
    /// When the first CA's last list ends, in seconds since 1970: its clients are refused from then on. nil without
    /// lists, or when they have no end.
    package private(set) var listsEnd: Int64?

    /// - Throws: what cannot be read, and a list that none of the CAs signed.
    package init(_ settings: TLSContext.ServerSettings.ClientCertificates) throws(OpenSSLError) {
        do throws(CertificateError) {
            authorities = try Certificate.load(pem: settings.authorities.span)
        } catch {
            throw OpenSSLError("load the certificate authorities", reason: error.description)
        }
        guard let pem = settings.revocationLists else {
            unsafe lists = []
            return
        }
        let found: [OpaquePointer]
        do throws(CertificateError) {
            unsafe found = try Self.read(pem)
        } catch {
            throw OpenSSLError("load the lists of revoked certificates", reason: error.description)
        }
        unsafe lists = found
        listsEnd = unsafe try Self.end(of: found, from: authorities)
    }

    deinit {
        // Sound: each is ours; a store that took it has its own reference.
        for index in unsafe lists.indices { unsafe X509_CRL_free(lists[index]) }
    }

    /// Has a context take their clients. With lists, each certificate of a chain is looked for in the list of its issuer;
    /// one that issued no clients' certificates but only CAs' may have none.
    ///
    /// - Parameter mode: SSL_VERIFY_…
    internal func install(in context: OpaquePointer, mode: Int32) throws(OpenSSLError) {
        // Sound: the store takes its own references, and OpenSSL copies the names.
        let store = unsafe SSL_CTX_get_cert_store(context)
        for authority in authorities {
            guard unsafe X509_STORE_add_cert(store, authority.handle) == 1 else {
                throw .drained("add a certificate authority")
            }
            // Asked for by name in the handshake.
            unsafe SSL_CTX_add_client_CA(context, authority.handle)
        }
        if unsafe lists.isEmpty { return unsafe SSL_CTX_set_verify(context, mode, nil) }
        unsafe SSL_CTX_set_verify(context, mode, passListsAbove)
        for index in unsafe lists.indices {
            guard unsafe X509_STORE_add_crl(store, lists[index]) == 1 else {
                throw .drained("add a list of revoked certificates")
            }
        }
        unsafe X509_STORE_set_flags(store, UInt(X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL))
    }

    /// All lists of a PEM file, at least one. Text and other blocks beside them are passed over.
    private static func read(_ pem: [UInt8]) throws(CertificateError) -> [OpaquePointer] {
        let blocks = try PEMBlock.all(in: pem.span, ifBinary: .binaryList).filter { $0.label == "X509 CRL" }
        if blocks.isEmpty { throw .noList }
        var found: [OpaquePointer] = unsafe []
        for block in blocks {
            let contents = block.contents
            let bytes = contents.bytes
            // Sound: d2i_X509_CRL reads within the bytes it is given; the list is ours.
            let parsed = unsafe bytes.withUnsafeBufferPointer { bytes in
                var cursor = bytes.baseAddress
                return unsafe d2i_X509_CRL(nil, &cursor, bytes.count)
            }
            guard let list = unsafe parsed else {
                for index in unsafe found.indices { unsafe X509_CRL_free(found[index]) }
                throw .malformedList(reason: OpenSSLError.drainedText())
            }
            unsafe found.append(list)
        }
        return unsafe found
    }

    /// Checks that each list is whole and by one of the CAs. - Returns: `listsEnd`.
    private static func end(
        of lists: [OpaquePointer],
        from authorities: [Certificate]
    ) throws(OpenSSLError) -> Int64? {
        let action = "take the lists of revoked certificates"
        // Of each CA's lists the last one counts; Int64.max stands for a list without an end.
        var ends = [Int64?](repeating: nil, count: authorities.count)
        for index in unsafe lists.indices {
            let list = unsafe lists[index]
            let issuer = unsafe Name.text(X509_CRL_get_issuer(list))
            guard unsafe X509_CRL_get_ext_by_NID(list, NID_delta_crl, -1) < 0 else {
                throw OpenSSLError(action, reason: "the one by \(issuer) is a delta: give the whole list")
            }
            let next = unsafe X509_CRL_get0_nextUpdate(list)
            let end = unsafe next == nil ? Int64.max : Certificate.seconds(next)
            var isKnown = false
            for place in authorities.indices where unsafe Self.isSigned(list, by: authorities[place]) {
                isKnown = true
                ends[place] = max(ends[place] ?? .min, end)
            }
            guard isKnown else {
                throw OpenSSLError(action, reason: "the one by \(issuer) is signed by none of the CAs in `ca`")
            }
        }
        return ends.compactMap(\.self).min().flatMap { $0 == .max ? nil : $0 }
    }

    /// By a CA of that name, with its key, and that may sign lists.
    private static func isSigned(_ list: OpaquePointer, by authority: Certificate) -> Bool {
        // Sound: both are only read. A certificate without key usage may be used for anything (section 4.2.1.3).
        let isSigned =
            unsafe X509_NAME_cmp(X509_CRL_get_issuer(list), X509_get_subject_name(authority.handle)) == 0
            && X509_get_key_usage(authority.handle) & UInt32(KU_CRL_SIGN) != 0
            && X509_CRL_verify(list, X509_get0_pubkey(authority.handle)) == 1
        ERR_clear_error()
        return isSigned
    }
}

/// verify_callback: a CA above the one that issued the client's certificate may have no list.
private func passListsAbove(_ isGood: Int32, _ store: OpaquePointer?) -> Int32 {
    // Sound: libssl's own object, valid during the call.
    guard isGood == 0, unsafe X509_STORE_CTX_get_error(store) == X509_V_ERR_UNABLE_TO_GET_CRL,
        unsafe X509_STORE_CTX_get_error_depth(store) > 0
    else { return isGood }
    unsafe X509_STORE_CTX_set_error(store, X509_V_OK)
    return 1
}
