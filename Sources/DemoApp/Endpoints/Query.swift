import Bytes

/// The query of a request target: `name=value` pairs with `&` between them. Nothing here needs percent-decoding.
internal struct Query: ~Escapable {
    private let text: Span<UInt8>

    @_lifetime(copy text)
    init(_ text: Span<UInt8>) {
        self.text = text
    }

    /// The number that the first pair of this name gives; `value` when there is none; nil when it is no number or
    /// too large.
    func number(_ name: StaticString, default value: UInt64, atMost limit: UInt64) -> UInt64? {
        var start = 0
        while start < text.count {
            let end = text.firstIndex(of: UInt8(ascii: "&"), from: start) ?? text.count
            let pair = text.extracting(start..<end)
            let equals = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.count
            if pair.extracting(0..<equals).equals(name) {
                return Decimal.read(pair.extracting(min(equals + 1, pair.count)..<pair.count), atMost: limit)
            }
            start = end + 1
        }
        return value
    }
}

/// Whole numbers as clients write them.
internal enum Decimal {
    /// - Returns: nil for anything but digits, for none, and for more than `limit`.
    static func read(_ text: Span<UInt8>, atMost limit: UInt64) -> UInt64? {
        guard text.count > 0 else { return nil }
        var number: UInt64 = 0
        for index in 0..<text.count {
            let digit = text[index] &- 48
            guard digit < 10 else { return nil }
            let (tens, isTooLarge) = number.multipliedReportingOverflow(by: 10)
            let (sum, overflows) = tens.addingReportingOverflow(UInt64(digit))
            guard !isTooLarge, !overflows, sum <= limit else { return nil }
            number = sum
        }
        return number
    }
}
