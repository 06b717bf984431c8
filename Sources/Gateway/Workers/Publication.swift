package import OpenSSL

/// All that changes at once when a new configuration takes effect: immutable, shared by all workers.
package struct Publication: Sendable {
    package var plan: Plan
    /// By listener, since each has its own answer to an unknown name.
    package var certificates: [Int: CertificateGeneration]
    package var tickets: TicketKeys?
    /// Listening sockets by the plan's listener: for each address, one for each worker, in that order.
    /// A worker closes its own when a later publication no longer names it.
    package var sockets: [Int: [Int32]]

    package init(
        plan: Plan,
        certificates: [Int: CertificateGeneration],
        tickets: TicketKeys?,
        sockets: [Int: [Int32]]
    ) {
        self.plan = plan
        self.certificates = certificates
        self.tickets = tickets
        self.sockets = sockets
    }

    /// The sockets of one worker, with their listeners.
    internal func sockets(ofWorker worker: Int, of workers: Int) -> [(Int32, ListenerPlan)] {
        plan.listeners.flatMap { listener in
            (sockets[listener.id] ?? []).enumerated().compactMap { index, socket in
                index % workers == worker ? (socket, listener) : nil
            }
        }
    }
}

/// What a worker is told from outside its thread.
package enum WorkerMessage: Sendable {
    case publish(Publication)
    /// New tickets' keys alone.
    case tickets(TicketKeys)
    /// Take no more connections; end when those that are open have ended, or when the milliseconds are over.
    case drain(UInt64)
    case stop
}
