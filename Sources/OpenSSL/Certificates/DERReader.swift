/// Reads the elements of a DER structure (X.690) one after another, by their places in the bytes. Of the tags it knows
/// those of one byte, of the lengths those below 2^24: private keys have no others.
internal struct DERReader {
    static let integer: UInt8 = 0x02
    static let bitString: UInt8 = 0x03
    static let octetString: UInt8 = 0x04
    static let objectIdentifier: UInt8 = 0x06
    static let sequence: UInt8 = 0x30

    /// What is left.
    private(set) var rest: Range<Int>

    init(_ range: Range<Int>) {
        rest = range
    }

    /// The tag of the next element; nil at the end.
    func tag(in bytes: Span<UInt8>) -> UInt8? { rest.isEmpty ? nil : bytes[rest.lowerBound] }

    /// The contents of the next element, when it has this tag and is whole.
    mutating func take(_ tag: UInt8, in bytes: Span<UInt8>) -> Range<Int>? {
        guard rest.count >= 2, bytes[rest.lowerBound] == tag else { return nil }
        var place = rest.lowerBound + 2
        var length = Int(bytes[rest.lowerBound + 1])
        if length >= 0x80 {
            let count = length - 0x80
            guard (1...3).contains(count), rest.upperBound - place >= count else { return nil }
            length = 0
            for _ in 0..<count {
                length = length << 8 | Int(bytes[place])
                place += 1
            }
        }
        guard length <= rest.upperBound - place else { return nil }
        rest = (place + length)..<rest.upperBound
        return place..<(place + length)
    }

    /// An integer that is not negative, without zeros before it.
    mutating func takeNumber(in bytes: Span<UInt8>) -> Range<Int>? {
        guard var range = take(Self.integer, in: bytes), !range.isEmpty, bytes[range.lowerBound] < 0x80 else {
            return nil
        }
        while range.count > 1, bytes[range.lowerBound] == 0 { range = (range.lowerBound + 1)..<range.upperBound }
        return range
    }
}
