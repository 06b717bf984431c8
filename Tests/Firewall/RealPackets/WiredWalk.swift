import Firewall
import Site

/// What becomes of a packet on the host of Tests/Tools/packets-between-namespaces, addresses and all, by what is meant:
/// first the destination is changed, then the route is found, then the rules are asked, then the source is changed. It
/// shares no code with the proofs.
struct WiredWalk {
    let intent: HostIntent

    /// What leaves the host, or what it takes.
    struct End: Equatable {
        var source: IPAddress
        var destination: IPAddress
        /// 0 where the protocol has none.
        var port: UInt16

        /// As the tool writes it.
        var text: String { "\(source) \(destination) \(port)" }
    }

    /// nil when the packet does not get through.
    func end(of packet: Packet) -> End? {
        var packet = packet
        // Connection tracking changes what it knows: the first packet of a connection.
        if packet.path != .output, packet.state == .new, let input = packet.inputInterface {
            packet.route = .input(by: input)
            changeDestination(&packet)
            if !Self.isOwn(packet.destination) {
                packet.route = .forward(by: input, to: Self.interface(packet.destination))
                // A router takes one off the hop limit before its rules are asked.
                if packet.source.width == 128 { packet.oddities.insert(.throughRouter) }
            }
        }
        guard intent.rule(for: packet)?.verdict == .accept else { return nil }
        if packet.path != .input, packet.state == .new { changeSource(&packet) }
        return End(
            source: packet.source,
            destination: packet.destination,
            port: [.tcp, .udp].contains(packet.protocolNumber) ? packet.detail : 0
        )
    }

    private func changeDestination(_ packet: inout Packet) {
        if Self.isOwn(packet.destination) { packet.oddities.insert(.toOwnAddress) }
        for translation in intent.translations {
            if translation.kind == .unchanged, translation.match.contains(packet) { return }
            guard case .destination(let address, let port) = translation.kind, address.width == packet.source.width,
                translation.match.contains(packet)
            else { continue }
            let hasPort = [.tcp, .udp, .sctp].contains(packet.protocolNumber)
            if port != nil, !hasPort { continue }
            let (destination, detail) = (packet.destination, packet.detail)
            packet.destination = address
            packet.detail = port ?? packet.detail
            if packet.destination != destination || packet.detail != detail { packet.oddities.insert(.redirected) }
            return
        }
    }

    private func changeSource(_ packet: inout Packet) {
        for translation in intent.translations {
            switch translation.kind {
            case .destination, .unchanged: continue
            case .source(let address):
                guard address.width == packet.source.width, translation.match.contains(packet) else { continue }
                packet.source = address
            case .masquerade:
                guard translation.match.contains(packet) else { continue }
                packet.source = packet.source.width == 32 ? Self.loopback4 : Self.loopback6
            }
            return
        }
    }

    // MARK: - The host's network

    private static let loopback4 = IPAddress.v4(0x0AFF_0001)
    private static let loopback6 = IPAddress.v6(0x2001_0DB8_FFFF << 80 | 1)

    /// The lower half of the addresses on each wire is the host's.
    private static func isOwn(_ address: IPAddress) -> Bool { low(address) & 0x100 == 0 }
    private static func interface(_ address: IPAddress) -> String { low(address) & 0x200 == 0 ? "eth0" : "eth1" }

    private static func low(_ address: IPAddress) -> UInt16 {
        switch address {
        case .v4(let bits): UInt16(truncatingIfNeeded: bits)
        case .v6(let bits): UInt16(truncatingIfNeeded: bits)
        }
    }
}
