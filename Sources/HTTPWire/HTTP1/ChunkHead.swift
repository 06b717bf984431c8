import Bytes

/// `chunk-size [chunk-ext]` (RFC 9112 section 7.1): hexadecimal digits, then nothing or `;` and whatever.
struct ChunkHead {
    /// Bytes of data; 0 for the last chunk.
    let size: UInt64
    /// Bytes of extensions, which are dropped.
    let extensionBytes: Int

    static func parse(_ line: Span<UInt8>) -> Result<ChunkHead, RefusalReason> {
        var index = 0
        var size: UInt64 = 0
        while index < line.count, let digit = line[index].hexValue {
            // Sixteen digits hold every size, so more of them are zeros to no purpose.
            guard index < 16 else { return .failure(.chunkSizeOverflow) }
            size = size << 4 | UInt64(digit)
            index += 1
        }
        guard index > 0 else { return .failure(.invalidChunkSize) }
        guard size <= UInt64(Int64.max) else { return .failure(.chunkSizeOverflow) }
        let extensionBytes = line.count - index
        if extensionBytes > 0 {
            while index < line.count && line[index].isWhiteSpace { index += 1 }
            guard index < line.count && line[index] == UInt8(ascii: ";") else { return .failure(.invalidChunkSize) }
        }
        return .success(ChunkHead(size: size, extensionBytes: extensionBytes))
    }
}
