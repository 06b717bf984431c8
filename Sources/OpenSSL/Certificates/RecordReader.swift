/// Reads numbers of 4 bytes, big endian, and runs of bytes that are each preceded by their length as such a number.
internal struct RecordReader {
    /// Where the next number begins.
    private(set) var position: Int

    init(position: Int) {
        self.position = position
    }

    /// The next number; nil when the bytes end before it does.
    mutating func number(in bytes: Span<UInt8>) -> Int? {
        guard bytes.count - position >= 4 else { return nil }
        var number = 0
        for index in position..<(position + 4) { number = number << 8 | Int(bytes[index]) }
        position += 4
        return number
    }

    /// Where the next run is in `bytes`; nil when they end before it does.
    mutating func next(in bytes: Span<UInt8>) -> Range<Int>? {
        let before = position
        guard let length = number(in: bytes), length <= bytes.count - position else {
            position = before
            return nil
        }
        let first = position
        position += length
        return first..<position
    }
}
