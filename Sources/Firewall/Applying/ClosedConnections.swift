package import Site

/// One connection as the kernel tracks it, as far as a firewall's rules see it.
package struct TrackedConnection: Sendable, Hashable {
    /// Who opened it.
    package var source: IPAddress
    /// Where it really goes: behind the translation of a router, not before.
    package var destination: IPAddress
    package var protocolNumber: ProtocolNumber
    package var sourcePort: UInt16
    /// The destination port, or type and code of ICMP as `TrafficSet` has them.
    package var detail: UInt16

    package init(
        from source: IPAddress,
        to destination: IPAddress,
        _ protocolNumber: ProtocolNumber,
        sourcePort: UInt16 = 0,
        detail: UInt16 = 0
    ) {
        self.source = source
        self.destination = destination
        self.protocolNumber = protocolNumber
        self.sourcePort = sourcePort
        self.detail = detail
    }
}

/// Which connections a change of the rules closed. They would live on otherwise: their packets are of state
/// established, which is accepted.
package struct ClosedConnections {
    /// The rules before; nil when there were none, so that everything was let through.
    private let before: HostIntent?
    private let after: HostIntent
    private let own: Set<IPAddress>
    private let ways: (IPAddress) -> [String]?

    /// - Parameters:
    ///   - addresses: those that the machine bears.
    ///   - ways: the interfaces by which the machine sends to an address; nil where that is not known.
    package init(
        before: HostIntent?,
        after: HostIntent,
        addresses: some Sequence<IPAddress>,
        ways: @escaping (IPAddress) -> [String]? = { _ in nil }
    ) {
        self.before = before
        self.after = after
        self.ways = ways
        own = Set(addresses)
    }

    /// Whether the rules before let the connection be opened and the rules now do not.
    ///
    /// One that the rules before did not let in either is left alone, and so is one between the machine's own addresses.
    package func contains(_ connection: TrackedConnection) -> Bool {
        let packets = packets(of: connection)
        guard !packets.isEmpty else { return false }
        let wasOpen = before.map { rules in packets.contains { Self.admits(rules, $0) } } ?? true
        return wasOpen && !packets.contains { Self.admits(after, $0) }
    }

    private static func admits(_ rules: HostIntent, _ packet: Packet) -> Bool {
        rules.rule(for: packet)?.verdict == .accept
    }

    /// The connection's first packet, once for each interface that it may have come in or gone out by. The kernel does
    /// not keep which it was: it is taken to be the one by which the machine sends to that end of it. Where that is not
    /// known it may be any, and when one of them is still open the connection stays.
    private func packets(of connection: TrackedConnection) -> [Packet] {
        let path: PacketPath
        switch (own.contains(connection.source), own.contains(connection.destination)) {
        case (true, true): return []
        case (false, true): path = .input
        case (true, false): path = .output
        case (false, false): path = .forward
        }
        let routes: [PacketRoute]
        switch path {
        case .input: routes = interfaces(connection.source).map { .input(by: $0) }
        case .forward:
            let outputs = interfaces(connection.destination)
            routes = interfaces(connection.source).flatMap { input in outputs.map { .forward(by: input, to: $0) } }
        case .output: routes = interfaces(connection.destination).map { .output(by: $0) }
        }
        return routes.map { route in
            var packet = Packet(
                route,
                from: connection.source,
                to: connection.destination,
                connection.protocolNumber,
                detail: connection.detail
            )
            packet.sourcePort = connection.sourcePort
            return packet
        }
    }

    /// By which interfaces what comes from or goes to an address may pass.
    private func interfaces(_ address: IPAddress) -> [String] {
        if let ways = ways(address), !ways.isEmpty { return ways }
        let named = after.interfaces.map(\.name)
        return named.isEmpty ? [HostIntent.unnamedInterface] : named
    }
}

extension HostIntent {
    /// Stands for an interface that the site file does not name: no interface of Linux has a name with a slash, so no
    /// rule for named interfaces, such as the one for loopback, takes its packets.
    internal static let unnamedInterface = "/"
}
