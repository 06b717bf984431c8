extension Duration {
    /// Units and their milliseconds, the largest first.
    static let siteUnits: [(name: String, milliseconds: Int)] = [
        ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
    ]

    /// Reads a duration as a site file writes it: `250ms`, `2s`, `5m`, `1h`, `365d`.
    init(siteText text: String) throws(ValueFault) {
        let (number, unit) = try Quantity.split(text, example: "2s")
        guard let milliseconds = Self.siteUnits.first(where: { $0.name == unit })?.milliseconds else {
            guard unit.isEmpty else {
                throw ValueFault("has an unknown unit", help: "the units are ms, s, m, h and d")
            }
            throw ValueFault("has no unit", help: "write `\(number)s` or `\(number)ms`")
        }
        self = .milliseconds(try Quantity.product(number, milliseconds))
    }

    /// As a site file writes it, in the largest unit that leaves a whole number.
    package var siteText: String {
        let total = Int(clamping: milliseconds)
        let unit = Self.siteUnits.first { total % $0.milliseconds == 0 && total >= $0.milliseconds } ?? ("s", 1000)
        return "\(total / unit.milliseconds)\(unit.name)"
    }

    /// Whole milliseconds, rounded up so that nothing above zero becomes zero; 0 for what is negative.
    package var milliseconds: UInt64 {
        let (seconds, attoseconds) = components
        if seconds < 0 { return 0 }
        let (whole, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1000)
        return overflow ? .max >> 12 : whole + UInt64((attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    }
}
