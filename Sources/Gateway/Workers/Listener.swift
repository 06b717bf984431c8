import Engine
import Linux

/// **Phase: accept.** One listening socket of one worker. Leaves each connection that it takes in a
/// `ClientConnection`, or refuses it when the limits say so: the kernel's queue never backs up.
internal final class Listener: EventHandler {
    let registration = Registration()
    private unowned let worker: Worker
    private let socket: ListeningSocket
    internal var plan: ListenerPlan
    /// Set while the process is out of descriptors: what waits is taken a little later.
    private var isWaiting = false

    init(worker: Worker, place: Publication.Place) throws(SystemError) {
        self.worker = worker
        socket = place.socket
        plan = place.listener
        // Connections have it from their listener (tcp(7)).
        Socket.setNoDelay(socket.raw)
        try worker.loop.add(
            self,
            descriptor: socket.raw,
            interest: place.isShared ? [.readable, .exclusive] : [.readable],
            activity: .accepting
        )
    }

    func ready(_ events: Epoll.Events) { acceptAll() }

    func timedOut() {
        isWaiting = false
        acceptAll()
    }

    /// Takes what is in the queue, a bounded number in one turn so that others have theirs.
    private func acceptAll() {
        if isWaiting { return }
        do {
            for _ in 0..<64 {
                guard let accepted = try Socket.accept(socket.raw) else { return }
                admit(accepted)
            }
        } catch {
            // Out of descriptors or memory: connections that end make room.
            isWaiting = true
            worker.loop.setDeadline(registration, after: 50)
        }
    }

    private func admit(_ accepted: consuming Accepted) {
        let limits = worker.runtime.plan.limits
        let peer = accepted.peer
        worker.count(.connectionsAccepted)
        switch worker.addresses.add(peer, limit: limits.connections, limitPerAddress: limits.connectionsPerAddress) {
        case .tooMany: return worker.count(.connectionsOverLimit)
        case .tooManyOfAddress: return worker.count(.connectionsOverAddressLimit)
        case .counted: break
        }
        ClientConnection.start(accepted.takeSocket(), peer: peer, listener: plan, worker: worker)
    }

    /// Stops taking connections. What is in the queue is taken first, so that nobody who was let in by
    /// the kernel is turned away. The socket is closed when nobody else holds it.
    func stop() {
        // The open file lives on in the control plane: without this, epoll would go on reporting it.
        worker.loop.remove(self, descriptor: socket.raw)
        while let accepted = try? Socket.accept(socket.raw) { admit(accepted) }
    }
}
