import Engine
import Linux

/// Takes connections from the listening socket.
internal final class Acceptor: EventHandler {
    let registration = Registration()
    private unowned let server: AppServer
    private let socket: FileDescriptor
    /// Set while the process is out of descriptors: what waits is taken a little later.
    private var isWaiting = false

    init(_ socket: consuming FileDescriptor, server: AppServer) throws(SystemError) {
        self.socket = socket
        self.server = server
        try server.loop.add(self, descriptor: self.socket.raw, interest: [.readable])
    }

    func ready(_ events: Epoll.Events) { acceptAll() }

    func timedOut() {
        isWaiting = false
        acceptAll()
    }

    /// A bounded number in one turn, so that those who are connected have theirs.
    private func acceptAll() {
        if isWaiting { return }
        do throws(SystemError) {
            for _ in 0..<64 {
                guard let accepted = try Socket.accept(socket.raw) else { return }
                try Connection.start(accepted.takeSocket(), on: server)
            }
        } catch {
            isWaiting = true
            server.loop.setDeadline(registration, after: 50)
        }
    }
}
