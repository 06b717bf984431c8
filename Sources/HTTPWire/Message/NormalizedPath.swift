package import Bytes

/// The path of a target as routes are matched against it. A copy for routing alone: what is forwarded
/// stays as it came, since the app server must decide itself what its paths mean.
///
/// Unreserved characters are percent-decoded (RFC 3986 section 6.2.2.2), once; other escapes get
/// upper-case digits; `.` and `..` segments are resolved (section 5.2.4), also when they came escaped; runs
/// of slashes become one. `%2F` and `%5C` stay escaped: they are data, not separators.
package enum NormalizedPath {
    /// Replaces what `buffer` holds by the normal form of the path in `target`; the query is left out.
    ///
    /// - Parameter target: in origin form, or `*`, which stays as it is. It must not be of `buffer`.
    package static func write(_ target: Span<UInt8>, to buffer: ByteBuffer) {
        buffer.clear()
        let end = target.firstIndex(of: UInt8(ascii: "?")) ?? target.count
        guard end > 0 && target[0] == UInt8(ascii: "/") else {
            buffer.append(target.extracting(0..<end))
            return
        }
        buffer.append("/")
        // Where the segment being written starts; the byte before it is always a slash.
        var segment = 1
        var index = 1
        while index < end {
            if target[index] == UInt8(ascii: "/") {
                segment = close(segment, of: buffer, isLast: false)
                index += 1
            } else {
                index += appendCharacter(of: target, at: index, end: end, to: buffer)
            }
        }
        _ = close(segment, of: buffer, isLast: true)
    }

    /// Appends one character, decoded when it is an escaped unreserved one. Returns the bytes it took.
    private static func appendCharacter(of target: Span<UInt8>, at index: Int, end: Int, to buffer: ByteBuffer) -> Int {
        guard target[index] == UInt8(ascii: "%"), index + 2 < end, let high = target[index + 1].hexValue,
            let low = target[index + 2].hexValue
        else {
            buffer.append(target[index])
            return 1
        }
        let byte = high << 4 | low
        if byte.isUnreserved {
            buffer.append(byte)
        } else {
            buffer.append(UInt8(ascii: "%"))
            buffer.append(upperHex(high))
            buffer.append(upperHex(low))
        }
        return 3
    }

    private static func upperHex(_ digit: UInt8) -> UInt8 {
        digit < 10 ? 0x30 + digit : 0x37 + digit
    }

    /// Ends the segment that starts at `segment`, resolves it when it is dots, and says where the next starts.
    private static func close(_ segment: Int, of buffer: ByteBuffer, isLast: Bool) -> Int {
        let length = buffer.count - segment
        if length == 0 { return segment }
        let dots = length <= 2 && buffer[segment] == 0x2E && buffer[buffer.count - 1] == 0x2E
        guard dots else {
            if !isLast { buffer.append("/") }
            return buffer.count
        }
        var start = segment
        if length == 2 && start > 1 {
            start -= 1
            while buffer[start - 1] != UInt8(ascii: "/") { start -= 1 }
        }
        buffer.truncate(to: start)
        return start
    }
}
