package import Linux
package import OpenSSL

/// All that changes at once when a new configuration takes effect: immutable, shared by all workers.
package struct Publication: Sendable {
    package var plan: Plan
    /// By listener, since each has its own answer to an unknown name.
    package var certificates: [Int: CertificateGeneration]
    package var tickets: TicketKeys?
    /// Listening sockets by the plan's listener, a group for each of its addresses. The sockets of a group are
    /// shared out over the workers, or are shared by them where there are fewer.
    package var sockets: [Int: [[ListeningSocket]]]

    package init(
        plan: Plan,
        certificates: [Int: CertificateGeneration],
        tickets: TicketKeys?,
        sockets: [Int: [[ListeningSocket]]]
    ) {
        self.plan = plan
        self.certificates = certificates
        self.tickets = tickets
        self.sockets = sockets
    }

    /// A socket that one worker accepts from.
    internal struct Place {
        let socket: ListeningSocket
        let listener: ListenerPlan
        /// Whether other workers accept from it too.
        let isShared: Bool
    }

    internal func places(ofWorker worker: Int, of workers: Int) -> [Place] {
        var places: [Place] = []
        for listener in plan.listeners {
            for group in sockets[listener.id] ?? [] where !group.isEmpty {
                if group.count < workers {
                    places.append(Place(socket: group[worker % group.count], listener: listener, isShared: true))
                    continue
                }
                for index in stride(from: worker, to: group.count, by: workers) {
                    places.append(Place(socket: group[index], listener: listener, isShared: false))
                }
            }
        }
        return places
    }
}

/// Certificates and ticket keys that take the place of others while all else stays: immutable, shared by all workers.
package struct CertificateChange: Sendable {
    /// By listener; those that show what they showed before are not in it.
    package var certificates: [Int: CertificateGeneration]
    package var tickets: TicketKeys?

    package init(certificates: [Int: CertificateGeneration], tickets: TicketKeys?) {
        self.certificates = certificates
        self.tickets = tickets
    }
}

/// What a worker is told from outside its thread.
package enum WorkerMessage: Sendable {
    case publish(Publication, Receipts)
    /// New handshakes go by these; connections, requests and pools are left alone.
    case change(CertificateChange, Receipts)
    /// A server has room, and who waits for it at this worker is the first in line.
    case offerServers
    /// Take no more connections; end when those that are open have ended, or when the milliseconds are over.
    case drain(UInt64)
    case stop
}
