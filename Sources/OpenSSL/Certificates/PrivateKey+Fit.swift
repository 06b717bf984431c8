internal import COpenSSL

/// Whether halves of keys fit each other.
extension PrivateKey {
    /// Fails when the private half does not fit the public one: such a key loads, and breaks every handshake.
    internal func requireWhole() throws(CertificateError) {
        if isWholePoint() { return }
        // Sound: the context is ours and only reads the key.
        let context = unsafe EVP_PKEY_CTX_new(handle, nil)
        defer { unsafe EVP_PKEY_CTX_free(context) }
        if unsafe EVP_PKEY_pairwise_check(context) == 1 { return }
        ERR_clear_error()
        throw .malformedKey(reason: "its private and public halves do not fit")
    }

    /// The curves of keys for TLS, by the numbers that OpenSSL gives them: to make one takes longer than to multiply on it.
    // Sound: made once, and only read from then on.
    private static nonisolated(unsafe) let groups: [Int32: OpaquePointer] = {
        var groups: [Int32: OpaquePointer] = unsafe [:]
        for curve in [NID_X9_62_prime256v1, NID_secp384r1, NID_secp521r1] {
            guard let group = unsafe EC_GROUP_new_by_curve_name(curve) else { continue }
            unsafe groups[curve] = group
        }
        return unsafe groups
    }()

    /// Whether it is a key for ECDSA whose public point is its private number times the generator. OpenSSL's own check
    /// multiplies the point by the group's order besides, which takes twice as long as this and says nothing more: the
    /// multiples of the generator are all in the group.
    private func isWholePoint() -> Bool {
        guard algorithm == .ecdsa, let (curve, octets) = publicPointOctets() else { return false }
        var number: OpaquePointer?
        // Sound: the number is ours, and freed here.
        defer { unsafe BN_clear_free(number) }
        guard unsafe EVP_PKEY_get_bn_param(handle, "priv", &number) == 1, let held = unsafe number else {
            ERR_clear_error()
            return false
        }
        return unsafe Self.isPoint(octets, held, on: curve)
    }

    /// Whether a point is a number, of those that are private keys, times the generator of a curve that TLS has.
    internal static func isPoint(_ octets: [UInt8], _ number: OpaquePointer, on curve: Int32) -> Bool {
        guard let group = unsafe groups[curve] else { return false }
        defer { ERR_clear_error() }
        // Sound: the points are ours, and freed here; the octets are read during the calls.
        let (point, product) = unsafe (EC_POINT_new(group), EC_POINT_new(group))
        defer {
            unsafe EC_POINT_free(point)
            unsafe EC_POINT_clear_free(product)
        }
        guard unsafe point != nil, unsafe product != nil, unsafe BN_is_zero(number) == 0,
            unsafe BN_is_negative(number) == 0, unsafe BN_cmp(number, EC_GROUP_get0_order(group)) < 0,
            unsafe EC_POINT_oct2point(group, point, octets, octets.count, nil) == 1,
            unsafe EC_POINT_mul(group, product, number, nil, nil, nil) == 1
        else { return false }
        return unsafe EC_POINT_cmp(group, point, product, nil) == 0
    }

    /// The curve of a key for ECDSA, as OpenSSL numbers it, and the key's public point; nil for other keys.
    private func publicPointOctets() -> (curve: Int32, octets: [UInt8])? {
        if let plain { return (plain.curve, plain.point) }
        var name = [CChar](repeating: 0, count: 64)
        var octets = [UInt8](repeating: 0, count: 256)
        var (length, count) = (0, 0)
        // Sound: OpenSSL writes within the sizes that it is given.
        guard unsafe EVP_PKEY_get_group_name(handle, &name, name.count, &length) == 1,
            unsafe EVP_PKEY_get_octet_string_param(handle, "pub", &octets, octets.count, &count) == 1
        else {
            ERR_clear_error()
            return nil
        }
        return (unsafe OBJ_sn2nid(name), Array(octets[..<count]))
    }

    /// Whether `certificate` spells this key's public half as nearly all do that are for ECDSA: a curve by its name, and a
    /// point that is not compressed. That it does not says nothing.
    internal func isSpelled(in certificate: Certificate) -> Bool {
        guard algorithm == .ecdsa, let (curve, octets) = publicPointOctets() else { return false }
        var kind: OpaquePointer?
        var point: UnsafePointer<UInt8>?
        var length: Int32 = 0
        var parameters: UnsafeMutablePointer<X509_ALGOR>?
        // Sound: all of it is the certificate's, and only read.
        let key = unsafe X509_get_X509_PUBKEY(certificate.contents)
        guard unsafe X509_PUBKEY_get0_param(&kind, &point, &length, &parameters, key) == 1,
            unsafe OBJ_obj2nid(kind) == NID_X9_62_id_ecPublicKey, length == octets.count
        else { return false }
        var type: Int32 = 0
        var name: UnsafeRawPointer?
        unsafe X509_ALGOR_get0(nil, &type, &name, parameters)
        guard type == V_ASN1_OBJECT, curve != NID_undef, unsafe OBJ_obj2nid(OpaquePointer(name)) == curve else {
            return false
        }
        return unsafe UnsafeBufferPointer(start: point, count: octets.count).elementsEqual(octets)
    }
}
