import Control
import Gateway
import Linux
import Site

/// The sockets that this process listens on: for each address one for each worker.
///
/// A worker closes its socket when a publication no longer names it, after it has taken what waited there.
internal struct ListeningSockets {
    /// By the plan's listener: for each address one for each worker, in that order.
    private(set) var byListener: [Int: [Int32]] = [:]
    private var byAddress: [SocketAddress: [Int32]] = [:]

    /// Connections that the kernel keeps for a worker that is busy.
    private static let backlog: Int32 = 4096

    init(for configuration: SiteConfiguration, workers: Int) throws {
        try bind(configuration, workers: workers)
    }

    /// The sockets for another configuration, those of the same addresses kept.
    func updated(for configuration: SiteConfiguration, workers: Int) throws -> ListeningSockets {
        var updated = self
        updated.byListener = [:]
        do {
            try updated.bind(configuration, workers: workers)
        } catch {
            updated.closeWhatIsNew(since: self)
            throw error
        }
        let wanted = Set(updated.byListener.values.joined())
        updated.byAddress = updated.byAddress.filter { $0.value.contains(where: wanted.contains) }
        return updated
    }

    private mutating func bind(_ configuration: SiteConfiguration, workers: Int) throws {
        for (listener, settings) in zip(configuration.plan.listeners, configuration.gateway.listeners) {
            for address in Self.addresses(of: settings) {
                let sockets = try byAddress[address] ?? Self.listen(on: address, workers: workers)
                byAddress[address] = sockets
                byListener[listener.id, default: []] += sockets
            }
        }
    }

    /// Closes the sockets that an earlier set had not: nobody listens there after all.
    func closeWhatIsNew(since earlier: ListeningSockets) {
        for (address, sockets) in byAddress where earlier.byAddress[address] == nil {
            for socket in sockets { _ = FileDescriptor(owning: socket) }
        }
    }

    /// All addresses when none is named: IPv4 and IPv6 have sockets of their own.
    private static func addresses(of listener: ListenerSettings) -> [SocketAddress] {
        if listener.addresses.isEmpty {
            return [SocketAddress(ipv4: 0, port: listener.port), SocketAddress(high: 0, low: 0, port: listener.port)]
        }
        return listener.addresses.compactMap { SocketAddress("\($0)", port: listener.port) }
    }

    private static func listen(on address: SocketAddress, workers: Int) throws -> [Int32] {
        var sockets: [Int32] = []
        for _ in 0..<workers {
            do {
                sockets.append(try Socket.listen(on: address, backlog: backlog).release())
            } catch {
                for socket in sockets { _ = FileDescriptor(owning: socket) }
                throw ServeFailure(
                    "cannot listen on \(address): \(error.reason); see who does with `ss -ltnp 'sport = :\(address.port)'`"
                )
            }
        }
        return sockets
    }
}
