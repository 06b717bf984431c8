import Glibc
package import Linux

package struct ListenerRequest: Hashable, Sendable {
    package let address: SocketAddress
    /// Whether a machine without the address' family goes without it.
    package let mayBeMissing: Bool

    package init(address: SocketAddress, mayBeMissing: Bool = false) {
        self.address = address
        self.mayBeMissing = mayBeMissing
    }

    /// All addresses of the machine: IPv4, and IPv6 where the kernel has it.
    package static func everywhere(port: UInt16) -> [ListenerRequest] {
        [
            ListenerRequest(address: SocketAddress(ipv4: 0, port: port)),
            ListenerRequest(address: SocketAddress(high: 0, low: 0, port: port), mayBeMissing: true),
        ]
    }
}

/// A listener that could not be had, and what to do.
package struct ListenerError: Error, Equatable, Sendable, CustomStringConvertible {
    package let address: SocketAddress
    package let cause: SystemError

    package init(address: SocketAddress, cause: SystemError) {
        self.address = address
        self.cause = cause
    }

    package var description: String {
        let advice =
            switch cause.code {
            case EADDRINUSE:
                "the address is in use, another process listens there: find it with `ss -ltnp 'sport = :\(address.port)'`"
                    + " and stop it, or change the port in the site file"
            case EACCES:
                "ports below 1024 need root or CAP_NET_BIND_SERVICE: run under systemd with gatehouse.service,"
                    + " or listen on a higher port"
            case EADDRNOTAVAIL:
                "no interface of this machine bears the address: correct it in the site file, or set"
                    + " net.ipv4.ip_nonlocal_bind when it moves between machines"
            default: cause.description
            }
        return "cannot listen on \(address): \(advice)"
    }
}

/// The listening sockets that control holds: for each address as many as there are workers, each with
/// a queue of its own (SO_REUSEPORT).
///
/// A value: the next configuration's set is made beside the running one and shares the sockets whose
/// address stays; sockets that no set refers to any more are closed. How many there are of an address
/// never changes while it is listened on, since closing one of several resets what waits on it.
package struct ListenerSet: Sendable {
    package typealias Group = [ListeningSocket]

    /// Connections that may wait to be accepted at each socket; the kernel caps it (net.core.somaxconn).
    private static let backlog: Int32 = 4096

    /// Sockets of each address.
    package let socketsPerAddress: Int
    package private(set) var groups: [ListenerID: Group]

    /// - Parameter socketsPerAddress: one for each worker, at most 253.
    package init(socketsPerAddress: Int, groups: [ListenerID: Group] = [:]) {
        precondition((1...MessageSocket.mostDescriptors).contains(socketsPerAddress), "1 to 253 workers")
        self.socketsPerAddress = socketsPerAddress
        self.groups = groups
    }

    /// The set for `requests`: what is listened on already is kept, what is new is bound.
    ///
    /// When it throws, nothing has changed.
    /// - Parameter own: where this gateway listens besides this set.
    package func updated(
        for requests: [ListenerRequest],
        besides own: [SocketAddress] = []
    ) throws(ListenerError) -> ListenerSet {
        var next = ListenerSet(socketsPerAddress: socketsPerAddress)
        for request in requests {
            let id = ListenerID(request.address)
            guard next.groups[id] == nil else { continue }
            if let group = groups[id] {
                next.groups[id] = group
                continue
            }
            try Self.requireFree(request.address, besides: addresses + own)
            do throws(SystemError) {
                var group: Group = []
                for _ in 0..<socketsPerAddress {
                    let socket = try Socket.listen(on: request.address, backlog: Self.backlog)
                    group.append(ListeningSocket(owning: socket))
                }
                next.groups[id] = group
            } catch {
                if request.mayBeMissing, error.isFamilyMissing { continue }
                throw ListenerError(address: request.address, cause: error)
            }
        }
        return next
    }

    /// Finds out whether all of `requests` could be listened on, without doing so.
    ///
    /// - Parameter own: where this gateway listens already.
    package static func rehearse(
        _ requests: [ListenerRequest],
        besides own: [SocketAddress]
    ) throws(ListenerError) {
        for request in requests where !own.contains(request.address) {
            try requireFree(request.address, besides: own)
            guard let problem = Socket.bindProblem(request.address), problem.code != EADDRINUSE else { continue }
            if request.mayBeMissing, problem.isFamilyMissing { continue }
            throw ListenerError(address: request.address, cause: problem)
        }
    }

    /// Where the sockets of this set listen.
    package var addresses: [SocketAddress] {
        groups.values.compactMap { group in group.first.flatMap { Socket.localAddress($0.raw) } }
    }

    /// Refuses an address where another process listens.
    ///
    /// - Parameter own: where this gateway listens. Where it has the address itself, finding that taken says nothing: a
    ///   site file may exchange one address for all addresses, or the ports of a listener and of the metrics.
    package static func requireFree(_ address: SocketAddress, besides own: [SocketAddress]) throws(ListenerError) {
        let isOwn = own.contains {
            $0.port == address.port && $0.isIPv6 == address.isIPv6
                && ($0 == address || $0.isUnspecified || address.isUnspecified)
        }
        guard !isOwn, Socket.isTaken(address) else { return }
        throw ListenerError(address: address, cause: SystemError("bind", EADDRINUSE))
    }

    /// Takes over sockets from the service manager, each under the address that it is bound to. Those of an
    /// address that is here already, those that are no listeners of TCP, and second descriptors for the same socket,
    /// as of one that systemd both listens on and stores, are closed.
    ///
    /// Where systemd gives one socket for an address, all workers share its queue.
    package mutating func adopt(_ inherited: [ListeningSocket]) {
        let held = Set(groups.keys)
        var seen: Set<UInt64> = []
        for socket in inherited {
            guard let address = Socket.localAddress(socket.raw), Socket.isListening(socket.raw) else { continue }
            let id = ListenerID(address)
            if let cookie = Socket.cookie(socket.raw), !seen.insert(cookie).inserted { continue }
            if !held.contains(id) { groups[id, default: []].append(socket) }
        }
    }
}

extension SystemError {
    /// The machine has no addresses of this family.
    fileprivate var isFamilyMissing: Bool { [EAFNOSUPPORT, EADDRNOTAVAIL].contains(code) }
}
