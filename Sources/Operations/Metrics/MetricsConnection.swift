import Bytes
import Engine
import Linux

/// One scrape: reads one request, answers it, and closes. Prometheus connects anew for each.
internal final class MetricsConnection: EventHandler {
    let registration = Registration()
    private let acceptor: MetricsAcceptor
    private let transport: Transport
    private(set) var hasAnswered = false
    private let began: UInt64
    private var hasEndedOutput = false
    private var clientHasEnded = false

    /// Bytes of a request's head at most.
    private static let headLimit = 8192

    static func makePool() -> BufferPool { BufferPool(size: Transport.bufferSize, keep: 4) }

    static func start(
        _ socket: consuming FileDescriptor,
        acceptor: MetricsAcceptor,
        pool: BufferPool
    ) throws(SystemError) -> MetricsConnection {
        let connection = MetricsConnection(Transport(socket, tls: nil, pool: pool), acceptor: acceptor)
        do throws(SystemError) {
            try acceptor.loop.add(connection, descriptor: connection.transport.descriptor)
        } catch {
            connection.transport.close()
            throw error
        }
        acceptor.loop.setDeadline(connection.registration, after: acceptor.patience)
        return connection
    }

    private init(_ transport: Transport, acceptor: MetricsAcceptor) {
        self.transport = transport
        self.acceptor = acceptor
        began = acceptor.loop.now
    }

    /// Milliseconds since it was taken.
    var age: UInt64 { acceptor.loop.now - began }

    func timedOut() { close() }

    func ready(_ events: Epoll.Events) {
        transport.note(events)
        while transport.mayReceive {
            switch transport.receive() {
            case .data:
                guard let input = transport.input else { continue }
                if !hasAnswered { read(input) }
                // What follows the request is taken and dropped, so that closing does not reset the answer.
                if hasAnswered { input.consume(input.count) }
                transport.releaseInput()
            case .wouldBlock: break
            case .endOfStream, .truncated:
                // A client may end its side and still wait for the answer.
                if !hasAnswered || hasEndedOutput { return close() }
                clientHasEnded = true
            case .failed: return close()
            }
        }
        if hasAnswered { sendRest() }
    }

    private func sendRest() {
        if hasEndedOutput { return }
        switch transport.flush() {
        case .failed: close()
        case .blocked: return
        case .done:
            hasEndedOutput = true
            if case .failed = transport.endOutput() { return close() }
            // Else the client's end, or the deadline, closes the connection.
            if clientHasEnded { close() }
        }
    }

    func close() {
        guard registration.isRegistered else { return }
        acceptor.loop.remove(self)
        transport.close()
        acceptor.ended(self)
    }

    // MARK: The request

    private func read(_ input: ByteBuffer) {
        switch MetricsRequest.read(input.readable, limit: Self.headLimit) {
        case nil: return
        case .report(let sendsBody): answer("200 OK", acceptor.report(), type: Self.exposition, sendsBody: sendsBody)
        case .notFound: answer("404 Not Found", "Metrics are at /metrics.\n")
        case .methodNotAllowed: answer("405 Method Not Allowed", "GET or HEAD.\n", more: "Allow: GET, HEAD\r\n")
        case .malformed: answer("400 Bad Request", "This is no HTTP/1.1 request.\n")
        }
    }

    private static let exposition = "text/plain; version=0.0.4; charset=utf-8"

    private func answer(
        _ status: String,
        _ body: String,
        type: String = "text/plain; charset=utf-8",
        more: String = "",
        sendsBody: Bool = true
    ) {
        hasAnswered = true
        let output = ByteBuffer(capacity: body.utf8.count + 512)
        output.append(string: "HTTP/1.1 \(status)\r\nContent-Type: \(type)\r\nContent-Length: \(body.utf8.count)\r\n")
        output.append(string: "\(more)Cache-Control: no-store\r\nConnection: close\r\n\r\n")
        if sendsBody { output.append(string: body) }
        transport.write(output.readable)
    }
}
