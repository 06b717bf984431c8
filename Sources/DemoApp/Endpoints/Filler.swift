import Bytes

/// The bytes that `/bytes/N` sends: lines of 64, so that a cut or a swap in what arrives can be seen.
internal final class Filler {
    /// Bytes of one run; a multiple of a line, so that a body made of runs has its lines whole.
    static let size = 65536

    private let buffer = ByteBuffer(capacity: Filler.size)

    init() {
        for _ in 0..<(Filler.size / 64) {
            buffer.append("0123456789 abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXY\n")
        }
    }

    /// Calls `body` with the first `count` bytes, at most `size`.
    func with(_ count: Int, _ body: (Span<UInt8>) -> Void) {
        let buffer = buffer
        body(buffer.readable.extracting(first: count))
    }
}
