internal import Bytes
internal import COpenSSL

/// Keys between processes of one machine: the parameters that OpenSSL's providers take, which cost
/// 55 µs to load, where a search through its decoders for PEM or DER costs 1.4 ms.
///
/// Format: the algorithm (1 byte), then for each parameter of its table the length (4 bytes, big
/// endian, 0 when the key has none) and the value as OpenSSL has it.
extension PrivateKey {
    private struct Parameter {
        enum Kind { case number, text, octets }

        /// Static, because OpenSSL keeps pointers to names.
        let name: StaticString
        let kind: Kind
    }

    private static func parameters(of algorithm: Algorithm) -> [Parameter] {
        switch algorithm {
        case .ecdsa:
            [
                Parameter(name: "group", kind: .text), Parameter(name: "pub", kind: .octets),
                Parameter(name: "priv", kind: .number),
            ]
        case .rsa:
            [
                Parameter(name: "n", kind: .number), Parameter(name: "e", kind: .number),
                Parameter(name: "d", kind: .number), Parameter(name: "rsa-factor1", kind: .number),
                Parameter(name: "rsa-factor2", kind: .number), Parameter(name: "rsa-exponent1", kind: .number),
                Parameter(name: "rsa-exponent2", kind: .number), Parameter(name: "rsa-coefficient1", kind: .number),
            ]
        case .ed25519:
            [Parameter(name: "pub", kind: .octets), Parameter(name: "priv", kind: .octets)]
        }
    }

    /// The whole key as bytes, for another process.
    package func serialized() throws(OpenSSLError) -> KeyMaterial {
        if let plain { return plain.serialized }
        var exported: UnsafeMutablePointer<OSSL_PARAM>?
        // Sound: OpenSSL's copies are ours to read, and wiped and freed here.
        guard unsafe EVP_PKEY_todata(handle, GH_EVP_PKEY_KEYPAIR, &exported) == 1 else {
            throw .drained("export the key")
        }
        defer { unsafe PrivateKey.wipeAndFree(exported) }
        // Large enough for RSA with 16,384 bits, and so never grows and leaves a copy behind; all of it is wiped each time.
        let buffer = ByteBuffer(capacity: 16_384)
        defer { buffer.wipe() }
        buffer.append(algorithm.rawValue)
        for parameter in PrivateKey.parameters(of: algorithm) {
            let found = unsafe OSSL_PARAM_locate_const(exported, parameter.name.cString)
            let value = unsafe UnsafeRawBufferPointer(start: found?.pointee.data, count: found?.pointee.data_size ?? 0)
            if value.count + 4 > buffer.spare { throw OpenSSLError("export the key", reason: "it is too large") }
            for shift in [24, 16, 8, 0] { buffer.append(UInt8(truncatingIfNeeded: value.count >> shift)) }
            unsafe buffer.append(Span(_unsafeElements: value.assumingMemoryBound(to: UInt8.self)))
        }
        return KeyMaterial(copying: buffer.readable)
    }

    /// The same of a key for ECDSA.
    ///
    /// - Parameter secret: where the private number is, big endian.
    internal static func serialized(
        curve: StaticString,
        _ point: [UInt8],
        _ secret: Range<Int>,
        in bytes: Span<UInt8>
    ) -> KeyMaterial {
        let name = Array(curve.description.utf8)
        // As large as needed, so that it does not grow and leave a copy behind.
        let buffer = ByteBuffer(capacity: 13 + name.count + point.count + secret.count)
        defer { buffer.wipe() }
        func append(length: Int) {
            for shift in [24, 16, 8, 0] { buffer.append(UInt8(truncatingIfNeeded: length >> shift)) }
        }
        buffer.append(Algorithm.ecdsa.rawValue)
        for value in [name, point] {
            append(length: value.count)
            buffer.append(value)
        }
        append(length: secret.count)
        // OpenSSL has numbers in the order of the machine.
        let isReversed = 1.littleEndian == 1
        for index in 0..<secret.count {
            buffer.append(bytes[isReversed ? secret.upperBound - 1 - index : secret.lowerBound + index])
        }
        return KeyMaterial(copying: buffer.readable)
    }

    private static func wipeAndFree(_ parameters: UnsafeMutablePointer<OSSL_PARAM>?) {
        guard var cursor = unsafe parameters else { return }
        while unsafe cursor.pointee.key != nil {
            if let data = unsafe cursor.pointee.data { unsafe OPENSSL_cleanse(data, cursor.pointee.data_size) }
            unsafe cursor = cursor.advanced(by: 1)
        }
        unsafe OSSL_PARAM_free(parameters)
    }

    /// A key that another process serialised.
    package convenience init(serialized bytes: Span<UInt8>) throws(CertificateError) {
        guard let key = unsafe PrivateKey.object(serialized: bytes) else { throw .malformedBundle }
        unsafe try self.init(owning: key)
    }

    /// - Returns: an EVP_PKEY that is the caller's; nil for what is no key in that form.
    internal static func object(serialized bytes: Span<UInt8>) -> OpaquePointer? {
        guard bytes.count > 1, let algorithm = Algorithm(rawValue: bytes[0]) else { return nil }
        var reader = RecordReader(position: 1)
        // Sound: the builder reads the values, which stay in place, until `build` is done.
        guard let builder = unsafe OSSL_PARAM_BLD_new() else { return nil }
        defer { unsafe OSSL_PARAM_BLD_free(builder) }
        var numbers: [OpaquePointer] = unsafe []
        defer { unsafe numbers.forEach { unsafe BN_clear_free($0) } }
        for parameter in PrivateKey.parameters(of: algorithm) {
            guard let range = reader.next(in: bytes) else { return nil }
            if range.isEmpty { continue }
            let name = unsafe parameter.name.cString
            let value = bytes.extracting(range)
            let pushed = unsafe value.withUnsafeBytes { value -> Int32 in
                switch parameter.kind {
                case .number:
                    let octets = unsafe value.assumingMemoryBound(to: UInt8.self).baseAddress
                    guard let number = unsafe BN_native2bn(octets, Int32(value.count), nil) else { return 0 }
                    unsafe numbers.append(number)
                    return unsafe OSSL_PARAM_BLD_push_BN(builder, name, number)
                case .text:
                    let text = unsafe value.assumingMemoryBound(to: CChar.self).baseAddress
                    return unsafe OSSL_PARAM_BLD_push_utf8_string(builder, name, text, value.count)
                case .octets:
                    return unsafe OSSL_PARAM_BLD_push_octet_string(builder, name, value.baseAddress, value.count)
                }
            }
            if pushed != 1 { return nil }
        }
        guard reader.position == bytes.count, let key = unsafe build(algorithm, builder) else {
            ERR_clear_error()
            return nil
        }
        return unsafe key
    }

    /// - Parameter isPublic: there is a public half alone.
    internal static func build(
        _ algorithm: Algorithm,
        _ builder: OpaquePointer,
        isPublic: Bool = false
    ) -> OpaquePointer? {
        // Sound: all three are ours; the key goes to the caller.
        guard let parameters = unsafe OSSL_PARAM_BLD_to_param(builder) else { return nil }
        defer { unsafe wipeAndFree(parameters) }
        let context = unsafe EVP_PKEY_CTX_new_from_name(nil, algorithm.providerName.cString, nil)
        defer { unsafe EVP_PKEY_CTX_free(context) }
        var key: OpaquePointer?
        let halves = isPublic ? GH_EVP_PKEY_PUBLIC_KEY : GH_EVP_PKEY_KEYPAIR
        guard unsafe EVP_PKEY_fromdata_init(context) == 1,
            unsafe EVP_PKEY_fromdata(context, &key, halves, parameters) == 1
        else { return nil }
        return unsafe key
    }
}

extension PrivateKey.Algorithm {
    /// As OpenSSL's providers call it.
    fileprivate var providerName: StaticString {
        switch self {
        case .ecdsa: "EC"
        case .rsa: "RSA"
        case .ed25519: "ED25519"
        }
    }
}
