package import Control
import Engine
package import Linux

/// Answers `GET /metrics` on an own address, on a thread of its own with its own loop.
///
/// Workers take no part in it: the report is made of shared memory.
package final class MetricsListener: Sendable {
    private enum Order: Sendable {
        case stop
    }

    /// Where it listens; with port 0 asked for, the port that the kernel chose.
    package let address: SocketAddress
    private let socket: ListeningSocket
    private let orders: Mailbox<Order>
    private let thread: Thread

    /// Binds and answers from then on.
    ///
    /// - Parameters:
    ///   - segment: a socket that listens there already.
    ///   - report: the text; called on the listener's thread for each scrape.
    /// - Throws: EADDRINUSE, EACCES, EADDRNOTAVAIL: the address cannot be had.
    package init(
        on wanted: SocketAddress,
        adopting segment: SharedSegment? = nil,
        report: @escaping @Sendable () -> String
    ) throws(SystemError) {
        let socket: ListeningSocket
        if let segment {
            socket = ListeningSocket(owning: try segment.duplicate())
        } else {
            socket = ListeningSocket(owning: try Socket.listen(on: wanted, backlog: 64))
        }
        self.socket = socket
        address = Socket.localAddress(socket.raw) ?? wanted
        let orders = try Mailbox<Order>()
        self.orders = orders
        thread = try Thread.start(name: "metrics") {
            // What fails here is memory or descriptors; the gateway itself goes on.
            do throws(SystemError) {
                let loop = try EventLoop()
                let acceptor = try MetricsAcceptor(socket, on: loop, report: report)
                _ = try MailboxReader(orders, on: loop) { (_: Order) in loop.stop() }
                loop.run { acceptor.turnOver() }
            } catch {
                StandardError.write("gatehouse: metrics are not served: \(error)\n")
            }
        }
    }

    /// The socket, for the program that comes after this one.
    package func segment() throws(SystemError) -> SharedSegment {
        SharedSegment(name: Self.segmentName(at: address), owning: try socket.duplicate())
    }

    package static func segmentName(at address: SocketAddress) -> String { "metrics \(address)" }

    /// Answers nobody any more; returns when the thread has ended.
    package func stop() {
        orders.post(.stop)
        thread.join()
    }
}

/// Takes connections, a bounded number at a time.
internal final class MetricsAcceptor: EventHandler {
    let registration = Registration()
    let loop: EventLoop
    let report: () -> String
    private let socket: ListeningSocket
    private let pool = MetricsConnection.makePool()
    private var connections = 0
    /// Out of room or of descriptors: what waits is looked at again as connections end, or a second later.
    private var isHeldUp = false

    private static let mostConnections = 64

    init(_ socket: ListeningSocket, on loop: EventLoop, report: @escaping () -> String) throws(SystemError) {
        self.loop = loop
        self.report = report
        self.socket = socket
        try loop.add(self, descriptor: self.socket.raw, interest: [.readable])
    }

    func ready(_ events: Epoll.Events) { acceptAll() }

    func turnOver() {
        if isHeldUp { acceptAll() }
    }

    func connectionEnded() { connections -= 1 }

    private func acceptAll() {
        isHeldUp = false
        while true {
            guard connections < Self.mostConnections else {
                isHeldUp = true
                return
            }
            do throws(SystemError) {
                guard let accepted = try Socket.accept(socket.raw) else { return }
                try MetricsConnection.start(accepted.takeSocket(), acceptor: self, pool: pool)
                connections += 1
            } catch {
                isHeldUp = true
                return
            }
        }
    }
}
