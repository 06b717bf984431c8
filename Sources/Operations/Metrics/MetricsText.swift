/// Writes the text exposition format 0.0.4 of Prometheus: families with their HELP and TYPE, then samples.
internal struct MetricsText {
    internal private(set) var text = ""

    enum Kind: String {
        case counter, gauge, histogram
    }

    /// Label names are the program's own; values are escaped.
    typealias Label = (name: StaticString, value: String)

    /// A family of counters or gauges with one sample.
    mutating func single(_ kind: Kind, _ name: String, _ help: String, _ value: UInt64) {
        family(kind, name, help) { $0.sample(name, [], value) }
    }

    /// A family whose samples `body` writes, all under `name` or, for a histogram, its derived names.
    mutating func family(_ kind: Kind, _ name: String, _ help: String, _ body: (inout MetricsText) -> Void) {
        text += "# HELP \(name) \(Self.escapedHelp(help))\n# TYPE \(name) \(kind.rawValue)\n"
        body(&self)
    }

    mutating func sample(_ name: String, _ labels: [Label], _ value: UInt64) {
        sample(name, labels, value: String(value))
    }

    mutating func sample(_ name: String, _ labels: [Label], _ value: Double) {
        sample(name, labels, value: Self.number(value))
    }

    /// A number as Go's strconv reads it, whole ones without a point.
    private static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
        return Int64(exactly: value).map { String($0) } ?? String(value)
    }

    /// The series of a histogram.
    ///
    /// - Parameters:
    ///   - bounds: upper bounds in microseconds, rising.
    ///   - counts: observations in each bucket alone, one more than bounds.
    ///   - sum: microseconds.
    mutating func histogram(_ name: String, _ labels: [Label], bounds: [UInt64], counts: [UInt64], sum: UInt64) {
        precondition(counts.count == bounds.count + 1, "the last bucket has no bound")
        var total: UInt64 = 0
        for (index, count) in counts.enumerated() {
            total &+= count
            let bound = index < bounds.count ? Self.number(Double(bounds[index]) / 1_000_000) : "+Inf"
            sample(name + "_bucket", labels + [("le", bound)], total)
        }
        sample(name + "_sum", labels, Double(sum) / 1_000_000)
        // From the same readings as the buckets, so that it equals the last of them.
        sample(name + "_count", labels, total)
    }

    private mutating func sample(_ name: String, _ labels: [Label], value: String) {
        text += name
        if !labels.isEmpty {
            text += "{"
            for (index, label) in labels.enumerated() {
                if index > 0 { text += "," }
                text += "\(label.name)=\"\(Self.escapedLabel(label.value))\""
            }
            text += "}"
        }
        text += " \(value)\n"
    }

    private static func escapedLabel(_ value: String) -> String {
        escaped(value, quotes: true)
    }

    private static func escapedHelp(_ text: String) -> String {
        escaped(text, quotes: false)
    }

    private static func escaped(_ text: String, quotes: Bool) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
