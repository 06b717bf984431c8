import Bytes

/// Writes JSON (RFC 8259).
internal enum JSON {
    /// Appends a string with its quotes. Ill-formed UTF-8 becomes U+FFFD.
    static func append(_ text: Span<UInt8>, to buffer: ByteBuffer) {
        buffer.append(UInt8(ascii: "\""))
        for byte in text.text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): buffer.append("\\\"")
            case UInt8(ascii: "\\"): buffer.append("\\\\")
            case 0x0A: buffer.append("\\n")
            case 0x0D: buffer.append("\\r")
            case 0x09: buffer.append("\\t")
            case 0..<0x20, 0x7F:
                buffer.append("\\u")
                buffer.append(hex: UInt64(byte), minimumDigits: 4)
            default: buffer.append(byte)
            }
        }
        buffer.append(UInt8(ascii: "\""))
    }

    /// Appends `"name":`, after a comma unless it is the first member. The name needs no escaping.
    static func append(name: StaticString, isFirst: Bool = false, to buffer: ByteBuffer) {
        if !isFirst { buffer.append(UInt8(ascii: ",")) }
        buffer.append(UInt8(ascii: "\""))
        buffer.append(name)
        buffer.append("\":")
    }
}
