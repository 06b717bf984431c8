internal import COpenSSL

/// Distinguished names as text.
internal enum Name {
    /// RFC 2253's form, such as `CN=alice,O=Example`. Characters outside of ASCII are escaped.
    static func text(_ name: OpaquePointer?) -> String {
        // Sound: the BIO is ours, and freed here.
        guard let name = unsafe name, let bio = unsafe BIO_new(BIO_s_mem()) else { return "" }
        defer { unsafe BIO_free(bio) }
        unsafe X509_NAME_print_ex(bio, name, 0, GH_XN_FLAG_RFC2253)
        return unsafe MemoryBIO.text(bio)
    }
}

/// The contents of a BIO_s_mem.
internal enum MemoryBIO {
    static func bytes(_ bio: OpaquePointer) -> [UInt8] {
        var data: UnsafeMutableRawPointer?
        // Sound: BIO_CTRL_INFO gives the BIO's own memory, copied at once.
        let count = unsafe BIO_ctrl(bio, BIO_CTRL_INFO, 0, &data)
        return unsafe Array(UnsafeRawBufferPointer(start: data, count: max(0, count)))
    }

    static func text(_ bio: OpaquePointer) -> String {
        String(decoding: unsafe bytes(bio), as: UTF8.self)
    }
}
