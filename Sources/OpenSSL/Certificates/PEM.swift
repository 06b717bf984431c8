internal import COpenSSL

/// The blocks of a PEM file (RFC 7468), each decoded to bytes that are wiped when they go.
internal struct PEMBlock {
    /// The label, such as CERTIFICATE.
    let label: String
    /// The block has RFC 1421 headers that say it is encrypted.
    let isEncrypted: Bool
    let contents: KeyMaterial

    /// All blocks in order. Text around them is passed over, as everyone does; a block that is cut short or damaged is
    /// not, since what is left out of a chain is missed by clients.
    ///
    /// - Parameter binary: what to throw when the bytes are DER, and no PEM.
    static func all(
        in pem: Span<UInt8>,
        ifBinary binary: CertificateError
    ) throws(CertificateError) -> [PEMBlock] {
        var reader = DERReader(pem.indices)
        if reader.take(DERReader.sequence, in: pem) != nil, reader.rest.isEmpty { throw binary }
        let (blocks, isWhole) = read(pem)
        guard isWhole else { throw .damagedBlock(number: blocks.count + 1) }
        return blocks
    }

    /// - Returns: the blocks up to the end, or up to one that cannot be read.
    private static func read(_ pem: Span<UInt8>) -> (blocks: [PEMBlock], isWhole: Bool) {
        if pem.isEmpty { return ([], true) }
        guard pem.count <= Int(Int32.max) else { return ([], false) }
        // Sound: the BIO reads from `pem` and is gone before this returns; the three results are ours to free.
        return unsafe pem.withUnsafeBytes { input in
            guard let bio = unsafe BIO_new_mem_buf(input.baseAddress, Int32(input.count)) else { return ([], false) }
            defer { unsafe BIO_free(bio) }
            var blocks: [PEMBlock] = []
            var label: UnsafeMutablePointer<CChar>?
            var header: UnsafeMutablePointer<CChar>?
            var data: UnsafeMutablePointer<UInt8>?
            var count = 0
            while unsafe PEM_read_bio(bio, &label, &header, &data, &count) == 1 {
                if let label = unsafe label, let header = unsafe header, let data = unsafe data {
                    unsafe blocks.append(
                        PEMBlock(
                            label: String(cString: label),
                            isEncrypted: unsafe strstr(header, "ENCRYPTED") != nil,
                            contents: KeyMaterial(copying: UnsafeRawBufferPointer(start: data, count: count))
                        )
                    )
                    unsafe OPENSSL_cleanse(data, count)
                }
                unsafe CRYPTO_free(label, nil, 0)
                unsafe CRYPTO_free(header, nil, 0)
                unsafe CRYPTO_free(data, nil, 0)
            }
            let isWhole = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE
            ERR_clear_error()
            return (blocks, isWhole)
        }
    }
}
