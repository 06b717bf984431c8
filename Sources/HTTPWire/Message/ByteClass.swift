/// Classes of bytes that HTTP's grammar is made of, as bit tests on two words: nothing to initialise.
extension UInt8 {
    /// A character of a token: method, field name, connection option (RFC 9110 section 5.6.2).
    @inline(__always) var isToken: Bool {
        // ! # $ % & ' * + - . 0-9, then A-Z ^ _ ` a-z | ~
        isIn(low: 0x03FF_6CFA_0000_0000, high: 0x57FF_FFFF_C7FF_FFFE)
    }

    /// An unreserved character of a URI: letters, digits, `-._~` (RFC 3986 section 2.3).
    @inline(__always) var isUnreserved: Bool {
        isIn(low: 0x03FF_6000_0000_0000, high: 0x47FF_FFFE_87FF_FFFE)
    }

    /// An unreserved character or a sub-delimiter, `!$&'()*+,;=` (RFC 3986 section 2.2): a host name's characters.
    @inline(__always) var isRegName: Bool {
        isIn(low: 0x2BFF_7FD2_0000_0000, high: 0x47FF_FFFE_87FF_FFFE)
    }

    /// Space or horizontal tab (RFC 9110 section 5.6.3).
    @inline(__always) var isWhiteSpace: Bool { self == 0x20 || self == 0x09 }

    @inline(__always) var isDigit: Bool { self &- 0x30 < 10 }

    /// The value of a hexadecimal digit of either case, or nil.
    @inline(__always) var hexValue: UInt8? {
        if self &- 0x30 < 10 { return self &- 0x30 }
        let letter = (self | 0x20) &- 0x61
        return letter < 6 ? letter + 10 : nil
    }

    @inline(__always) private func isIn(low: UInt64, high: UInt64) -> Bool {
        guard self < 128 else { return false }
        return (self < 64 ? low : high) &>> UInt64(self & 63) & 1 != 0
    }
}

extension Span where Element == UInt8 {
    /// Not empty, and every byte is a token's (RFC 9110 section 5.6.2).
    var isToken: Bool {
        for index in indices where !self[index].isToken { return false }
        return !isEmpty
    }

    /// `range` without the spaces and tabs at its edges.
    func trimmed(_ range: Range<Int>) -> Range<Int> {
        var first = range.lowerBound
        var last = range.upperBound
        while first < last && self[first].isWhiteSpace { first += 1 }
        while last > first && self[last - 1].isWhiteSpace { last -= 1 }
        return first..<last
    }
}
