internal import Bytes
internal import COpenSSL

extension Certificate {
    /// The DNS names of subjectAltName, in lower case, in order; a wildcard begins with `*.`.
    package var dnsNames: [String] {
        alternativeNames { type, bytes in
            guard type == GEN_DNS else { return nil }
            let wildcard = bytes.count > 2 && bytes[0] == UInt8(ascii: "*") && bytes[1] == UInt8(ascii: ".")
            let rest = wildcard ? bytes.extracting(2..<bytes.count) : bytes
            guard let name = ServerNameExtension.normalized(rest) else { return nil }
            return (wildcard ? "*." : "") + String(decoding: name, as: UTF8.self)
        }
    }

    /// The addresses of subjectAltName: 4 or 16 bytes each.
    package var addresses: [[UInt8]] {
        alternativeNames { type, bytes in type == GEN_IPADD ? bytes.array : nil }
    }

    private func alternativeNames<T>(_ pick: (Int32, Span<UInt8>) -> T?) -> [T] {
        // Sound: the decoded extension is ours until GENERAL_NAMES_free; its strings are read before.
        guard let names = unsafe X509_get_ext_d2i(contents, NID_subject_alt_name, nil, nil) else { return [] }
        let stack = OpaquePointer(names)
        defer { unsafe GENERAL_NAMES_free(stack) }
        var found: [T] = []
        for index in 0..<max(0, unsafe OPENSSL_sk_num(stack)) {
            guard let name = unsafe OPENSSL_sk_value(stack, index)?.assumingMemoryBound(to: GENERAL_NAME.self) else {
                continue
            }
            var type: Int32 = 0
            guard let value = unsafe GENERAL_NAME_get0_value(name, &type), type == GEN_DNS || type == GEN_IPADD else {
                continue
            }
            let string = unsafe value.assumingMemoryBound(to: ASN1_STRING.self)
            guard let data = unsafe ASN1_STRING_get0_data(string) else { continue }
            let bytes = unsafe Span(_unsafeStart: data, count: Int(ASN1_STRING_length(string)))
            if let picked = pick(type, bytes) { found.append(picked) }
        }
        return found
    }
}
