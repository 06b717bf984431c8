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
    ///   - patience: milliseconds that a connection may take in all.
    ///   - report: the text; called on the listener's thread for each scrape.
    /// - Throws: EADDRINUSE, EACCES, EADDRNOTAVAIL: the address cannot be had.
    package init(
        on wanted: SocketAddress,
        adopting segment: SharedSegment? = nil,
        patience: UInt64 = 10_000,
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
                let acceptor = try MetricsAcceptor(socket, on: loop, patience: patience, report: report)
                let reader = try MailboxReader(orders, on: loop) { (_: Order) in loop.stop() }
                loop.run { acceptor.turnOver() }
                // What the loop keeps would keep the loop, and with it the socket, for ever.
                acceptor.close()
                loop.remove(reader)
            } catch {
                StandardError.log("gatehouse: metrics are not served: \(error)\n")
            }
        }
    }

    /// The socket, for the program that comes after this one.
    package func segment() throws(SystemError) -> SharedSegment {
        SharedSegment(name: Self.segmentName(at: address), owning: try socket.duplicate())
    }

    package static func segmentName(at address: SocketAddress) -> String { "metrics \(address)" }

    /// Answers nobody any more; returns when the thread has ended. The socket is closed as the listener is let go of,
    /// unless somebody has its `segment`.
    package func stop() {
        orders.post(.stop)
        thread.join()
    }
}

/// Takes connections, a bounded number at a time. Where all places are taken, whoever has said nothing for the longest
/// makes room, so that clients that never ask keep no scrape out.
internal final class MetricsAcceptor: EventHandler {
    let registration = Registration()
    let loop: EventLoop
    let report: () -> String
    private let socket: ListeningSocket
    private let pool = MetricsConnection.makePool()
    let patience: UInt64
    /// The oldest first.
    private var connections: [MetricsConnection] = []
    /// Out of room or of descriptors: what waits is looked at again as connections end, or a second later.
    private var isHeldUp = false

    private static let mostConnections = 64
    /// Milliseconds that every client has for its request, however many others wait.
    private static let grace: UInt64 = 1000

    init(
        _ socket: ListeningSocket,
        on loop: EventLoop,
        patience: UInt64,
        report: @escaping () -> String
    ) throws(SystemError) {
        self.loop = loop
        self.patience = patience
        self.report = report
        self.socket = socket
        try loop.add(self, descriptor: self.socket.raw, interest: [.readable])
    }

    func ready(_ events: Epoll.Events) { acceptAll() }

    func turnOver() {
        if isHeldUp { acceptAll() }
    }

    /// Ends all connections, and takes none any more.
    func close() {
        loop.remove(self, descriptor: socket.raw)
        for connection in connections { connection.close() }
    }

    func ended(_ connection: MetricsConnection) { connections.removeAll { $0 === connection } }

    private var hasRoom: Bool {
        if connections.count < Self.mostConnections { return true }
        guard let silent = connections.first(where: { !$0.hasAnswered }), silent.age >= Self.grace else { return false }
        silent.close()
        return true
    }

    private func acceptAll() {
        isHeldUp = false
        while true {
            guard hasRoom else {
                isHeldUp = true
                return
            }
            do throws(SystemError) {
                guard let accepted = try Socket.accept(socket.raw) else { return }
                connections.append(try MetricsConnection.start(accepted.takeSocket(), acceptor: self, pool: pool))
            } catch {
                isHeldUp = true
                return
            }
        }
    }
}
