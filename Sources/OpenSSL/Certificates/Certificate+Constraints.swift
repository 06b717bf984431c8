internal import COpenSSL

extension Certificate {
    /// Which names this CA may certify, of those that it permits; nil when it has no such bounds.
    package var nameConstraints: NameConstraints? {
        // Sound: the decoded extension is ours until NAME_CONSTRAINTS_free; its strings are copied before.
        guard let raw = unsafe X509_get_ext_d2i(handle, NID_name_constraints, nil, nil) else { return nil }
        let decoded = unsafe raw.assumingMemoryBound(to: NAME_CONSTRAINTS.self)
        defer { unsafe NAME_CONSTRAINTS_free(decoded) }
        var found = NameConstraints()
        guard let permitted = unsafe decoded.pointee.permittedSubtrees else { return found }
        for index in 0..<max(0, unsafe OPENSSL_sk_num(permitted)) {
            guard let entry = unsafe OPENSSL_sk_value(permitted, index) else { continue }
            let base = unsafe entry.assumingMemoryBound(to: GENERAL_SUBTREE.self).pointee.base
            var type: Int32 = 0
            guard let value = unsafe GENERAL_NAME_get0_value(base, &type), type == GEN_DNS || type == GEN_IPADD else {
                continue
            }
            let string = unsafe value.assumingMemoryBound(to: ASN1_STRING.self)
            let bytes = unsafe Array(
                UnsafeBufferPointer(start: ASN1_STRING_get0_data(string), count: Int(ASN1_STRING_length(string)))
            )
            if type == GEN_DNS {
                found.domains.append(String(decoding: bytes, as: UTF8.self).lowercased())
            } else if bytes.count == 8 || bytes.count == 32 {
                let half = bytes.count / 2
                let prefix = bytes[half...].reduce(0) { $0 + $1.nonzeroBitCount }
                found.networks.append(.init(address: Array(bytes[..<half]), prefix: prefix))
            }
        }
        return found
    }
}
