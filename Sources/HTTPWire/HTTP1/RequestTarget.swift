import Bytes

/// The four forms of a request target (RFC 9112 section 3.2). It is copied as it came: nothing in it
/// is decoded, because what the gateway decodes and what the app server decodes could differ.
enum RequestTarget {
    static func parse(_ text: Span<UInt8>, into head: MessageHead, allowsConnect: Bool) -> RefusalReason? {
        guard !text.isEmpty else { return .malformedRequestLine }
        for index in text.indices {
            let byte = text[index]
            if byte == UInt8(ascii: "#") { return .fragmentInTarget }
            guard byte > 0x20 && byte < 0x7F else { return .invalidTarget }
        }
        if head.method == .connect {
            return allowsConnect ? authorityForm(text, into: head) : .connectNotAllowed
        }
        if text[0] == UInt8(ascii: "/") {
            head.target = head.append(text)
            return nil
        }
        if text.equals("*") {
            guard head.method == .options else { return .asteriskTarget }
            head.target = head.append(text)
            return nil
        }
        return absoluteForm(text, into: head)
    }

    /// `http://authority/path?query`: the authority stands for Host, the rest is the target in origin form.
    private static func absoluteForm(_ text: Span<UInt8>, into head: MessageHead) -> RefusalReason? {
        let start: Int
        if text.count >= 7 && text.extracting(0..<7).equalsIgnoringCase("http://") {
            start = 7
        } else if text.count >= 8 && text.extracting(0..<8).equalsIgnoringCase("https://") {
            start = 8
        } else {
            return .invalidTarget
        }
        var end = start
        while end < text.count && text[end] != UInt8(ascii: "/") && text[end] != UInt8(ascii: "?") { end += 1 }
        let authority = text.extracting(start..<end)
        guard Authority(authority) != nil else { return .invalidAuthority }
        head.authority = head.append(authority)

        let rest = text.extracting(end..<text.count)
        let bytes = head.bytes
        let targetStart = bytes.count
        if rest.isEmpty {
            // OPTIONS for a whole server has an empty path in this form (RFC 9112 section 3.2.4).
            bytes.append(head.method == .options ? "*" : "/")
        } else {
            if rest[0] == UInt8(ascii: "?") { bytes.append("/") }
            bytes.append(rest)
        }
        head.target = Slice(offset: targetStart, length: bytes.count - targetStart)
        return nil
    }

    /// `host:port`, for CONNECT alone; the port must be named (RFC 9112 section 3.2.3).
    private static func authorityForm(_ text: Span<UInt8>, into head: MessageHead) -> RefusalReason? {
        guard let authority = Authority(text), authority.port != nil else { return .invalidAuthority }
        head.authority = head.append(text)
        head.target = head.authority
        return nil
    }
}

extension MessageHead {
    /// Copies `text` to the end of the head's bytes.
    func append(_ text: Span<UInt8>) -> Slice {
        let slice = Slice(offset: bytes.count, length: text.count)
        bytes.append(text)
        return slice
    }
}
