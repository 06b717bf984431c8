import Bytes

/// Finds the bytes of one body after another in what a connection receives (RFC 9112 sections 6 and 7).
///
/// It copies nothing: it names runs of the input. The caller's loop is
///
///     var from = 0
///     reading: while true {
///         let input = connection.input
///         switch decoder.next(input.readable, from: from) {
///         case .data(let run): forward(input.readable.extracting(run)); from = run.upperBound
///         case .needMore(let consumed): input.consume(consumed); break reading
///         case .end(let consumed): input.consume(consumed); finish(); break reading
///         case .refused(let refusal): close(refusal); break reading
///         }
///     }
///
/// and after a later read it starts again at `from: 0`. What `needMore` leaves unconsumed is at most
/// one unfinished line: a chunk's head, or a trailer up to the limit of a field line; so the caller's
/// buffer must have room for one of those. The runs are the same bytes however the input is cut.
package struct HTTP1BodyDecoder {
    private let kind: MessageKind
    private let limits: HeadLimits
    private var state = State.ended
    private var lines = LineReader()
    private var limit = UInt64.max
    private var extensions = 0
    private var trailerLines = 0
    private var trailerBytes = 0
    private var trailers: MessageHead?

    /// Bytes of body found since `start`.
    package private(set) var received: UInt64 = 0

    private enum State {
        /// Bytes left of a body of known length.
        case length(UInt64)
        case chunkHead
        /// Bytes left of a chunk, more than 0.
        case chunkData(UInt64)
        case chunkEnd
        case trailers
        case untilClose
        case ended
        case refused(RefusalReason)
    }

    /// Where the reading stands. Positions count from the start of the input.
    package enum Step: Equatable {
        /// A run of body bytes, never empty. Call again from its upper bound.
        case data(Range<Int>)
        /// The body goes on beyond the input. The first `consumed` bytes are done with; call again with
        /// those dropped and more behind the rest.
        case needMore(consumed: Int)
        /// The body, its trailers included, is the first `consumed` bytes. What follows is the next message's.
        case end(consumed: Int)
        /// Answer, if an answer is still possible, and close. It stays so until `start`.
        case refused(Refusal)
    }

    /// What the end of the connection means.
    package enum EndOfInput: Equatable {
        case complete
        /// The sender died before the body was whole: it must not be passed on as if it were.
        case truncated
    }

    /// Bytes of one chunk's head: its size, and extensions, which are dropped.
    static let longestChunkHead = 512
    /// Bytes of chunk extensions in one body.
    static let longestExtensions = 16384

    /// - Parameters:
    ///   - kind: whose bodies they are; it decides the status of refusals.
    ///   - limits: those of field lines apply to trailers.
    package init(_ kind: MessageKind = .request, limits: HeadLimits = HeadLimits()) {
        self.kind = kind
        self.limits = limits
    }

    /// Begins a body.
    ///
    /// - Parameters:
    ///   - framing: the head's.
    ///   - limit: bytes that the body may have; more are refused with 413, as soon as they are declared.
    ///   - trailers: cleared, then filled with the trailer fields, apart from the head, but for those that
    ///     `TrailerField` forbids. Without it, trailers are checked and dropped.
    package mutating func start(_ framing: BodyFraming, limit: UInt64 = .max, trailers: MessageHead? = nil) {
        self.limit = limit
        self.trailers = trailers
        trailers?.clear()
        lines.restart()
        extensions = 0
        trailerLines = 0
        trailerBytes = 0
        received = 0
        switch framing {
        case .none: state = .ended
        case .length(let count): state = count > limit ? .refused(.bodyTooLarge) : .length(count)
        case .chunked: state = .chunkHead
        case .untilClose, .untilEndOfStream: state = .untilClose
        }
    }

    /// Whether the body has ended, and needs no more calls.
    package var isEnded: Bool {
        if case .ended = state { return true }
        if case .length(0) = state { return true }
        return false
    }

    /// What it means that the connection ends here.
    package func endOfInput() -> EndOfInput {
        switch state {
        case .ended, .untilClose, .length(0): .complete
        case .length, .chunkHead, .chunkData, .chunkEnd, .trailers, .refused: .truncated
        }
    }

    /// The next step in `input` at `from`.
    package mutating func next(_ input: Span<UInt8>, from: Int) -> Step {
        var position = from
        while true {
            let available = input.count - position
            switch state {
            case .refused(let reason): return .refused(Refusal(reason, in: kind))
            case .ended: return .end(consumed: position)
            case .length(0): state = .ended
            case .length(let left):
                guard available > 0 else { return .needMore(consumed: position) }
                let run = Int(min(left, UInt64(available)))
                state = .length(left - UInt64(run))
                received += UInt64(run)
                return .data(position..<(position + run))
            case .untilClose:
                guard available > 0 else { return .needMore(consumed: position) }
                guard UInt64(available) <= limit - received else {
                    state = .refused(.bodyTooLarge)
                    continue
                }
                received += UInt64(available)
                return .data(position..<input.count)
            case .chunkHead:
                switch lines.next(in: input, from: position, limit: Self.longestChunkHead) {
                case .incomplete: return .needMore(consumed: position)
                case .tooLong: state = .refused(.chunkExtensionTooLong)
                case .refused(let reason): state = .refused(reason)
                case .end(let end):
                    state = chunk(input.extracting(position..<end))
                    position = end + 2
                }
            case .chunkData(let left):
                guard available > 0 else { return .needMore(consumed: position) }
                let run = Int(min(left, UInt64(available)))
                state = left == UInt64(run) ? .chunkEnd : .chunkData(left - UInt64(run))
                received += UInt64(run)
                return .data(position..<(position + run))
            case .chunkEnd:
                guard available > 0 else { return .needMore(consumed: position) }
                guard input[position] == 0x0D, available == 1 || input[position + 1] == 0x0A else {
                    state = .refused(.unterminatedChunk)
                    continue
                }
                guard available > 1 else { return .needMore(consumed: position) }
                position += 2
                state = .chunkHead
            case .trailers:
                if !readTrailer(input, &position) { return .needMore(consumed: position) }
            }
        }
    }

    /// Takes in one chunk's head and says what follows it.
    private mutating func chunk(_ line: Span<UInt8>) -> State {
        switch ChunkHead.parse(line) {
        case .failure(let reason): return .refused(reason)
        case .success(let head):
            extensions += head.extensionBytes
            if extensions > Self.longestExtensions { return .refused(.chunkExtensionTooLong) }
            if head.size == 0 { return .trailers }
            return head.size > limit - received ? .refused(.bodyTooLarge) : .chunkData(head.size)
        }
    }

    /// Takes in one trailer line; false when it is not there whole.
    private mutating func readTrailer(_ input: Span<UInt8>, _ position: inout Int) -> Bool {
        let left = limits.head - trailerBytes - 2
        guard left >= 0 else {
            state = .refused(.trailersTooLarge)
            return true
        }
        switch lines.next(in: input, from: position, limit: min(limits.fieldLine, left)) {
        case .incomplete: return false
        case .tooLong: state = .refused(.trailersTooLarge)
        case .refused(let reason): state = .refused(reason)
        case .end(let end):
            let line = position..<end
            position = end + 2
            if line.isEmpty {
                state = .ended
            } else if let reason = keepTrailer(line, of: input) {
                state = .refused(reason)
            } else {
                trailerBytes += line.count + 2
            }
        }
        return true
    }

    private mutating func keepTrailer(_ line: Range<Int>, of input: Span<UInt8>) -> RefusalReason? {
        if trailerLines == limits.fields { return .tooManyFields }
        trailerLines += 1
        // Without a place for them, trailers are held to the same rules and dropped.
        let kept = trailers ?? MessageHead()
        let reason = FieldLine.parse(
            line,
            of: input,
            isFirst: trailerLines == 1,
            keepsUnderscores: limits.keepsUnderscores || kind == .response,
            into: kept
        )
        if let reason { return reason }
        let text = kept.bytes
        if let last = kept.fields.last, TrailerField.isForbidden(text.span(last.name), known: last.known) {
            kept.fields.removeLast()
            text.truncate(to: Int(last.name.offset))
        }
        return nil
    }
}
