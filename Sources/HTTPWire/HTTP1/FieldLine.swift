import Bytes

/// One field line, `name: value` (RFC 9112 section 5), read where it will lie: at the end of a head's text.
///
/// `LineReader` has already refused control characters, so a value needs no second look.
enum FieldLine {
    /// Reads the line at `line` of `input` into `head`: its name in lower case, its value trimmed.
    ///
    /// - Parameters:
    ///   - isFirst: nothing stands before it that white space could fold onto.
    ///   - keepsUnderscores: take fields whose name has `_`; otherwise they are left out.
    /// - Returns: why it is refused, or nil.
    static func parse(
        _ line: Range<Int>,
        of input: Span<UInt8>,
        isFirst: Bool,
        keepsUnderscores: Bool,
        into head: MessageHead
    ) -> RefusalReason? {
        if input[line.lowerBound].isWhiteSpace { return isFirst ? .spaceBeforeFirstField : .obsFold }
        let text = head.bytes
        let start = text.count
        text.append(input.extracting(line))
        var end = text.lowercaseName(at: start)
        var hasUnderscore = false
        // The rest of a name that has other than letters, digits and hyphens.
        while end < text.count && text[end].isToken {
            if text[end] == UInt8(ascii: "_") { hasUnderscore = true }
            text.lowercase(at: end)
            end += 1
        }
        guard end < text.count else { return .missingColon }
        guard text[end] == UInt8(ascii: ":") else {
            return text[end].isWhiteSpace ? .spaceBeforeColon : .invalidFieldName
        }
        guard end > start else { return .emptyFieldName }
        if hasUnderscore && !keepsUnderscores {
            text.truncate(to: start)
            return nil
        }
        let name = Slice(offset: start, length: end - start)
        let known = FieldName(text.span(name))
        let colon = line.lowerBound + (end - start)
        let value = input.trimmed((colon + 1)..<line.upperBound)
        if value.lowerBound != colon + 2 || value.upperBound != line.upperBound {
            // The line is brought into the form in which it is sent.
            text.truncate(to: end)
            text.append(": ")
            text.append(input.extracting(value))
        }
        text.append("\r\n")
        head.fields.append(
            Field(
                name: name,
                value: Slice(offset: end + 2, length: value.count),
                known: known,
                isHopByHop: known.isHopByHop
            )
        )
        return nil
    }
}
