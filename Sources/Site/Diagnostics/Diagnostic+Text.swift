extension Diagnostic: CustomStringConvertible {
    /// The fault as a person reads it, without a newline at the end:
    /// ```
    /// site.yaml:12:9: error: unknown key `prot` in `gateway.listen[0]` [unknown-key]
    ///    12 |     - { prot: 443 }
    ///       |         ^^^^
    ///       = help: did you mean `port`?
    /// ```
    package var description: String {
        var text = file
        if line > 0 { text += ":\(line):\(column)" }
        text += ": \(severity.rawValue): \(message) [\(code.rawValue)]"
        let number = line > 0 ? String(line) : ""
        let gutter = String(repeating: " ", count: max(5, number.count + 1))
        if let excerpt {
            let shown = max(1, min(width, excerpt.text.unicodeScalars.count - excerpt.offset))
            text += "\n" + gutter.dropLast(number.count) + number + " | " + excerpt.text
            text += "\n" + gutter + " | " + String(repeating: " ", count: excerpt.offset)
            text += String(repeating: "^", count: shown)
        }
        if let help { text += "\n" + gutter + " = help: " + help }
        return text
    }
}
