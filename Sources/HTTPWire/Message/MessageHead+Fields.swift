import Bytes

/// Fields in a head's text. Those that were read from HTTP/1.1 or added here lie there as the lines in which they
/// are sent, `name: value CRLF`, so that a writer copies whole runs of them.
extension MessageHead {
    /// Where the line of `field` lies in `bytes`, or nil when it does not lie there as one.
    package func line(of field: Field) -> Range<Int>? {
        let first = Int(field.name.offset)
        let colon = first + field.name.count
        let end = Int(field.value.offset) + field.value.count
        guard Int(field.value.offset) == colon + 2, end + 2 <= bytes.count,
            bytes[colon] == UInt8(ascii: ":"), bytes[colon + 1] == 0x20, bytes[end] == 0x0D, bytes[end + 1] == 0x0A
        else { return nil }
        return first..<(end + 2)
    }

    /// Begins a field: its value is what is then appended to `bytes`, up to `endField`.
    package func beginField(_ name: FieldName) -> FieldStart {
        let start = bytes.count
        bytes.append(name.text)
        return open(name, from: start)
    }

    package func endField(_ field: FieldStart) {
        let start = Int(field.name.offset) + field.name.count + 2
        let value = Slice(offset: start, length: bytes.count - start)
        bytes.append("\r\n")
        fields.append(Field(name: field.name, value: value, known: field.known, isHopByHop: false))
    }

    /// Adds a field whose value is at hand, and not in `bytes`.
    package func add(_ name: FieldName, _ value: Span<UInt8>) {
        let field = beginField(name)
        bytes.append(value)
        endField(field)
    }

    package func add(_ name: FieldName, _ value: StaticString) {
        let field = beginField(name)
        bytes.append(value)
        endField(field)
    }

    /// Adds a field of another name, which is in lower case.
    package func add(_ name: Span<UInt8>, _ value: Span<UInt8>) {
        let start = bytes.count
        bytes.append(name)
        let field = open(.other, from: start)
        bytes.append(value)
        endField(field)
    }

    private func open(_ name: FieldName, from start: Int) -> FieldStart {
        let slice = Slice(offset: start, length: bytes.count - start)
        bytes.append(": ")
        return FieldStart(name: slice, known: name)
    }

    /// Whether a field of that name is passed on.
    package func has(_ name: FieldName) -> Bool {
        for field in fields where field.known == name && !field.isHopByHop { return true }
        return false
    }
}

/// A field that has begun: see `MessageHead.beginField`.
package struct FieldStart {
    internal let name: Slice
    internal let known: FieldName
}
