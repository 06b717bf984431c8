import Bytes

/// What both directions share: a start line, field lines, an empty line. It keeps the place between calls.
struct HeadReader {
    let limits: HeadLimits
    private var lines = LineReader()
    /// Where the line to read next starts.
    private(set) var position = 0
    private var fieldLines = 0

    init(limits: HeadLimits) {
        self.limits = limits
    }

    /// Bytes looked at for all heads so far.
    var examined: Int { lines.examined }

    enum Step {
        case line(Range<Int>)
        case incomplete
        case refused(RefusalReason)
    }

    enum Fields {
        case complete
        case incomplete
        case refused(RefusalReason)
    }

    /// Forgets the place, for the next head.
    mutating func reset() {
        lines.restart()
        position = 0
        fieldLines = 0
    }

    mutating func startLine(of input: Span<UInt8>, tooLong: RefusalReason) -> Step {
        line(of: input, limit: limits.requestLine, tooLong: tooLong)
    }

    /// Reads field lines into `head` up to the empty line that ends it.
    mutating func fields(of input: Span<UInt8>, into head: MessageHead, keepsUnderscores: Bool) -> Fields {
        while true {
            switch line(of: input, limit: limits.fieldLine, tooLong: .fieldTooLong) {
            case .incomplete: return .incomplete
            case .refused(let reason): return .refused(reason)
            case .line(let range):
                if range.isEmpty { return .complete }
                if fieldLines == limits.fields { return .refused(.tooManyFields) }
                let reason = FieldLine.parse(
                    range,
                    of: input,
                    isFirst: fieldLines == 0,
                    keepsUnderscores: keepsUnderscores,
                    into: head
                )
                if let reason { return .refused(reason) }
                fieldLines += 1
            }
        }
    }

    private mutating func line(of input: Span<UInt8>, limit: Int, tooLong: RefusalReason) -> Step {
        let left = limits.head - position - 2
        if left < 0 { return .refused(.headTooLarge) }
        switch lines.next(in: input, from: position, limit: min(limit, left)) {
        case .end(let end):
            let range = position..<end
            position = end + 2
            return .line(range)
        case .incomplete: return .incomplete
        case .tooLong: return .refused(limit <= left ? tooLong : .headTooLarge)
        case .refused(let reason): return .refused(reason)
        }
    }
}
