import Bytes

/// Reads response heads of HTTP/1.0 and HTTP/1.1, as strictly as requests (RFC 9112, RFC 9110).
/// One for each connection to an app server.
///
/// `reset(forMethod:)` comes before the first head of each response, because the request's method
/// decides whether there is a body. Interim heads (1xx) need none between: after `complete` the parser
/// stands ready for the next head of the same response. Every refusal has status 502.
package struct HTTP1ResponseParser: Sendable {
    private var reader: HeadReader
    private var method = Method.get
    private var hasStarted = false
    private var hasStartLine = false

    package init(limits: HeadLimits = HeadLimits()) {
        reader = HeadReader(limits: limits)
    }

    /// Bytes looked at for all heads so far: never more than came.
    package var examined: Int { reader.examined }

    /// Forgets a head half read, and expects the answer to a request of this method.
    package mutating func reset(forMethod method: Method) {
        self.method = method
        reset()
    }

    /// Forgets a head half read; the method stays.
    package mutating func reset() {
        reader.reset()
        hasStarted = false
        hasStartLine = false
    }

    /// Reads on in one head; the contract is that of `HTTP1RequestParser.parse`.
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
        if !hasStartLine {
            switch reader.startLine(of: input, tooLong: .headTooLarge) {
            case .incomplete: return .incomplete
            case .refused(let reason): return refused(reason)
            case .line(let line):
                if let reason = StatusLine.parse(line, of: input, into: head) { return refused(reason) }
                hasStartLine = true
            }
        }
        // Names with `_` are kept here: no CGI variable is made of a response's fields.
        switch reader.fields(of: input, into: head, keepsUnderscores: true) {
        case .incomplete: return .incomplete
        case .refused(let reason): return refused(reason)
        case .complete:
            if let reason = interpret(head) { return refused(reason) }
            return .complete(consumed: reader.position)
        }
    }

    private func refused(_ reason: RefusalReason) -> HeadResult {
        .refused(Refusal(reason, in: .response))
    }

    /// Reads what the fields say about the message as a whole.
    private func interpret(_ head: MessageHead) -> RefusalReason? {
        let census = FieldCensus(head)
        let declared: DeclaredLength
        switch DeclaredLength.read(head, census) {
        case .failure(let reason): return reason
        case .success(let read): declared = read
        }
        let options: ConnectionOptions
        switch ConnectionOptions.read(head, census) {
        case .failure(let reason): return reason
        case .success(let read): options = read
        }
        head.keepAlive = options.persists(in: head.version)
        frame(head, declared)
        if head.status == 101 {
            UpgradeField.apply(to: head, options, census)
            if head.upgrade.isEmpty { return .switchWithoutUpgrade }
        }
        return nil
    }

    /// How the body ends (RFC 9112 section 6.3): the status and the method come before any field.
    private func frame(_ head: MessageHead, _ declared: DeclaredLength) {
        if head.status < 200 || head.status == 204 {
            head.framing = .none
            // These may not declare a length (RFC 9110 section 8.6), so it is not passed on.
            for index in head.fields.indices where head.fields[index].known == .contentLength {
                head.fields[index].isHopByHop = true
            }
            return
        }
        if head.status == 304 || method == .head || (method == .connect && head.status < 300) {
            head.framing = .none
            return
        }
        switch declared {
        case .length(let count): head.framing = .length(count)
        case .chunked: head.framing = .chunked
        case .none:
            head.framing = .untilClose
            head.keepAlive = false
        }
    }
}
