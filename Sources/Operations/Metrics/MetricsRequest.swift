import Bytes

/// What a scrape asks for. Each connection carries one request and is then closed, so that nothing
/// of a request but its first line decides anything: no framing, no reuse.
internal enum MetricsRequest: Equatable {
    /// `/metrics`, by GET or by HEAD, which gets no body.
    case report(sendsBody: Bool)
    case notFound
    case methodNotAllowed
    case malformed

    /// Looks at all that came so far; nil while the head is not whole.
    ///
    /// - Parameter limit: bytes of a head; a longer one is malformed.
    static func read(_ bytes: Span<UInt8>, limit: Int) -> MetricsRequest? {
        guard hasWholeHead(bytes, limit: limit) else { return bytes.count > limit ? .malformed : nil }
        var words: [[UInt8]] = [[]]
        for index in 0..<bytes.count {
            let byte = bytes[index]
            if byte == 0x0D || byte == 0x0A { break }
            // RFC 9112 section 3: single spaces, and no control characters.
            if byte < 0x20 || byte >= 0x7F { return .malformed }
            if byte == 0x20 { words.append([]) } else { words[words.count - 1].append(byte) }
        }
        guard words.count == 3, words.allSatisfy({ !$0.isEmpty }),
            words[2] == Array("HTTP/1.1".utf8) || words[2] == Array("HTTP/1.0".utf8)
        else { return .malformed }
        let path = words[1].prefix { $0 != UInt8(ascii: "?") }
        guard path.elementsEqual("/metrics".utf8) else { return .notFound }
        switch String(decoding: words[0], as: UTF8.self) {
        case "GET": return .report(sendsBody: true)
        case "HEAD": return .report(sendsBody: false)
        default: return .methodNotAllowed
        }
    }

    /// Whether an empty line ends the head within the limit.
    private static func hasWholeHead(_ bytes: Span<UInt8>, limit: Int) -> Bool {
        var lineLength = 0
        for index in 0..<min(bytes.count, limit) {
            if bytes[index] == 0x0A {
                if lineLength == 0 { return true }
                lineLength = 0
            } else if bytes[index] != 0x0D {
                lineLength += 1
            }
        }
        return false
    }
}
