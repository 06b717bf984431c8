import Bytes

/// `method SP request-target SP HTTP-version` (RFC 9112 section 3), with exactly one space between.
enum RequestLine {
    /// Reads the line at `line` into the head's method, target, authority and version.
    static func parse(
        _ line: Range<Int>,
        of input: Span<UInt8>,
        into head: MessageHead,
        allowsConnect: Bool
    ) -> RefusalReason? {
        let text = input.extracting(line)
        guard let first = text.firstIndex(of: 0x20) else {
            return text.isToken ? .malformedRequestLine : .invalidMethod
        }
        let name = text.extracting(0..<first)
        guard name.isToken else { return .invalidMethod }
        guard let second = text.firstIndex(of: 0x20, from: first + 1) else { return .malformedRequestLine }
        if let reason = version(text.extracting((second + 1)..<text.count), into: head) { return reason }

        let bytes = head.bytes
        head.method = Method(name)
        head.methodName = Slice(offset: bytes.count, length: name.count)
        bytes.append(name)
        return RequestTarget.parse(
            text.extracting((first + 1)..<second),
            into: head,
            allowsConnect: allowsConnect
        )
    }

    private static func version(_ text: Span<UInt8>, into head: MessageHead) -> RefusalReason? {
        if text.equals("HTTP/1.1") {
            head.version = .http11
        } else if text.equals("HTTP/1.0") {
            head.version = .http10
        } else {
            return unknownVersion(text)
        }
        return nil
    }

    /// Tells another major version, well written (RFC 9112 section 2.3), from nonsense.
    static func unknownVersion(_ text: Span<UInt8>) -> RefusalReason {
        guard text.count == 8, text.extracting(0..<5).equals("HTTP/"), text[5].isDigit,
            text[6] == UInt8(ascii: "."), text[7].isDigit
        else { return text.firstIndex(of: 0x20) == nil ? .invalidVersion : .malformedRequestLine }
        return text[5] == UInt8(ascii: "1") ? .invalidVersion : .unsupportedVersion
    }
}
