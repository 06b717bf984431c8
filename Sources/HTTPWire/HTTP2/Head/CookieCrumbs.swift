import Bytes

/// Joins the cookie fields of a head into one (RFC 9113 section 8.2.3).
enum CookieCrumbs {
    /// All crumbs become the first cookie field, in their order, with `; ` between them.
    static func join(_ head: MessageHead) {
        let bytes = head.bytes
        let start = bytes.count
        var first: Int?
        for index in head.fields.indices where head.fields[index].known == .cookie {
            if first == nil { first = index } else { bytes.append("; ") }
            let crumb = head.fields[index].value
            // Byte by byte: appending a span of the buffer to itself is not allowed, for it may move.
            for offset in 0..<crumb.count { bytes.append(bytes[Int(crumb.offset) + offset]) }
        }
        guard let first else { return }
        head.fields[first].value = Slice(offset: start, length: bytes.count - start)
        var kept = 0
        for index in head.fields.indices where index <= first || head.fields[index].known != .cookie {
            head.fields[kept] = head.fields[index]
            kept += 1
        }
        head.fields.removeLast(head.fields.count - kept)
    }
}
