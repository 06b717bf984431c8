import Bytes

/// A host with an optional port, as Host, `:authority` and an absolute URI write it
/// (RFC 3986 section 3.2, RFC 9110 section 7.2). Positions are those of the text it was read from.
///
/// Stricter than the RFC where its freedom serves nobody: the host is not empty, a colon is followed
/// by a port, user information is refused (RFC 9110 section 4.2.4), and so are IPvFuture and zone identifiers.
package struct Authority: Equatable, Sendable {
    /// A registered name, an IPv4 address, or an IPv6 address with its brackets.
    package let host: Range<Int>
    /// The port, or nil when none was named.
    package let port: UInt16?

    /// Reads `text` whole; nil when it is not an authority.
    package init?(_ text: Span<UInt8>) {
        guard !text.isEmpty else { return nil }
        var end = 0
        if text[0] == UInt8(ascii: "[") {
            guard let bracket = text.firstIndex(of: UInt8(ascii: "]")),
                IPv6Literal.isValid(text.extracting(1..<bracket))
            else { return nil }
            end = bracket + 1
        } else {
            guard let colon = Self.endOfRegName(text), colon > 0 else { return nil }
            end = colon
        }
        host = 0..<end
        if end == text.count {
            port = nil
        } else {
            guard text[end] == UInt8(ascii: ":"), let number = Self.port(text.extracting((end + 1)..<text.count)) else {
                return nil
            }
            port = number
        }
    }

    /// Where the registered name ends: at the colon or at the end. Nil for a character that it cannot hold.
    private static func endOfRegName(_ text: Span<UInt8>) -> Int? {
        var index = 0
        while index < text.count {
            let byte = text[index]
            if byte.isRegName {
                index += 1
            } else if byte == UInt8(ascii: "%") {
                guard index + 2 < text.count, text[index + 1].hexValue != nil, text[index + 2].hexValue != nil else {
                    return nil
                }
                index += 3
            } else {
                return byte == UInt8(ascii: ":") ? index : nil
            }
        }
        return index
    }

    /// 0 to 65535 in one to five digits.
    private static func port(_ digits: Span<UInt8>) -> UInt16? {
        guard digits.count >= 1 && digits.count <= 5 else { return nil }
        var number = 0
        for index in digits.indices {
            guard digits[index].isDigit else { return nil }
            number = number * 10 + Int(digits[index] - 0x30)
        }
        return UInt16(exactly: number)
    }
}
