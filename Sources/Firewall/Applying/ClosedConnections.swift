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
    /// Where it was sent, when a router changed that; nil when it goes where it was sent.
    package var sent: Destination?

    /// An address, and a port or what `detail` is besides.
    package struct Destination: Sendable, Hashable {
        package var address: IPAddress
        package var detail: UInt16

        package init(_ address: IPAddress, detail: UInt16) { (self.address, self.detail) = (address, detail) }
    }

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
    private let input: Change
    private let forward: Change
    private let output: Change
    /// What lines of `deny` keep from being forwarded.
    private let kept: (before: [PacketMatch], after: [PacketMatch])
    /// Each interface that rules may ask for, and one that they do not.
    private let interfaces: [String]
    private let own: Set<IPAddress>
    private let ways: (IPAddress) -> [String]?

    /// The rules of one path.
    private struct Change {
        let path: PacketPath
        let before: InterfaceRules
        let after: InterfaceRules

        init(_ path: PacketPath, _ before: HostIntent?, _ after: HostIntent) {
            let everything = IntentRule(id: "all", .baseline("all"), .accept, matches: [PacketMatch()])
            self.path = path
            self.before = InterfaceRules(before?.rules(path) ?? [everything], path)
            self.after = InterfaceRules(after.rules(path), path)
        }
    }

    /// - Parameters:
    ///   - before: nil when there were no rules, so that everything was let through.
    ///   - addresses: those that the machine bears.
    ///   - ways: the interfaces by which the machine sends to an address; nil where that is not known. Asked only where
    ///     it makes a difference.
    package init(
        before: HostIntent?,
        after: HostIntent,
        addresses: some Sequence<IPAddress>,
        ways: @escaping (IPAddress) -> [String]? = { _ in nil }
    ) {
        input = Change(.input, before, after)
        forward = Change(.forward, before, after)
        output = Change(.output, before, after)
        kept = (before?.matchesKept ?? [], after.matchesKept)
        let named = ((before?.interfaces ?? []) + after.interfaces).map(\.name)
        interfaces = Set(named).sorted() + [HostIntent.unnamedInterface]
        own = Set(addresses)
        self.ways = ways
    }

    /// Whether the rules before let the connection be opened and the rules now do not.
    ///
    /// One that the rules before did not let in either is left alone, and so is one between the machine's own addresses.
    /// The kernel does not keep by which interface a connection came in or went out: it is taken to be one by which the
    /// machine sends to that end. Where that is not known, what is closed by one of all interfaces is closed: whom the
    /// rules still let in comes in anew.
    ///
    /// Over IPv6 the kernel tracks what is behind an authentication header, where rules see that header: one that the rules
    /// before did not let in as what it is came behind it.
    package func contains(_ connection: TrackedConnection) -> Bool {
        if let isClosed = closes(connection) { return isClosed }
        return connection.behindHeader.flatMap(closes) ?? false
    }

    /// nil where the rules before did not let it be opened.
    private func closes(_ connection: TrackedConnection) -> Bool? {
        let change: Change
        switch (own.contains(connection.source), own.contains(connection.destination)) {
        case (true, true): return false
        case (false, true): change = input
        case (true, false): change = output
        case (false, false): change = forward
        }
        let path = change.path
        let packet = Self.firstPacket(of: connection, path)
        // What is kept where it was sent a line of `deny` takes there.
        let before = Self.isKept(connection, by: kept.before) ? [] : change.before.decisions(for: packet)
        guard before.contains(where: \.admits) else { return nil }
        let after = Self.isKept(connection, by: kept.after) ? [] : change.after.decisions(for: packet)

        let everywhere = fates(
            before,
            after,
            by: interfaces(toldApartBy: (before + after).map(\.inputs)),
            to: interfaces(toldApartBy: (before + after).map(\.outputs))
        )
        if !everywhere.contains(where: \.isClosed) { return everywhere.contains(where: \.wasOpen) ? false : nil }
        if everywhere.allSatisfy(\.isClosed) { return true }
        let none = [HostIntent.unnamedInterface]
        let inputs = path == .output ? none : ways(connection.source)
        let outputs = path == .input ? none : ways(connection.destination)
        guard let inputs, let outputs else { return true }
        let fates = fates(before, after, by: inputs, to: outputs)
        return fates.contains { $0.wasOpen } && !fates.contains { $0.isOpen }
    }

    /// The packet that opens the connection, by whatever interfaces.
    private static func firstPacket(of connection: TrackedConnection, _ path: PacketPath) -> Packet {
        var packet = Packet(
            PacketRoute(path, by: HostIntent.unnamedInterface, to: HostIntent.unnamedInterface),
            from: connection.source,
            to: connection.destination,
            connection.protocolNumber,
            detail: connection.detail
        )
        packet.sourcePort = connection.sourcePort
        if connection.sent != nil { packet.oddities.insert(.redirected) }
        return packet
    }

    /// Whether a connection that was forwarded would not be any more. It came by an interface that is forwarded from, and a
    /// line that names a zone names that one.
    private static func isKept(_ connection: TrackedConnection, by kept: [PacketMatch]) -> Bool {
        guard let sent = connection.sent, !kept.isEmpty else { return false }
        var packet = Packet(
            .input(by: HostIntent.unnamedInterface),
            from: connection.source,
            to: sent.address,
            connection.protocolNumber,
            detail: sent.detail
        )
        packet.sourcePort = connection.sourcePort
        packet.oddities = .toOwnAddress
        return kept.contains { $0.contains(packet) }
    }

    /// One of those interfaces that are in the same of the sets: one alone where no set is of some interfaces only.
    private func interfaces(toldApartBy sets: [InterfaceSet]) -> [String] {
        let sets = Set(sets.filter { !$0.isAny })
        if sets.isEmpty { return [HostIntent.unnamedInterface] }
        var known: Set<[Bool]> = []
        return interfaces.filter { name in known.insert(sets.map { $0.contains(name) }).inserted }
    }

    /// What becomes of the connection's first packet by one interface, or by one pair of them.
    private struct Fate {
        let wasOpen: Bool
        let isOpen: Bool

        var isClosed: Bool { wasOpen && !isOpen }
    }

    /// One for each pair of interfaces, judged when it is asked for.
    private func fates(
        _ before: [InterfaceRules.Decision],
        _ after: [InterfaceRules.Decision],
        by inputs: [String],
        to outputs: [String]
    ) -> some Sequence<Fate> {
        inputs.lazy.flatMap { input in
            outputs.lazy.map { output in
                Fate(
                    wasOpen: before.admit(by: input, to: output),
                    isOpen: after.admit(by: input, to: output)
                )
            }
        }
    }
}

extension TrackedConnection {
    /// The same as rules see it where it is behind an authentication header of IPv6 (RFC 4302, section 3.1.1); nil for IPv4, and where
    /// a router changed its destination, which the header does not bear.
    fileprivate var behindHeader: TrackedConnection? {
        source.width == 128 && sent == nil ? TrackedConnection(from: source, to: destination, .ah) : nil
    }
}

extension HostIntent {
    /// Stands for an interface that the site file does not name: no interface of Linux has a name with a slash, so no
    /// rule for named interfaces, such as the one for loopback, takes its packets.
    internal static let unnamedInterface = "/"

    /// What lines of `deny` keep from being forwarded, by whatever interfaces.
    fileprivate var matchesKept: [PacketMatch] {
        kept.map { translation in
            var match = translation.match
            match.inputInterfaces = .any
            return match
        }
    }
}
