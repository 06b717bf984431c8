/// A field of a message, as it stood on the wire.
struct Field: Equatable, CustomStringConvertible {
    let name: String
    let value: String

    var description: String { "\(name): \(value)" }
}

/// One HTTP/1.1 message as read by the harness: an own, deliberately plain reader, so that nothing is judged by the
/// code that it tests.
struct Message: CustomStringConvertible {
    /// How the body's end was known.
    enum Framing: Equatable { case none, length, chunked, close }

    var startLine: String
    var fields: [Field]
    var body: [UInt8] = []
    var trailers: [Field] = []
    var framing = Framing.none

    /// Of a response; 0 when the start line has none.
    var status: Int {
        let words = startLine.split(separator: " ")
        return words.count > 1 ? Int(words[1]) ?? 0 : 0
    }

    var text: String { String(decoding: body, as: UTF8.self) }

    /// The values of every field of that name, in order. Names are compared without regard to case.
    func values(_ name: String) -> [String] {
        fields.filter { $0.name.lowercased() == name.lowercased() }.map(\.value)
    }

    /// The only value of a field; nil when it is missing or there are several.
    subscript(_ name: String) -> String? {
        let all = values(name)
        return all.count == 1 ? all[0] : nil
    }

    var description: String {
        ([startLine] + fields.map(\.description)).joined(separator: " | ") + " | body of \(body.count) bytes"
    }
}

/// HTTP/1.1 over a socket, from either side.
final class HTTPConnection: @unchecked Sendable {
    let socket: Socket
    /// What was read and not yet taken.
    private(set) var buffered: [UInt8] = []
    var patience: Duration
    /// Whom the connection leads to, so that it is not stopped meanwhile.
    var gateway: Gateway?

    init(_ socket: Socket, patience: Duration = .seconds(60)) {
        self.socket = socket
        self.patience = patience
    }

    /// To a gateway's plain listener.
    convenience init(port: UInt16, from source: String? = nil, patience: Duration = .seconds(60)) throws {
        self.init(try Socket.connect(to: port, from: source), patience: patience)
    }

    func send(_ text: String) throws { try socket.write(text) }
    func send(_ bytes: [UInt8]) throws { try socket.write(bytes) }

    /// The next request, or nil when the other side closed before its first byte.
    func readRequest() throws -> Message? {
        guard try fill() else { return nil }
        var message = try readHead()
        if message.values("transfer-encoding").contains(where: { $0.lowercased() == "chunked" }) {
            try readChunks(into: &message)
        } else if let length = message["content-length"].flatMap(Int.init) {
            message.body = try take(length)
            message.framing = .length
        }
        return message
    }

    /// The next response, 1xx ones included.
    /// - Throws: a `HarnessError` when the stream ends before the message does.
    func readResponse(toHEAD: Bool = false) throws -> Message {
        var message = try readHead()
        if toHEAD || message.status / 100 == 1 || message.status == 204 || message.status == 304 { return message }
        if message.values("transfer-encoding").contains(where: { $0.lowercased() == "chunked" }) {
            try readChunks(into: &message)
        } else if let length = message["content-length"].flatMap(Int.init) {
            message.body = try take(length)
            message.framing = .length
        } else {
            while try fill() {}
            message.body = buffered
            message.framing = .close
            buffered = []
        }
        return message
    }

    func exchange(_ request: String, toHEAD: Bool = false) throws -> Message {
        try send(request)
        return try readResponse(toHEAD: toHEAD)
    }

    /// The start line and fields, the body left where it is.
    func readHead() throws -> Message {
        let startLine = try line()
        return Message(startLine: startLine, fields: try readFields())
    }

    /// Everything up to the end of the stream; a reset counts as an end.
    func readToEnd() throws -> [UInt8] {
        do { while try fill() {} } catch Socket.Failure.reset {}
        defer { buffered = [] }
        return buffered
    }

    /// True when the other side closes, by FIN or RST, before it sends another byte.
    func isClosedByPeer() throws -> Bool {
        guard buffered.isEmpty else { return false }
        do { return try !fill() } catch Socket.Failure.reset { return true } catch Socket.Failure.timedOut {
            return false
        }
    }

    /// Exactly so many bytes.
    func take(_ count: Int) throws -> [UInt8] {
        while buffered.count < count {
            guard try fill() else {
                throw HarnessError("the stream ended \(count - buffered.count) bytes early, after: \(excerpt)")
            }
        }
        defer { buffered.removeFirst(count) }
        return Array(buffered.prefix(count))
    }

    /// The next line, without its CRLF. A bare LF is no line end here.
    func line() throws -> String {
        var searched = 0
        while true {
            let end = buffered.indices.dropFirst(searched).first {
                buffered[$0] == 10 && $0 > 0 && buffered[$0 - 1] == 13
            }
            if let end {
                defer { buffered.removeFirst(end + 1) }
                return String(decoding: buffered[..<(end - 1)], as: UTF8.self)
            }
            searched = max(0, buffered.count - 1)
            guard try fill() else { throw HarnessError("the stream ended inside a line: \(excerpt)") }
        }
    }

    private func readFields() throws -> [Field] {
        var fields: [Field] = []
        while true {
            let text = try line()
            if text.isEmpty { return fields }
            guard let colon = text.firstIndex(of: ":") else { throw HarnessError("a field without a colon: \(text)") }
            let value = text[text.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            fields.append(Field(name: String(text[..<colon]), value: String(value)))
        }
    }

    private func readChunks(into message: inout Message) throws {
        message.framing = .chunked
        while true {
            let size = try line()
            guard let count = Int(size, radix: 16) else { throw HarnessError("a chunk size that is none: \(size)") }
            if count == 0 { break }
            message.body += try take(count)
            guard try take(2) == [13, 10] else { throw HarnessError("no CRLF after a chunk") }
        }
        message.trailers = try readFields()
    }

    /// False at the end of the stream.
    private func fill() throws -> Bool {
        let bytes = try socket.read(by: Deadline(patience))
        buffered += bytes
        return !bytes.isEmpty
    }

    private var excerpt: String {
        String(decoding: buffered.prefix(200), as: UTF8.self).debugDescription
    }
}
