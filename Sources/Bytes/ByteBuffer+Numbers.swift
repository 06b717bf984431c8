/// Numbers as text. Two digits at a time: a table of all pairs costs less than a division for each digit.
extension ByteBuffer {
    /// Appends `number` in decimal.
    @inlinable public func append(decimal number: UInt64) {
        if number < 10 { return append(UInt8(truncatingIfNeeded: 48 + number)) }
        appendDigits(number, count: Self.decimalDigits(number))
    }

    /// Appends `number` in decimal, with a hyphen before it when it is below 0.
    @inlinable public func append(decimal number: Int) {
        if number < 0 {
            append(UInt8(ascii: "-"))
        }
        append(decimal: UInt64(number.magnitude))
    }

    /// Appends the last `digits` decimal digits of `number`, with zeros before it where it has fewer (1 to 20).
    public func append(decimal number: UInt64, digits: Int) {
        precondition(digits >= 1 && digits <= 20, "a number has 1 to 20 digits")
        appendDigits(number, count: digits)
    }

    /// Appends `number` in lower-case hexadecimal, with at least `minimumDigits` digits (1 to 16).
    public func append(hex number: UInt64, minimumDigits: Int = 1) {
        let digits = max(minimumDigits, (64 - number.leadingZeroBitCount + 3) / 4)
        reserve(16)
        var position = end + digits
        var rest = number
        while position - end >= 2 {
            position -= 2
            store(pair: Int(rest & 0xFF), of: Self.hexadecimalPairs, at: position)
            rest >>= 8
        }
        if position > end {
            // Sound: a nibble picks the second digit of one of the first 16 pairs.
            let last = unsafe Self.hexadecimalPairs.utf8Start[Int(rest & 15) * 2 + 1]
            unsafe base.storeBytes(of: last, toByteOffset: end, as: UInt8.self)
        }
        end += digits
    }

    @usableFromInline internal static func decimalDigits(_ number: UInt64) -> Int {
        var digits = 1
        var bound: UInt64 = 10
        while number >= bound {
            digits += 1
            if digits == 20 { break }
            bound &*= 10
        }
        return digits
    }

    @usableFromInline internal func appendDigits(_ number: UInt64, count: Int) {
        reserve(20)
        var position = end + count
        var rest = number
        while position - end >= 2 {
            position -= 2
            let (quotient, remainder) = rest.quotientAndRemainder(dividingBy: 100)
            store(pair: Int(remainder), of: Self.decimalPairs, at: position)
            rest = quotient
        }
        if position > end {
            let digit = UInt8(truncatingIfNeeded: 48 + rest % 10)
            unsafe base.storeBytes(of: digit, toByteOffset: end, as: UInt8.self)
        }
        end += count
    }

    /// Puts two digits of a table at `position`, which is reserved.
    @inline(__always) private func store(pair: Int, of table: StaticString, at position: Int) {
        // Sound: the table has every pair that a byte, or a remainder of 100, can pick.
        let digits = unsafe UnsafeRawPointer(table.utf8Start).loadUnaligned(fromByteOffset: pair * 2, as: UInt16.self)
        unsafe base.storeBytes(of: digits, toByteOffset: position, as: UInt16.self)
    }

    private static var decimalPairs: StaticString {
        """
        0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849\
        5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899
        """
    }

    private static var hexadecimalPairs: StaticString {
        """
        000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f3031\
        32333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f60616263\
        6465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f909192939495\
        969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7\
        c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9\
        fafbfcfdfeff
        """
    }
}
