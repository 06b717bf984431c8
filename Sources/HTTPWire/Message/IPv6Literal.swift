import Bytes

/// The text of an IPv6 address (RFC 3986 section 3.2.2, RFC 4291 section 2.2), without brackets or zone.
enum IPv6Literal {
    static func isValid(_ text: Span<UInt8>) -> Bool {
        var index = 0
        var groups = 0
        var compressed = false
        if text.count >= 2 && text[0] == UInt8(ascii: ":") {
            guard text[1] == UInt8(ascii: ":") else { return false }
            compressed = true
            index = 2
        }
        while index < text.count {
            let start = index
            while index < text.count && text[index].hexValue != nil { index += 1 }
            if index < text.count && text[index] == UInt8(ascii: ".") {
                guard isIPv4(text.extracting(start..<text.count)) else { return false }
                groups += 2
                break
            }
            guard index - start >= 1 && index - start <= 4 else { return false }
            groups += 1
            if index == text.count { break }
            guard text[index] == UInt8(ascii: ":"), index + 1 < text.count else { return false }
            index += 1
            if text[index] == UInt8(ascii: ":") {
                guard !compressed else { return false }
                compressed = true
                index += 1
            }
        }
        return compressed ? groups <= 7 : groups == 8
    }

    /// Four numbers of 0 to 255 without leading zeros.
    private static func isIPv4(_ text: Span<UInt8>) -> Bool {
        var index = 0
        for part in 0..<4 {
            if part > 0 {
                guard index < text.count && text[index] == UInt8(ascii: ".") else { return false }
                index += 1
            }
            let start = index
            var number = 0
            while index < text.count && text[index].isDigit && index - start < 3 {
                number = number * 10 + Int(text[index] - 0x30)
                index += 1
            }
            guard index > start && number <= 255 && (index - start == 1 || text[start] != 0x30) else { return false }
        }
        return index == text.count
    }
}
