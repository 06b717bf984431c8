import Bytes

/// One field line, `name: value` (RFC 9112 section 5). Positions are those of the input.
///
/// `LineReader` has already refused control characters, so a value needs no second look.
struct FieldLine {
    let name: Range<Int>
    let value: Range<Int>
    let hasUnderscore: Bool

    /// Reads the line at `line`.
    ///
    /// - Parameter isFirst: nothing stands before it that white space could fold onto.
    static func parse(
        _ line: Range<Int>,
        of input: Span<UInt8>,
        isFirst: Bool
    ) -> Result<FieldLine, RefusalReason> {
        if input[line.lowerBound].isWhiteSpace { return .failure(isFirst ? .spaceBeforeFirstField : .obsFold) }
        var index = line.lowerBound
        var hasUnderscore = false
        while index < line.upperBound && input[index].isToken {
            if input[index] == UInt8(ascii: "_") { hasUnderscore = true }
            index += 1
        }
        guard index < line.upperBound else { return .failure(.missingColon) }
        guard input[index] == UInt8(ascii: ":") else {
            return .failure(input[index].isWhiteSpace ? .spaceBeforeColon : .invalidFieldName)
        }
        guard index > line.lowerBound else { return .failure(.emptyFieldName) }
        return .success(
            FieldLine(
                name: line.lowerBound..<index,
                value: input.trimmed((index + 1)..<line.upperBound),
                hasUnderscore: hasUnderscore
            )
        )
    }

    /// Copies the field to the end of `head`, its name in lower case.
    func append(of input: Span<UInt8>, to head: MessageHead) {
        let bytes = head.bytes
        let nameSlice = Slice(offset: bytes.count, length: name.count)
        let known = appendName(of: input, to: bytes)
        let valueSlice = Slice(offset: bytes.count, length: value.count)
        bytes.append(input.extracting(value))
        head.fields.append(Field(name: nameSlice, value: valueSlice, known: known, isHopByHop: known.isHopByHop))
    }

    /// Lowers the name in a small block and copies that: one append for each block, not for each byte.
    private func appendName(of input: Span<UInt8>, to bytes: ByteBuffer) -> FieldName {
        var block = InlineArray<32, UInt8>(repeating: 0)
        var index = name.lowerBound
        while true {
            let count = min(block.count, name.upperBound - index)
            for place in 0..<count { block[place] = input[index + place].asciiLowercased }
            let lowercase = block.span.extracting(first: count)
            bytes.append(lowercase)
            index += count
            // No name that is known is as long as a block.
            if index == name.upperBound { return count == name.count ? FieldName(lowercase) : .other }
        }
    }
}
