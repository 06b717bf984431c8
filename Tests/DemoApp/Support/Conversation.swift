import Bytes
import Engine
import Linux
import Testing

@testable import DemoApp

/// An app server on a free port and clients of it, all on one thread: whoever waits turns the server's loop.
final class Conversation {
    let server: AppServer
    private let pool = BufferPool(size: Transport.bufferSize, keep: 8)

    init() throws {
        let name = try #require(AppName("app-07"))
        let address = try #require(SocketAddress("127.0.0.1", port: 0))
        server = try AppServer(name: name, listener: try Socket.listen(on: address, backlog: 64))
    }

    func connect() throws -> Client {
        Client(Transport(try Socket.connect(to: server.address), tls: nil, pool: pool), of: self)
    }

    /// Turns the server's loop until `condition` holds.
    func turn(_ what: String, until condition: () throws -> Bool) throws {
        let end = Clock.monotonicNanoseconds + 60_000_000_000
        while try !condition() {
            guard Clock.monotonicNanoseconds < end else { throw Failure("not within 60 s: \(what)") }
            server.turn(waitingAtMost: 2)
        }
    }
}

struct Failure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// A client that sends and receives bytes as they are.
final class Client {
    private let transport: Transport
    private unowned let conversation: Conversation
    /// What came and was not taken.
    private(set) var received: [UInt8] = []
    private(set) var hasEnded = false

    fileprivate init(_ transport: Transport, of conversation: Conversation) {
        self.transport = transport
        self.conversation = conversation
    }

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) throws {
        transport.write(bytes.span)
        try conversation.turn("\(bytes.count) bytes are sent") {
            transport.note([.writable])
            return transport.flush() == .done
        }
    }

    /// Sends what the socket takes now, without turning the server.
    /// - Returns: whether all that was offered is sent; if not, the next call goes on with it and takes nothing new.
    func offer(_ bytes: [UInt8]) throws -> Bool {
        transport.note([.writable])
        if transport.pendingOutput == 0 { transport.write(bytes.span) }
        switch transport.flush() {
        case .done: return true
        case .blocked: return false
        case .failed(let failure): throw Failure("\(failure)")
        }
    }

    /// Reads what is there, without waiting.
    func poll() {
        transport.note([.readable])
        switch transport.receive() {
        case .data:
            guard let input = transport.input else { return }
            received += input.array
            input.consume(input.count)
            transport.releaseInput()
        case .wouldBlock: break
        case .endOfStream, .truncated, .failed: hasEnded = true
        }
    }

    func endSending() { _ = transport.endOutput() }
    func close() { transport.close() }

    /// Waits for so many bytes and takes them.
    func take(_ count: Int) throws -> [UInt8] {
        try conversation.turn("\(count) bytes come, not \(received.count)") {
            poll()
            if hasEnded && received.count < count { throw Failure("ended after: \(text)") }
            return received.count >= count
        }
        defer { received.removeFirst(count) }
        return Array(received.prefix(count))
    }

    /// Waits for the end of the stream and takes all that came before it.
    func takeToEnd() throws -> String {
        try conversation.turn("the stream ends") {
            poll()
            return hasEnded
        }
        defer { received = [] }
        return text
    }

    /// Takes a response whose length is declared, its body with it.
    func response(hasBody: Bool = true) throws -> Response {
        let head = try takeThrough("\r\n\r\n")
        let lines = head.split(separator: "\r\n").map(String.init)
        var response = Response(status: Int(lines[0].split(separator: " ")[1]) ?? 0)
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            response.fields[String(parts[0]).lowercased()] = parts[1].drop { $0 == " " }.description
        }
        guard hasBody else { return response }
        if response.fields["transfer-encoding"] == "chunked" {
            while let size = Int(try takeThrough("\r\n").prefix { $0.isHexDigit }, radix: 16), size > 0 {
                response.body += try take(size)
                _ = try take(2)
            }
            _ = try take(2)
        } else if let length = response.fields["content-length"].flatMap(Int.init) {
            response.body = try take(length)
        }
        return response
    }

    func exchange(_ request: String, hasBody: Bool = true) throws -> Response {
        try send(request)
        return try response(hasBody: hasBody)
    }

    private var text: String { String(decoding: received, as: UTF8.self) }

    private func takeThrough(_ mark: String) throws -> String {
        let mark = Array(mark.utf8)
        var end = 0
        try conversation.turn("\(mark) comes") {
            poll()
            for index in 0..<max(0, received.count - mark.count + 1)
            where Array(received[index..<(index + mark.count)]) == mark {
                end = index + mark.count
                return true
            }
            if hasEnded { throw Failure("ended after: \(text)") }
            return false
        }
        return String(decoding: try take(end), as: UTF8.self)
    }
}

struct Response {
    var status: Int
    var fields: [String: String] = [:]
    var body: [UInt8] = []

    var text: String { String(decoding: body, as: UTF8.self) }
}
