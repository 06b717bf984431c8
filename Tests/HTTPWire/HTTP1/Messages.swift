import Bytes
import HTTPWire

/// What a head says, comparable, for tests that read the same message in several ways.
struct HeadSummary: Equatable, CustomStringConvertible {
    var method = ""
    var target = ""
    var authority = ""
    var version = Version.http11
    var status = 0
    var framing = BodyFraming.none
    var keepAlive = true
    var expectsContinue = false
    var upgrade = ""
    var fields: [String] = []

    init(_ head: MessageHead) {
        let bytes = head.bytes
        method = bytes.span(head.methodName).text
        target = bytes.span(head.target).text
        authority = bytes.span(head.authority).text
        version = head.version
        status = head.status
        framing = head.framing
        keepAlive = head.keepAlive
        expectsContinue = head.expectsContinue
        upgrade = bytes.span(head.upgrade).text
        fields = head.fields.map {
            "\(bytes.span($0.name).text)=\(bytes.span($0.value).text)|\($0.known)\($0.isHopByHop ? "|hop" : "")"
        }
    }

    var description: String {
        "\(method) \(target) \(authority) \(version) \(status) \(framing) \(keepAlive) \(upgrade) \(fields)"
    }
}

/// What became of a head: all of it, or the refusal.
enum Outcome: Equatable {
    case head(HeadSummary, consumed: Int)
    case refused(Refusal)
    case incomplete
}

/// Reads one request head that comes in pieces which end at `cuts`, and then whole.
func readRequest(
    _ bytes: [UInt8],
    cuts: [Int] = [],
    limits: HeadLimits = HeadLimits(),
    allowsConnect: Bool = false
) -> Outcome {
    var parser = HTTP1RequestParser(limits: limits, allowsConnect: allowsConnect)
    let head = MessageHead()
    return outcome(of: bytes, cuts: cuts, head) { parser.parse($0, into: head) }
}

/// Reads one response head that comes in pieces which end at `cuts`, and then whole.
func readResponse(_ bytes: [UInt8], cuts: [Int] = [], method: Method = .get) -> Outcome {
    var parser = HTTP1ResponseParser()
    parser.reset(forMethod: method)
    let head = MessageHead()
    return outcome(of: bytes, cuts: cuts, head) { parser.parse($0, into: head) }
}

private func outcome(
    of bytes: [UInt8],
    cuts: [Int],
    _ head: MessageHead,
    parse: (Span<UInt8>) -> HeadResult
) -> Outcome {
    for cut in cuts + [bytes.count] {
        // A fresh copy of the prefix: a parser that kept its place in memory would be found out.
        let prefix = Array(bytes[..<cut])
        switch parse(prefix.span) {
        case .incomplete: continue
        case .complete(let consumed): return .head(HeadSummary(head), consumed: consumed)
        case .refused(let refusal): return .refused(refusal)
        }
    }
    return .incomplete
}

/// What became of a body: its bytes and where it ended.
enum BodyOutcome: Equatable {
    case whole([UInt8], consumed: Int, trailers: [String])
    case unfinished([UInt8])
    case refused(Refusal)
}

/// Reads one body that comes in pieces which end at `cuts`, dropping what is consumed as a connection does.
func readBody(
    _ bytes: [UInt8],
    _ framing: BodyFraming,
    cuts: [Int] = [],
    limit: UInt64 = .max,
    limits: HeadLimits = HeadLimits(),
    kind: MessageKind = .request
) -> BodyOutcome {
    var decoder = HTTP1BodyDecoder(kind, limits: limits)
    let trailers = MessageHead()
    decoder.start(framing, limit: limit, trailers: trailers)
    var body: [UInt8] = []
    let input = ByteBuffer(capacity: 16)
    var dropped = 0
    var fed = 0
    for cut in cuts + [bytes.count] {
        input.append(Array(bytes[fed..<cut]))
        fed = cut
        var from = 0
        reading: while true {
            switch decoder.next(input.readable, from: from) {
            case .data(let run):
                body += input.readable.extracting(run).array
                from = run.upperBound
            case .needMore(let consumed):
                input.consume(consumed)
                dropped += consumed
                break reading
            case .end(let consumed):
                let lines = HeadSummary(trailers).fields
                return .whole(body, consumed: dropped + consumed, trailers: lines)
            case .refused(let refusal):
                return .refused(refusal)
            }
        }
    }
    return .unfinished(body)
}

extension String {
    var bytes: [UInt8] { Array(utf8) }
}
