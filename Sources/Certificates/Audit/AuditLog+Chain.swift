import OpenSSL

/// The chain of hashes alone, by its bytes: whoever goes on with a history needs to know that all of it holds, and not what it
/// tells. To read thousands of lines as JSON takes ten times as long.
extension AuditLog {
    /// A line as the next one is bound to it.
    internal struct Link: Sendable, Equatable {
        /// Counted from 1; 0 before the first line.
        var number = 0
        /// 64 digits.
        var hash = AuditLog.beginning
    }

    /// The pieces of a line's end around the hash of the line before and its own, which have 64 digits each.
    private static let (beforePrevious, beforeHash, close) = (
        Array(",\"previous\":\"".utf8), Array("\",\"hash\":\"".utf8), Array("\"}".utf8)
    )
    private static let digits = 64

    /// The last line of a history all of whose lines hold, byte for byte as they are written here.
    ///
    /// - Returns: nil for everything else; what is wrong with it, if anything, is told by those who read it line by line.
    internal static func lastLink(of bytes: [UInt8]) -> Link? {
        guard let digest = try? MessageDigest(.sha256) else { return nil }
        let span = bytes.span
        var number = 0
        var previous = Array(beginning.utf8)
        var start = 0
        while start < span.count {
            var end = start
            while end < span.count, span[end] != 0x0A { end += 1 }
            // A line that has no end was cut short.
            guard end < span.count else { return nil }
            let line = span.extracting(start..<end)
            start = end + 1
            if isTorn(line) { continue }
            number += 1
            guard let hash = hash(of: line, number: number, after: previous, digest) else { return nil }
            previous = hash
        }
        return Link(number: number, hash: String(decoding: previous, as: UTF8.self))
    }

    private static func isTorn(_ line: Span<UInt8>) -> Bool {
        guard line.count > 0, line[line.count - 1] != UInt8(ascii: "}") else { return false }
        return isTorn(Substring(decoding: line.indices.map { line[$0] }, as: UTF8.self))
    }

    /// The digits of the hash that a line ends with; nil where it is not the hash of what stands before it, or the line not the
    /// one with this number after `previous`.
    private static func hash(
        of line: Span<UInt8>,
        number: Int,
        after previous: [UInt8],
        _ digest: MessageDigest
    ) -> [UInt8]? {
        let room = beforePrevious.count + digits + beforeHash.count + digits + close.count
        let start = Array("\(lineStart)\(number),".utf8)
        guard line.count >= start.count + room, has(start, line, at: 0) else { return nil }
        var place = line.count - room
        guard has(beforePrevious, line, at: place), has(previous, line, at: place + beforePrevious.count) else {
            return nil
        }
        place += beforePrevious.count + digits
        guard has(beforeHash, line, at: place), has(close, line, at: line.count - close.count) else { return nil }
        // What was hashed ends with the previous hash and its quotation mark.
        digest.update(line.extracting(0...place))
        digest.update([UInt8(ascii: "}")].span)
        let hash = Array(Hexadecimal.text(digest.finish()).utf8)
        return has(hash, line, at: place + beforeHash.count) ? hash : nil
    }

    private static func has(_ piece: [UInt8], _ line: Span<UInt8>, at place: Int) -> Bool {
        for index in piece.indices where line[place + index] != piece[index] { return false }
        return true
    }
}
