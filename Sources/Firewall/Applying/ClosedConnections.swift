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
    ///   - ways: the interfaces by which the machine sends to an address; nil where that is not known. Asked only where
    ///     it makes a difference.
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
    /// The kernel does not keep by which interface a connection came in or went out: it is taken to be one by which the
    /// machine sends to that end. Where that is not known, what is closed by one of all interfaces is closed: whom the
    /// rules still let in comes in anew.
    package func contains(_ connection: TrackedConnection) -> Bool {
        let path: PacketPath
        switch (own.contains(connection.source), own.contains(connection.destination)) {
        case (true, true): return false
        case (false, true): path = .input
        case (true, false): path = .output
        case (false, false): path = .forward
        }
        let everywhere = fates(of: connection, path, by: interfaces, to: interfaces)
        if !everywhere.contains(where: \.isClosed) { return false }
        if everywhere.allSatisfy(\.isClosed) { return true }
        let input = path == .output ? [] : ways(connection.source)
        let output = path == .input ? [] : ways(connection.destination)
        guard let input, let output else { return true }
        let fates = fates(of: connection, path, by: input, to: output)
        return fates.contains { $0.wasOpen } && !fates.contains { $0.isOpen }
    }

    /// What becomes of the connection's first packet by one interface, or by one pair of them.
    private struct Fate {
        let wasOpen: Bool
        let isOpen: Bool

        var isClosed: Bool { wasOpen && !isOpen }
    }

    /// Each interface that rules may ask for, and one that they do not.
    private var interfaces: [String] {
        let named = ((before?.interfaces ?? []) + after.interfaces).map(\.name)
        return Set(named).sorted() + [HostIntent.unnamedInterface]
    }

    private func fates(
        of connection: TrackedConnection,
        _ path: PacketPath,
        by inputs: [String],
        to outputs: [String]
    ) -> [Fate] {
        let routes: [PacketRoute] =
            switch path {
            case .input: inputs.map { .input(by: $0) }
            case .forward: inputs.flatMap { input in outputs.map { .forward(by: input, to: $0) } }
            case .output: outputs.map { .output(by: $0) }
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
            return Fate(wasOpen: before.map { Self.admits($0, packet) } ?? true, isOpen: Self.admits(after, packet))
        }
    }

    private static func admits(_ rules: HostIntent, _ packet: Packet) -> Bool {
        rules.rule(for: packet)?.verdict == .accept
    }
}

extension HostIntent {
    /// Stands for an interface that the site file does not name: no interface of Linux has a name with a slash, so no
    /// rule for named interfaces, such as the one for loopback, takes its packets.
    internal static let unnamedInterface = "/"
}
