/// Bytes looked at sixteen at a time, for what every head goes through.
extension Span where Element == UInt8 {
    /// The first byte below 0x20 or equal to 0x7F in `from..<to`, or `to`.
    @inlinable package func firstControl(from: Int, to: Int) -> Int {
        precondition(from >= 0 && from <= to && to <= count, "searched outside the input")
        // Sound: every load lies inside `from..<to`.
        return unsafe withUnsafeBytes { bytes in
            var index = from
            while index &+ 16 <= to {
                let block = unsafe bytes.loadUnaligned(fromByteOffset: index, as: SIMD16<UInt8>.self)
                let found = (block .< SIMD16(repeating: 0x20)) .| (block .== SIMD16(repeating: 0x7F))
                let place = ByteRun.first(found)
                if place < 16 { return index &+ place }
                index &+= 16
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
    @inlinable package func lowercaseName(at offset: Int) -> Int {
        precondition(offset >= 0 && offset <= count, "a name outside the buffer")
        reserve(16)
        var position = start &+ offset
        // Sound: 16 bytes beyond the end are reserved, so that a block that starts in front of it is ours. What it
        // reads beyond the end is written back as it was, and is not counted.
        while position < end {
            let block = unsafe base.loadUnaligned(fromByteOffset: position, as: SIMD16<UInt8>.self)
            let upper = (block &- SIMD16(repeating: 65)) .< SIMD16(repeating: 26)
            let lower = block.replacing(with: block | SIMD16(repeating: 32), where: upper)
            let letter = (lower &- SIMD16(repeating: 97)) .< SIMD16(repeating: 26)
            let digit = (block &- SIMD16(repeating: 48)) .< SIMD16(repeating: 10)
            let hyphen = block .== SIMD16(repeating: 45)
            let length = ByteRun.first(.!(letter .| digit .| hyphen))
            let inName = ByteRun.places .< SIMD16(repeating: UInt8(truncatingIfNeeded: length))
            unsafe base.storeBytes(
                of: block.replacing(with: lower, where: inName),
                toByteOffset: position,
                as: SIMD16<UInt8>.self
            )
            position &+= length
            if length < 16 { break }
        }
        return min(position, end) &- start
    }
}

/// What the scans above and the comparisons share.
@usableFromInline internal enum ByteRun {
    /// 0 to 15.
    @inlinable @inline(__always) static var places: SIMD16<UInt8> {
        SIMD16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
    }

    /// The first place where the mask holds, or 16.
    @inlinable @inline(__always) static func first(_ mask: SIMDMask<SIMD16<Int8>>) -> Int {
        // Sound: a mask is sixteen bytes, each all ones or all zeros.
        let words = unsafe unsafeBitCast(mask, to: SIMD2<UInt64>.self)
        if words[0] != 0 { return words[0].trailingZeroBitCount &>> 3 }
        return 8 &+ words[1].trailingZeroBitCount &>> 3
    }

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
