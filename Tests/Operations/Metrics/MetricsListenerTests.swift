import Glibc
import Linux
import Operations
import Testing

@Suite("The metrics listener")
struct MetricsListenerTests {
    private func listener(_ body: String) throws -> MetricsListener {
        let address = try #require(SocketAddress("127.0.0.1", port: 0))
        return try MetricsListener(on: address) { body }
    }

    @Test("a scrape gets all of a large report, cut at every kind of place")
    func scrape() throws {
        let body = String(repeating: "gatehouse_x_total 1\n", count: 100_000)
        let listener = try listener(body)
        defer { listener.stop() }
        let whole = "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"
        for pieces in [
            [whole], ["GET /met", "rics HTTP/1.1\r", "\nHost: a\r\n\r", "\n"], [whole + "GET / HTTP/1.1\r\n"],
        ] {
            let answer = try Client(listener.address).ask(pieces)
            #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(answer.contains("\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"))
            #expect(answer.hasSuffix("\r\n\r\n" + body))
        }
    }

    @Test("HEAD gets the length alone; other paths and methods are refused")
    func others() throws {
        let listener = try listener("x 1\n")
        defer { listener.stop() }
        let head = try Client(listener.address).ask(["HEAD /metrics HTTP/1.1\r\n\r\n"])
        #expect(head.contains("\r\nContent-Length: 4\r\n") && head.hasSuffix("\r\n\r\n"))
        let missing = try Client(listener.address).ask(["GET /secret HTTP/1.1\r\n\r\n"])
        #expect(missing.hasPrefix("HTTP/1.1 404 Not Found\r\n"))
        let post = try Client(listener.address).ask(["POST /metrics HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"])
        #expect(post.hasPrefix("HTTP/1.1 405 Method Not Allowed\r\n") && post.contains("\r\nAllow: GET, HEAD\r\n"))
        let noise = try Client(listener.address).ask(["\u{16}\u{3}\u{1}\r\n\r\n"])
        #expect(noise.hasPrefix("HTTP/1.1 400 Bad Request\r\n"))
    }

    @Test("a client that ends its side at once still gets its answer, and silent ones hold nobody up")
    func halfClosed() throws {
        let listener = try listener("x 1\n")
        defer { listener.stop() }
        let silent = try (0..<10).map { _ in try Client(listener.address) }
        let answer = try Client(listener.address).ask(["GET /metrics HTTP/1.1\r\n\r\n"], endsSide: true)
        #expect(answer.hasSuffix("\r\n\r\nx 1\n"))
        #expect(silent.count == 10)
    }

    @Test("however many clients never ask, a scrape is answered")
    func silentCrowd() throws {
        let address = try #require(SocketAddress("127.0.0.1", port: 0))
        // Without room made for it, the scrape would wait for an hour.
        let listener = try MetricsListener(on: address, patience: 3_600_000) { "x 1\n" }
        defer { listener.stop() }
        let crowd = try (0..<129).map { _ in try Client(listener.address) }
        let scrape = try Client(listener.address, patience: 120)
        #expect(try scrape.ask(["GET /metrics HTTP/1.1\r\n\r\n"]).hasSuffix("\r\n\r\nx 1\n"))
        #expect(crowd.count == 129)
    }

    @Test("more connections than it holds are served as room comes")
    func crowd() throws {
        let listener = try listener("x 1\n")
        defer { listener.stop() }
        var crowd = try (0..<100).map { _ in try Client(listener.address) }
        let last = try Client(listener.address)
        crowd.removeAll()
        #expect(try last.ask(["GET /metrics HTTP/1.1\r\n\r\n"]).hasSuffix("\r\n\r\nx 1\n"))
    }
}

/// A blocking connection to the listener.
private final class Client {
    private let socket: FileDescriptor

    struct Failure: Error {}

    private let patience: Int32

    /// - Parameter patience: seconds that connecting and each read may take.
    init(_ address: SocketAddress, patience: Int32 = 60) throws {
        self.patience = patience
        socket = try Socket.connect(to: address)
        // Connecting does not wait: reads and writes do, with a bound.
        _ = fcntl(socket.raw, F_SETFL, fcntl(socket.raw, F_GETFL) & ~O_NONBLOCK)
        var patience = timeval(tv_sec: Int(patience), tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        // Sound: the option is read from a value of the size named.
        _ = unsafe setsockopt(socket.raw, SOL_SOCKET, SO_RCVTIMEO, &patience, size)
    }

    /// Sends the pieces one by one and reads until the server closes.
    func ask(_ pieces: [String], endsSide: Bool = false) throws -> String {
        var poller = pollfd(fd: socket.raw, events: Int16(POLLOUT), revents: 0)
        // Sound: one entry, as the count says.
        _ = unsafe poll(&poller, 1, patience * 1000)
        for piece in pieces {
            let bytes = Array(piece.utf8)
            // Sound: the array's bytes are read during the call.
            guard unsafe send(socket.raw, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
                throw Failure()
            }
        }
        if endsSide { Socket.shutdownWrite(socket.raw) }
        var answer: [UInt8] = []
        var room = [UInt8](repeating: 0, count: 65536)
        while true {
            // Sound: the kernel writes at most the array's size.
            let count = unsafe recv(socket.raw, &room, room.count, 0)
            if count == 0 { break }
            guard count > 0 else { throw Failure() }
            answer += room[..<count]
        }
        return String(decoding: answer, as: UTF8.self)
    }
}
