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
package struct ClosedConnections: Sendable {
    /// The rules before; nil when there were none, so that everything was let through.
    private let before: HostIntent?
    private let after: HostIntent
    private let own: Set<IPAddress>

    /// - Parameter addresses: those that the machine bears.
    package init(before: HostIntent?, after: HostIntent, addresses: some Sequence<IPAddress>) {
        self.before = before
        self.after = after
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

    /// The connection's first packet, once for each interface that it may have come in or gone out by: the kernel does
    /// not keep which it was, and when one of them is still open the connection stays.
    private func packets(of connection: TrackedConnection) -> [Packet] {
        let path: PacketPath
        switch (own.contains(connection.source), own.contains(connection.destination)) {
        case (true, true): return []
        case (false, true): path = .input
        case (true, false): path = .output
        case (false, false): path = .forward
        }
        let named = after.interfaces.map(\.name)
        let names = named.isEmpty ? [HostIntent.unnamedInterface] : named
        let routes: [PacketRoute] =
            switch path {
            case .input: names.map { .input(by: $0) }
            case .forward: names.flatMap { input in names.map { .forward(by: input, to: $0) } }
            case .output: names.map { .output(by: $0) }
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
}

extension HostIntent {
    /// Stands for an interface that the site file does not name: no interface of Linux has a name with a slash, so no
    /// rule for named interfaces, such as the one for loopback, takes its packets.
    internal static let unnamedInterface = "/"
}
