import Bytes

@testable import HTTPWire

/// What a delegate was told, in a form that can be compared.
enum Event: Equatable {
    case opened(Int32, String, ends: Bool)
    case data(Int32, String)
    case ended(Int32, [String])
    case closed(Int32, UInt32)
    case writable(Int32)
    case declined(Int32, RefusalReason)
    case refused(Int32, RefusalReason)
}

/// A session under test with its delegate, its clock and what it wrote.
final class Server: HTTP2ServerDelegate {
    let buffers = BufferPool(size: 4_096, keep: 8)
    let pool: HTTP2StreamPool
    let counters = HTTP2GlitchCounters()
    let settings: HTTP2Settings
    let budgets: HTTP2Budgets
    var now: UInt64 = 1_000
    private(set) var events: [Event] = []
    var streams: [Int32: HTTP2Stream] = [:]
    /// Whether request bodies are consumed as they come.
    var consumes = true
    /// What to do when a request is complete.
    var whenComplete: (Server, HTTP2Stream) -> Void = { _, _ in }
    var whenWritable: (Server, HTTP2Stream) -> Void = { _, _ in }
    private let inflater = Inflater()
    private var output: [UInt8] = []

    lazy var session = HTTP2ServerSession(
        settings: settings,
        budgets: budgets,
        pool: pool,
        counters: counters,
        delegate: self,
        now: now
    )

    init(_ settings: HTTP2Settings = HTTP2Settings(), _ budgets: HTTP2Budgets = HTTP2Budgets()) {
        self.settings = settings
        self.budgets = budgets
        pool = HTTP2StreamPool(keep: 16, buffers: buffers)
    }

    /// Gives bytes to the session, `step` at a time.
    @discardableResult
    func feed(_ bytes: [UInt8], step: Int = .max) -> HTTP2Outcome {
        var outcome = HTTP2Outcome.ok
        var position = 0
        while position < bytes.count {
            let end = step == .max ? bytes.count : min(position + step, bytes.count)
            let part = Array(bytes[position..<end])
            outcome = session.receive(part.span, now: now)
            position = end
        }
        return outcome
    }

    /// The frames that the session has ready, `limit` bytes at a time, without those of its opening.
    func frames(limit: Int = 1 << 20) -> [Frame] {
        let out = ByteBuffer(capacity: 4_096)
        while session.wantsWrite {
            out.clear()
            if session.produce(into: out, limit: limit, now: now) == 0 { break }
            output += out.array
        }
        return takeFrames()
    }

    /// One call of `produce`.
    func produceOnce(limit: Int = 1 << 20) -> [Frame] {
        let out = ByteBuffer(capacity: 4_096)
        _ = session.produce(into: out, limit: limit, now: now)
        output += out.array
        return takeFrames()
    }

    private func takeFrames() -> [Frame] {
        var frames: [Frame] = []
        var position = 0
        while position + 9 <= output.count {
            let length = output[position..<(position + 3)].reduce(0) { $0 << 8 | Int($1) }
            guard position + 9 + length <= output.count else { break }
            let stream = output[(position + 5)..<(position + 9)].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            frames.append(
                Frame(
                    type: output[position + 3],
                    flags: output[position + 4],
                    stream: Int32(bitPattern: stream),
                    payload: Array(output[(position + 9)..<(position + 9 + length)])
                )
            )
            position += 9 + length
        }
        output.removeFirst(position)
        return frames
    }

    func fields(of frame: Frame) -> [String]? { inflater.decode(frame.payload) }

    /// Opens the connection and drops the frames that belong to the opening.
    func open(_ clientSettings: [(UInt16, UInt32)] = []) {
        feed(Wire.preface + Wire.settings(clientSettings) + Wire.settingsAcknowledgement)
        _ = frames()
    }

    /// Answers with these fields and body.
    func respond(_ stream: HTTP2Stream, status: Int = 200, body: String = "") {
        let head = HTTP2HeadWriter()
        head.startResponse(status: status)
        head.add("content-length", decimal: UInt64(body.utf8.count))
        session.respond(stream, head, endsStream: body.isEmpty)
        guard !body.isEmpty else { return }
        let bytes = Array(body.utf8)
        _ = session.send(bytes.span, on: stream)
        session.finish(stream)
    }

    /// Frees what a test holds, and says whether the session gave everything back.
    var gaveAllBack: Bool {
        streams = [:]
        return pool.lent == 0 && buffers.lent == 0 && session.openStreams == 0
    }

    // MARK: HTTP2ServerDelegate

    func http2(_ session: HTTP2ServerSession, opened stream: HTTP2Stream) {
        streams[stream.id] = stream
        events.append(.opened(stream.id, describe(stream.head), ends: stream.endsWithHead))
        if stream.endsWithHead { whenComplete(self, stream) }
    }

    func http2(_ session: HTTP2ServerSession, declined stream: HTTP2Stream, reason: RefusalReason) {
        streams[stream.id] = stream
        events.append(.declined(stream.id, reason))
        respond(stream, status: reason.status)
    }

    func http2(_ session: HTTP2ServerSession, refused stream: HTTP2Stream, reason: RefusalReason) {
        events.append(.refused(stream.id, reason))
    }

    func http2(_ session: HTTP2ServerSession, data: Span<UInt8>, on stream: HTTP2Stream) {
        // Where a body is cut is not part of what it says.
        if case .data(stream.id, let before) = events.last {
            events[events.count - 1] = .data(stream.id, before + data.text)
        } else {
            events.append(.data(stream.id, data.text))
        }
        if consumes { session.consume(stream, data.count) }
    }

    func http2(_ session: HTTP2ServerSession, ended stream: HTTP2Stream) {
        let lines = stream.trailers.map { self.fields(of: $0) } ?? []
        events.append(.ended(stream.id, lines))
        whenComplete(self, stream)
    }

    func http2(_ session: HTTP2ServerSession, closed stream: HTTP2Stream, code: UInt32) {
        streams[stream.id] = nil
        events.append(.closed(stream.id, code))
    }

    func http2(_ session: HTTP2ServerSession, writable stream: HTTP2Stream) {
        events.append(.writable(stream.id))
        whenWritable(self, stream)
    }

    /// `METHOD authority target | name: value | …`
    private func describe(_ head: MessageHead) -> String {
        let bytes = head.bytes
        let line = [head.methodName, head.authority, head.target].map { bytes.span($0).text }.joined(separator: " ")
        return ([line] + fields(of: head)).joined(separator: " | ")
    }

    private func fields(of head: MessageHead) -> [String] {
        let bytes = head.bytes
        return head.fields.map { bytes.span($0.name).text + ": " + bytes.span($0.value).text }
    }
}
