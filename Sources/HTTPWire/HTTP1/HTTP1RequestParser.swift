import Bytes

/// Reads request heads of HTTP/1.0 and HTTP/1.1, strictly (RFC 9112, RFC 9110). One for each connection.
///
/// A head is filled line by line as its bytes come, so a refusal comes as early as it can, and the
/// answer is the same however the bytes are cut. No byte is looked at twice. Nothing is allocated once
/// the head's own memory is warm.
///
/// After `complete` or `refused` the parser stands ready for the next head.
package struct HTTP1RequestParser: Sendable {
    private var reader: HeadReader
    private let allowsConnect: Bool
    private var hasStarted = false
    private var hasStartLine = false
    private var hasSkippedEmptyLine = false

    /// - Parameter allowsConnect: let CONNECT through, its target and authority both `host:port`;
    ///   otherwise it is refused with 501.
    package init(limits: HeadLimits = HeadLimits(), allowsConnect: Bool = false) {
        reader = HeadReader(limits: limits)
        self.allowsConnect = allowsConnect
    }

    /// Bytes looked at for all heads so far: never more than came.
    package var examined: Int { reader.examined }

    /// Forgets a head half read.
    package mutating func reset() {
        reader.reset()
        hasStarted = false
        hasStartLine = false
        hasSkippedEmptyLine = false
    }

    /// Reads on in one head.
    ///
    /// - Parameters:
    ///   - input: all that is unread, beginning with the first byte of the head at every call.
    ///   - head: the same one until the head is complete or refused; it is cleared first. After a
    ///     refusal it holds what was read until then, for the log.
    package mutating func parse(_ input: Span<UInt8>, into head: MessageHead) -> HeadResult {
        if !hasStarted {
            head.clear()
            hasStarted = true
        }
        let result = read(input, into: head)
        if result != .incomplete { reset() }
        return result
    }

    private mutating func read(_ input: Span<UInt8>, into head: MessageHead) -> HeadResult {
        while !hasStartLine {
            switch reader.startLine(of: input, tooLong: .requestLineTooLong) {
            case .incomplete: return .incomplete
            case .refused(let reason): return refused(reason)
            case .line(let line):
                if line.isEmpty {
                    // One empty line may stand before a request, as old clients send it after a body
                    // (RFC 9112 section 2.2).
                    if hasSkippedEmptyLine { return refused(.leadingEmptyLines) }
                    hasSkippedEmptyLine = true
                    continue
                }
                if let reason = RequestLine.parse(line, of: input, into: head, allowsConnect: allowsConnect) {
                    return refused(reason)
                }
                hasStartLine = true
            }
        }
        switch reader.fields(of: input, into: head, keepsUnderscores: reader.limits.keepsUnderscores) {
        case .incomplete: return .incomplete
        case .refused(let reason): return refused(reason)
        case .complete:
            if let reason = Self.interpret(head) { return refused(reason) }
            return .complete(consumed: reader.position)
        }
    }

    private func refused(_ reason: RefusalReason) -> HeadResult {
        .refused(Refusal(reason, in: .request))
    }

    /// Reads what the fields say about the message as a whole.
    private static func interpret(_ head: MessageHead) -> RefusalReason? {
        let census = FieldCensus(head)
        switch DeclaredLength.read(head, census) {
        case .failure(let reason): return reason
        case .success(.none): head.framing = .none
        case .success(.length(let count)): head.framing = .length(count)
        case .success(.chunked): head.framing = .chunked
        }
        if head.method == .connect && head.framing != .none && head.framing != .length(0) { return .connectWithBody }
        if let reason = HostField.apply(to: head, census) { return reason }
        let options: ConnectionOptions
        switch ConnectionOptions.read(head, census) {
        case .failure(let reason): return reason
        case .success(let read): options = read
        }
        head.keepAlive = options.persists(in: head.version)
        TEField.apply(to: head, census)
        UpgradeField.apply(to: head, options, census)
        return Expectation.apply(to: head, census)
    }
}
