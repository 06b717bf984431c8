import Bytes
import HTTPWire

/// One input for the HTTP/1 codec: its first two bytes say where the rest is cut and which reader gets it.
///
/// What must hold, or it traps: reading in two pieces gives what reading at once gives; nothing more is
/// consumed than came; a run of body lies inside the input.
@c(LLVMFuzzerTestOneInput)
public func fuzzHTTP1(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count >= 2 else { return 0 }
    // Sound: libFuzzer lends `count` bytes for the length of this call.
    let bytes = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    let message = Array(bytes[2...])
    let cut = message.isEmpty ? 0 : Int(bytes[0]) * message.count / 256
    switch bytes[1] % 4 {
    case 0: fuzzRequest(message, cut)
    case 1: fuzzResponse(message, cut, bytes[1] & 4 == 0 ? .get : .head)
    default: fuzzBody(message, cut)
    }
    return 0
}

private func fuzzRequest(_ message: [UInt8], _ cut: Int) {
    var limits = HeadLimits()
    limits.requestLine = 128
    limits.fieldLine = 128
    limits.head = 512
    limits.fields = 8
    let whole = MessageHead()
    var parser = HTTP1RequestParser(limits: limits)
    let expected = parser.parse(message.span, into: whole)
    let pieces = MessageHead()
    parser.reset()
    var found = parser.parse(message.span.extracting(0..<cut), into: pieces)
    if found == .incomplete { found = parser.parse(message.span, into: pieces) }
    check(found, expected, message.count)
    precondition(whole.bytes.array == pieces.bytes.array && whole.fields.count == pieces.fields.count)
    exercise(whole)
}

private func fuzzResponse(_ message: [UInt8], _ cut: Int, _ method: Method) {
    let whole = MessageHead()
    var parser = HTTP1ResponseParser()
    parser.reset(forMethod: method)
    let expected = parser.parse(message.span, into: whole)
    let pieces = MessageHead()
    parser.reset()
    var found = parser.parse(message.span.extracting(0..<cut), into: pieces)
    if found == .incomplete { found = parser.parse(message.span, into: pieces) }
    check(found, expected, message.count)
    precondition(whole.bytes.array == pieces.bytes.array && whole.framing == pieces.framing)
    exercise(whole)
}

private func check(_ found: HeadResult, _ expected: HeadResult, _ count: Int) {
    precondition(found == expected, "the cut changed the answer")
    if case .complete(let consumed) = expected { precondition(consumed <= count) }
}

/// The readers behind the head parser, which see what it let through.
private func exercise(_ head: MessageHead) {
    let bytes = head.bytes
    let scratch = ByteBuffer(capacity: 64)
    NormalizedPath.write(bytes.span(head.target), to: scratch)
    _ = Authority(bytes.span(head.authority))
    for field in head.fields {
        _ = AcceptPreference.prefersJSON(bytes.span(field.value))
        _ = RequestID.isValid(bytes.span(field.value))
    }
}

private func fuzzBody(_ message: [UInt8], _ cut: Int) {
    let whole = read(message, [message.count])
    let pieces = read(message, [cut, message.count])
    precondition(whole.body == pieces.body || whole.refused, "the cut changed the body")
    precondition(whole.refused == pieces.refused && whole.ended == pieces.ended, "the cut changed the end")
}

private func read(_ message: [UInt8], _ ends: [Int]) -> (body: [UInt8], ended: Bool, refused: Bool) {
    var decoder = HTTP1BodyDecoder()
    decoder.start(.chunked, limit: 1 << 40, trailers: MessageHead())
    var body: [UInt8] = []
    var dropped = 0
    for end in ends {
        let input = Array(message[dropped..<end])
        var from = 0
        reading: while true {
            switch decoder.next(input.span, from: from) {
            case .data(let run):
                precondition(run.lowerBound >= from && run.upperBound <= input.count && !run.isEmpty)
                body += input[run]
                from = run.upperBound
            case .needMore(let consumed):
                dropped += consumed
                break reading
            case .end(let consumed):
                precondition(consumed <= input.count)
                return (body, true, false)
            case .refused: return (body, false, true)
            }
        }
    }
    return (body, false, false)
}
