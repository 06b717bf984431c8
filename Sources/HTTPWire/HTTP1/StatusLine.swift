import Bytes

/// `HTTP-version SP status-code SP [reason-phrase]` (RFC 9112 section 4). The reason is not kept; the
/// space before an empty one may be missing, as many app servers have it.
enum StatusLine {
    static func parse(_ line: Range<Int>, of input: Span<UInt8>, into head: MessageHead) -> RefusalReason? {
        let text = input.extracting(line)
        guard text.count >= 12, text[8] == 0x20 else { return .malformedStatusLine }
        let version = text.extracting(0..<8)
        if version.equals("HTTP/1.1") {
            head.version = .http11
        } else if version.equals("HTTP/1.0") {
            head.version = .http10
        } else {
            return RequestLine.unknownVersion(version)
        }
        var status = 0
        for index in 9..<12 {
            guard text[index].isDigit else { return .malformedStatusLine }
            status = status * 10 + Int(text[index] - 0x30)
        }
        guard status >= 100, text.count == 12 || text[12] == 0x20 else { return .malformedStatusLine }
        head.status = status
        return nil
    }
}
