/// Reads runs of bytes that are each preceded by their length (4 bytes, big endian).
internal struct RecordReader {
    /// Where the next length begins.
    private(set) var position: Int

    init(position: Int) {
        self.position = position
    }

    /// Where the next run is in `bytes`; nil when they end before it does.
    mutating func next(in bytes: Span<UInt8>) -> Range<Int>? {
        guard bytes.count - position >= 4 else { return nil }
        var length = 0
        for index in position..<(position + 4) { length = length << 8 | Int(bytes[index]) }
        let first = position + 4
        guard length <= bytes.count - first else { return nil }
        position = first + length
        return first..<position
    }
}
