import Bytes

/// Finds the frame headers in what a client sends, ahead of the library.
///
/// The library's own callback leaves out frames that it ignores (of unknown types, or for streams that are gone),
/// and those are what a flood is made of. Nothing is judged here: what is malformed is left to the library.
struct FrameScanner {
    /// Bytes to pass over: the preface at first (RFC 9113 section 3.4), then each frame's payload.
    private var skip = 24
    /// Bytes of the header at hand that were read, 0 to 8.
    private var have = 0
    /// Length, type and flags so far, then the stream's number so far.
    private var start: UInt64 = 0
    private var stream: UInt32 = 0
    /// A frame above the size that this side allows came; the library ends the connection there.
    private var lost = false

    /// SETTINGS_MAX_FRAME_SIZE, which stays at its default.
    private static let maxFrameSize = 16_384

    /// Whether some of the last frame's payload is yet to come.
    var isInsideFrame: Bool { skip > 0 }

    /// The next frame header that is complete, or nil when the input is used up.
    ///
    /// - Parameter position: where to go on in `input`; 0 for new input.
    mutating func next(in input: Span<UInt8>, at position: inout Int) -> FrameHeader? {
        while position < input.count && !lost {
            if skip > 0 {
                let passed = min(skip, input.count - position)
                skip -= passed
                position += passed
                continue
            }
            let byte = input[position]
            position += 1
            if have < 5 { start = start << 8 | UInt64(byte) } else { stream = stream << 8 | UInt32(byte) }
            have += 1
            if have == 9 { return finish() }
        }
        return nil
    }

    private mutating func finish() -> FrameHeader {
        let header = FrameHeader(
            length: Int(start >> 16),
            type: UInt8(truncatingIfNeeded: start >> 8),
            flags: UInt8(truncatingIfNeeded: start),
            stream: Int32(bitPattern: stream & 0x7FFF_FFFF)
        )
        skip = header.length
        lost = header.length > Self.maxFrameSize
        have = 0
        start = 0
        stream = 0
        return header
    }
}
