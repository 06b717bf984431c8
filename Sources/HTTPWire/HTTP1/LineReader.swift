import Bytes

/// Finds lines that end in CRLF, wherever the input is cut, and refuses every other control character
/// on the way: so no bare CR, bare LF or NUL ever reaches the parsers behind it (RFC 9112 section 2.2).
///
/// It remembers how far into the unfinished line it has looked; each byte is looked at once.
struct LineReader {
    /// Bytes of the unfinished line that need no second look.
    private var searched = 0
    /// Bytes looked at since `init`, to prove that a sender of single bytes costs no more than another.
    private(set) var examined = 0

    /// Forgets an unfinished line.
    mutating func restart() { searched = 0 }

    enum Line: Equatable {
        /// The line's content ends here; its CRLF takes the next two bytes.
        case end(Int)
        case incomplete
        case tooLong
        case refused(RefusalReason)
    }

    /// The end of the line that starts at `start`. Until it is found, call again with the same start
    /// of the same line, moved or not.
    ///
    /// - Parameter limit: bytes that the line may have without its CRLF.
    mutating func next(in input: Span<UInt8>, from start: Int, limit: Int) -> Line {
        // Nothing beyond the limit is looked at, so that the answer does not depend on how much came at once.
        let horizon = min(input.count, start + limit + 1)
        var position = start + searched
        while true {
            let found = input.firstControl(from: position, to: horizon)
            examined += found - position
            guard found < horizon else {
                searched = found - start
                return found == start + limit + 1 ? .tooLong : .incomplete
            }
            switch input[found] {
            case 0x09:
                position = found + 1
            case 0x0D:
                guard found + 1 < input.count else {
                    searched = found - start
                    return .incomplete
                }
                guard input[found + 1] == 0x0A else { return .refused(.bareCR) }
                searched = 0
                return .end(found)
            case 0x0A: return .refused(.bareLF)
            case 0x00: return .refused(.nulByte)
            default: return .refused(.controlCharacter)
            }
        }
    }
}
