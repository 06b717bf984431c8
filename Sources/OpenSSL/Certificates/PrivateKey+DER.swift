internal import COpenSSL

/// The usual forms of private keys, read without OpenSSL's decoders, whose search costs 1.4 ms a key in OpenSSL 3.0:
/// PKCS #8 (RFC 5958), SEC 1 (RFC 5915) and PKCS #1 (RFC 8017), of ECDSA on P-256 and P-384 and of RSA. What is not quite
/// as usual is nil here, and OpenSSL's matter.
extension PrivateKey {
    /// Object identifiers, as DER has them.
    private static let ecPublicKey: [UInt8] = [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01]
    private static let rsaEncryption: [UInt8] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01]
    private static let curves: [(identifier: [UInt8], name: StaticString, bytes: Int, number: Int32)] = [
        ([0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07], "prime256v1", 32, NID_X9_62_prime256v1),
        ([0x2B, 0x81, 0x04, 0x00, 0x22], "secp384r1", 48, NID_secp384r1),
    ]

    /// A key of RSA.
    ///
    /// - Returns: an EVP_PKEY that is the caller's; nil when the bytes are in no form that is known here.
    internal static func read(der bytes: Span<UInt8>) -> OpaquePointer? {
        guard let (isRSA, content, _) = shape(of: bytes), isRSA else { return nil }
        return unsafe rsa(content, in: bytes)
    }

    /// A key of ECDSA; nil also when its halves do not fit.
    internal static func readPlain(der bytes: Span<UInt8>) -> PlainKey? {
        guard let (isRSA, content, curve) = shape(of: bytes), !isRSA else { return nil }
        return ecdsa(content, curve: curve, in: bytes)
    }

    /// Where in a file the key's own structure is, and what PKCS #8 says of its curve.
    private static func shape(of bytes: Span<UInt8>) -> (isRSA: Bool, content: Range<Int>, curve: Range<Int>?)? {
        var outer = DERReader(bytes.indices)
        guard let content = outer.take(DERReader.sequence, in: bytes), outer.rest.isEmpty else { return nil }
        var reader = DERReader(content)
        guard let version = reader.takeNumber(in: bytes), version.count == 1 else { return nil }
        switch reader.tag(in: bytes) {
        case DERReader.integer:
            guard bytes[version.lowerBound] == 0 else { return nil }
            return (true, content, nil)
        case DERReader.octetString: return (false, content, nil)
        case DERReader.sequence:
            guard let algorithm = reader.take(DERReader.sequence, in: bytes),
                let inner = reader.take(DERReader.octetString, in: bytes)
            else { return nil }
            var names = DERReader(algorithm)
            guard let kind = names.take(DERReader.objectIdentifier, in: bytes) else { return nil }
            var key = DERReader(inner)
            guard let key = key.take(DERReader.sequence, in: bytes) else { return nil }
            if equal(bytes, kind, rsaEncryption) { return (true, key, nil) }
            guard equal(bytes, kind, ecPublicKey), let curve = names.take(DERReader.objectIdentifier, in: bytes) else {
                return nil
            }
            return (false, key, curve)
        default: return nil
        }
    }

    private static func equal(_ bytes: Span<UInt8>, _ range: Range<Int>, _ other: [UInt8]) -> Bool {
        range.count == other.count && range.indices.allSatisfy { bytes[$0] == other[$0 - range.lowerBound] }
    }

    /// ECPrivateKey of RFC 5915: version, private key, [0] curve, [1] public key.
    private static func ecdsa(
        _ content: Range<Int>,
        curve named: Range<Int>?,
        in bytes: Span<UInt8>
    ) -> PlainKey? {
        var reader = DERReader(content)
        guard reader.takeNumber(in: bytes) != nil, let secret = reader.take(DERReader.octetString, in: bytes) else {
            return nil
        }
        var identifier = named
        if let parameters = reader.take(0xA0, in: bytes) {
            var inner = DERReader(parameters)
            identifier = inner.take(DERReader.objectIdentifier, in: bytes)
        }
        guard let identifier, let curve = curves.first(where: { equal(bytes, identifier, $0.identifier) }),
            let wrapped = reader.take(0xA1, in: bytes), secret.count == curve.bytes
        else { return nil }
        var inner = DERReader(wrapped)
        // No bits are unused, and the point is not compressed.
        guard let point = inner.take(DERReader.bitString, in: bytes), point.count == 2 + 2 * curve.bytes,
            bytes[point.lowerBound] == 0, bytes[point.lowerBound + 1] == 4
        else { return nil }
        let octets = point.dropFirst().map { bytes[$0] }
        // Sound: the number is ours, and freed here.
        let number = unsafe bytes.extracting(secret).withUnsafeBufferPointer {
            unsafe BN_bin2bn($0.baseAddress, Int32($0.count), nil)
        }
        defer { unsafe BN_clear_free(number) }
        guard let held = unsafe number, unsafe isPoint(octets, held, on: curve.number) else { return nil }
        return PlainKey(
            curve: curve.number,
            bits: Int32(8 * curve.bytes),
            point: octets,
            serialized: serialized(curve: curve.name, octets, secret, in: bytes)
        )
    }

    /// RSAPrivateKey of RFC 8017, appendix A.1.2.
    private static func rsa(_ content: Range<Int>, in bytes: Span<UInt8>) -> OpaquePointer? {
        var reader = DERReader(content)
        guard reader.takeNumber(in: bytes) != nil else { return nil }
        let names: [StaticString] = [
            "n", "e", "d", "rsa-factor1", "rsa-factor2", "rsa-exponent1", "rsa-exponent2", "rsa-coefficient1",
        ]
        var numbers: [(name: StaticString, range: Range<Int>)] = []
        for name in names {
            guard let range = reader.takeNumber(in: bytes) else { return nil }
            numbers.append((name, range))
        }
        return unsafe reader.rest.isEmpty ? make(.rsa, numbers, group: nil, point: nil, in: bytes) : nil
    }

    // MARK: Public halves

    /// A point that is not compressed, of a public key alone.
    internal static func readPoint(_ bytes: Span<UInt8>, curve: StaticString, bytesEach: Int) -> OpaquePointer? {
        guard bytes.count == 1 + 2 * bytesEach, bytes[0] == 4 else { return nil }
        return unsafe make(.ecdsa, [], group: curve, point: bytes.indices, in: bytes, isPublic: true)
    }

    /// RSAPublicKey of RFC 8017, appendix A.1.1.
    internal static func readModulus(_ bytes: Span<UInt8>) -> OpaquePointer? {
        var outer = DERReader(bytes.indices)
        guard let content = outer.take(DERReader.sequence, in: bytes), outer.rest.isEmpty else { return nil }
        var reader = DERReader(content)
        guard let modulus = reader.takeNumber(in: bytes), let exponent = reader.takeNumber(in: bytes),
            reader.rest.isEmpty
        else { return nil }
        let numbers: [(name: StaticString, range: Range<Int>)] = [("n", modulus), ("e", exponent)]
        return unsafe make(.rsa, numbers, group: nil, point: nil, in: bytes, isPublic: true)
    }

    /// Parameters of keys. Static, because OpenSSL keeps pointers to names: that of a `String` is freed when the call ends.
    private static let groupName: StaticString = "group"
    private static let pointName: StaticString = "pub"

    private static func make(
        _ algorithm: Algorithm,
        _ numbers: [(name: StaticString, range: Range<Int>)],
        group: StaticString?,
        point: Range<Int>?,
        in bytes: Span<UInt8>,
        isPublic: Bool = false
    ) -> OpaquePointer? {
        // Sound: the builder reads names, numbers and bytes, which stay in place, until `build` is done.
        guard let builder = unsafe OSSL_PARAM_BLD_new() else { return nil }
        defer { unsafe OSSL_PARAM_BLD_free(builder) }
        var held: [OpaquePointer] = unsafe []
        defer { unsafe held.forEach { unsafe BN_clear_free($0) } }
        if let group, unsafe OSSL_PARAM_BLD_push_utf8_string(builder, groupName.cString, group.cString, 0) != 1 {
            return nil
        }
        for (name, range) in numbers {
            let number = unsafe bytes.extracting(range).withUnsafeBufferPointer {
                unsafe BN_bin2bn($0.baseAddress, Int32($0.count), nil)
            }
            guard let number = unsafe number else { return nil }
            unsafe held.append(number)
            if unsafe OSSL_PARAM_BLD_push_BN(builder, name.cString, number) != 1 { return nil }
        }
        return unsafe bytes.withUnsafeBufferPointer { all in
            if let point, let start = unsafe all.baseAddress?.advanced(by: point.lowerBound),
                unsafe OSSL_PARAM_BLD_push_octet_string(builder, pointName.cString, start, point.count) != 1
            {
                return nil
            }
            return unsafe build(algorithm, builder, isPublic: isPublic)
        }
    }
}
