/// A whole number with its unit: what durations and sizes have in common.
enum Quantity {
    /// Splits `8 KiB` or `8KiB` into its number and its unit, which may be empty.
    ///
    /// - Parameter example: a well-formed value, for the help.
    static func split(_ text: String, example: String) throws(ValueFault) -> (number: Int, unit: String) {
        let digits = text.prefix { ("0"..."9").contains($0) }
        guard !digits.isEmpty else {
            throw ValueFault("does not begin with a whole number", help: "write it like `\(example)`")
        }
        guard let number = Int(digits) else { throw ValueFault("is too large") }
        var unit = text[digits.endIndex...]
        if let next = unit.first, ".,".contains(next) {
            throw ValueFault("is no whole number", help: "write it in a smaller unit, like `\(example)`")
        }
        if unit.first == " " { unit.removeFirst() }
        return (number, String(unit))
    }

    /// The number times the unit's worth.
    static func product(_ number: Int, _ unit: Int) throws(ValueFault) -> Int {
        let (result, overflow) = number.multipliedReportingOverflow(by: unit)
        guard !overflow else { throw ValueFault("is too large") }
        return result
    }
}
