/// Bytes looked at eight at a time in one word, for what every head goes through. Swift's SIMD types are no help here:
/// their comparisons come out as a loop over the lanes.
extension Span where Element == UInt8 {
    /// The first byte below 0x20 or equal to 0x7F in `from..<to`, or `to`.
    @inlinable public func firstControl(from: Int, to: Int) -> Int {
        precondition(from >= 0 && from <= to && to <= count, "searched outside the input")
        // Sound: every load lies inside `from..<to`.
        return unsafe withUnsafeBytes { bytes in
            var index = from
            while index &+ 8 <= to {
                let word = unsafe bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                // The lowest bit set marks the first match; borrows can only make false ones above it.
                let belowSpace = (word &- ByteWord.of(0x20)) & ~word
                let delete = word ^ ByteWord.of(0x7F)
                let equalsDelete = (delete &- ByteWord.of(0x01)) & ~delete
                let matches = (belowSpace | equalsDelete) & ByteWord.of(0x80)
                if matches != 0 { return index &+ matches.trailingZeroBitCount &>> 3 }
                index &+= 8
            }
            while index < to {
                let byte = unsafe bytes[index]
                if byte < 0x20 || byte == 0x7F { return index }
                index &+= 1
            }
            return to
        }
    }
}

extension ByteBuffer {
    /// Turns the upper-case letters of a name into lower case where it lies, up to the first byte that is no ASCII
    /// letter, digit or hyphen.
    ///
    /// - Parameter offset: where the name starts, counted from the start of `readable`.
    /// - Returns: the offset of that first other byte, or `count`.
    @inlinable public func lowercaseName(at offset: Int) -> Int {
        precondition(offset >= 0 && offset <= count, "a name outside the buffer")
        reserve(8)
        var position = start &+ offset
        // Sound: 8 bytes beyond the end are reserved, so that a word that starts in front of it is ours. What it
        // reads beyond the end is written back as it was, and is not counted.
        while position < end {
            let word = unsafe base.loadUnaligned(fromByteOffset: position, as: UInt64.self)
            let upper = ByteWord.within(word, from: UInt8(ascii: "A"), to: UInt8(ascii: "Z"))
            let lower = word | upper &>> 2
            let named =
                ByteWord.within(lower, from: UInt8(ascii: "a"), to: UInt8(ascii: "z"))
                | ByteWord.within(word, from: UInt8(ascii: "0"), to: UInt8(ascii: "9"))
                | ByteWord.within(word, from: UInt8(ascii: "-"), to: UInt8(ascii: "-"))
            let others = ~named & ByteWord.of(0x80)
            let length = others.trailingZeroBitCount &>> 3
            // The case bit of what lies behind the name stays as it is.
            let inName = length == 8 ? ~0 : (1 as UInt64) &<< UInt64(length &* 8) &- 1
            unsafe base.storeBytes(of: word | upper &>> 2 & inName, toByteOffset: position, as: UInt64.self)
            position &+= length
            if length < 8 { break }
        }
        return min(position, end) &- start
    }
}

/// Eight bytes in a word, each of which is looked at by itself.
@usableFromInline internal enum ByteWord {
    /// The same byte eight times.
    @inlinable @inline(__always) static func of(_ byte: UInt8) -> UInt64 { 0x0101_0101_0101_0101 &* UInt64(byte) }

    /// The high bit of each byte that lies in a range of ASCII.
    @inlinable @inline(__always) static func within(_ word: UInt64, from first: UInt8, to last: UInt8) -> UInt64 {
        // Without their high bits no sum runs over into the byte above.
        let low = word & of(0x7F)
        let reaches = low &+ of(0x80 &- first)
        let exceeds = low &+ of(0x7F &- last)
        return reaches & ~exceeds & ~word & of(0x80)
    }
}

/// What the comparisons share.
@usableFromInline internal enum ByteRun {
    /// Whether two runs of `count` bytes are the same: by words, the last of which overlaps the one before it.
    @inlinable @unsafe static func areEqual(_ a: UnsafeRawPointer, _ b: UnsafeRawPointer, count: Int) -> Bool {
        if count >= 8 {
            var index = 0
            while index &+ 8 <= count {
                let (x, y) = unsafe (
                    a.loadUnaligned(fromByteOffset: index, as: UInt64.self),
                    b.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                )
                if x != y { return false }
                index &+= 8
            }
            let (x, y) = unsafe (
                a.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self),
                b.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self)
            )
            return x == y
        }
        if count >= 4 {
            let (x, y) = unsafe (
                a.loadUnaligned(as: UInt32.self), b.loadUnaligned(as: UInt32.self)
            )
            let (v, w) = unsafe (
                a.loadUnaligned(fromByteOffset: count &- 4, as: UInt32.self),
                b.loadUnaligned(fromByteOffset: count &- 4, as: UInt32.self)
            )
            return x == y && v == w
        }
        for index in 0..<count {
            let x = unsafe a.load(fromByteOffset: index, as: UInt8.self)
            let y = unsafe b.load(fromByteOffset: index, as: UInt8.self)
            if x != y { return false }
        }
        return true
    }
}
