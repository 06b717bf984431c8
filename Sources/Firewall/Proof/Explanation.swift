package import Site

/// What becomes of one packet at one host, and why.
package struct Explanation: Sendable {
    /// A rule that would have let the packet in, had it not been for some of its conditions.
    package struct Nearest: Sendable {
        package let rule: IntentRule
        /// What the packet lacks, each in words.
        package let reasons: [String]
    }

    package let host: String
    package let packet: Packet
    package let isAccepted: Bool
    /// The rule that decides; nil when none does, and the packet is dropped.
    package let rule: IntentRule?
    /// Where the packet is dropped: of the rules that let a new packet in, the one of which it lacks the fewest conditions.
    package let nearest: Nearest?

    /// - Parameter now: rules that ended before let nothing through, in seconds since 1970.
    package init(_ packet: Packet, at intent: HostIntent, now: Int64 = .min) {
        host = intent.host
        self.packet = packet
        rule = intent.at(now).rule(for: packet)
        isAccepted = rule.map { $0.verdict == .accept && !$0.isLimiting(packet) } ?? false
        nearest = isAccepted ? nil : Self.nearest(packet, intent.rules(packet.path), decided: rule, now)
    }

    /// - Parameter decided: the rule that decides about the packet.
    private static func nearest(
        _ packet: Packet,
        _ rules: [IntentRule],
        decided: IntentRule?,
        _ now: Int64
    ) -> Nearest? {
        var best: (rule: IntentRule, lacking: [PacketMatch.Lack])?
        for rule in rules where rule.verdict == .accept {
            for match in rule.matches where match.canMeet(packet) {
                let lacking = match.lacks(packet) + rule.lacks(at: now)
                if best.map({ lacking.isLess(than: $0.lacking) }) ?? true { best = (rule, lacking) }
            }
        }
        return best.map { best in
            guard best.lacking.isEmpty, let decided, decided.id != best.rule.id else {
                return Nearest(rule: best.rule, reasons: best.lacking.map(\.text))
            }
            return Nearest(rule: best.rule, reasons: ["it lacks nothing, but `\(decided.id)` comes first"])
        }
    }

    /// A packet as a person describes it, on its way through the host: to it, from it, or else through it. It comes and
    /// goes by the interfaces that its ends are reached by (`SiteHost.routes`): where the site file does not say which
    /// these are it is several packets, one for each way. What would leave by the interface that it came in by, of which
    /// the site file knows no address, is taken for a packet to the address that the host has there by DHCP, unless a host
    /// of the site is known to bear it: it is `toOwnAddress`. What the host sends to itself comes in by `lo`, and what is
    /// for all of a link, or for its own addresses, no router passes on.
    ///
    /// - Parameters:
    ///   - interface: the one that it comes in by or, where the host sends it, leaves by.
    ///   - lease: an address that the host has by DHCP.
    ///   - hosts: the addresses that hosts of the site are known to bear.
    /// - Returns: one at least.
    package static func packets(
        from source: IPAddress,
        to destination: IPAddress,
        _ number: ProtocolNumber,
        detail: UInt16,
        at host: SiteHost,
        by interface: String? = nil,
        lease: IPAddress? = nil,
        hosts: AddressSet = .none
    ) -> [Packet] {
        let own = Set(host.allAddresses.map(\.address) + [lease].compactMap(\.self))
        let isLocal = own.contains(source) && own.contains(destination)
        let isForHere = own.contains(destination) || !own.contains(source) && host.keeps(source, destination)
        let path: PacketPath = isForHere ? .input : own.contains(source) ? .output : .forward
        let peer = source.isNobody ? destination : source
        let given = interface ?? (isLocal ? "lo" : nil)
        return host.routes(path, from: peer, to: destination, by: given).map { route in
            let isDynamic = host.interfaces.contains { $0.name == route.input && $0.addresses.isEmpty }
            let isToUnknown = isDynamic && route.input == route.output && !hosts.contains(destination)
            let taken = isToUnknown ? route.input.map { PacketRoute.input(by: $0) } ?? route : route
            var packet = Packet(taken, from: source, to: destination, number, detail: detail)
            packet.sourcePort = number.hasPorts ? 40000 : 0
            if isToUnknown || destination == lease { packet.oddities.insert(.toOwnAddress) }
            return packet
        }
    }
}

extension IPAddress {
    /// The source of who has no address yet (RFC 1122, section 3.2.1.3; RFC 4291, section 2.5.2).
    fileprivate var isNobody: Bool { self == .v4(0) || self == .v6(0) }

    /// Whether it is for all of a link, or for many (RFC 1122, section 3.2.1.3; RFC 4291, section 2.7).
    fileprivate var isForMany: Bool {
        switch self {
        case .v4(let bits): bits >= 0xE000_0000 && (bits < 0xF000_0000 || bits == .max)
        case .v6(let bits): bits >> 120 == 0xFF
        }
    }

    /// An address of IPv6 that is good on its link alone (RFC 4291, section 2.5.6).
    fileprivate var isOfLink6: Bool { if case .v6 = self { isOfLink } else { false } }
}

extension SiteHost {
    /// Whether a packet between these ends goes no farther than the link that the host is on.
    fileprivate func keeps(_ source: IPAddress, _ destination: IPAddress) -> Bool {
        let isBroadcast = allAddresses.contains { address in
            address.address.width == 32 && address.prefixLength < 31 && address.network.last == destination
        }
        return isBroadcast || destination.isForMany || source.isNobody || source.isOfLink6 || destination.isOfLink6
    }
}

extension IntentRule {
    /// That the rule has ended.
    fileprivate func lacks(at now: Int64) -> [PacketMatch.Lack] {
        guard let expires, !lasts(at: now) else { return [] }
        return [PacketMatch.Lack(weight: 1, text: "the rule ended on \(DateTime(seconds: expires))")]
    }
}

extension [PacketMatch.Lack] {
    /// Whether it is fewer conditions, or as many that are nearer: the protocol before the address, and that before the
    /// service; another host's address is the farthest.
    fileprivate func isLess(than other: [PacketMatch.Lack]) -> Bool {
        func weight(_ list: [PacketMatch.Lack]) -> Int { list.reduce(0) { $0 + $1.weight } }
        return (count, weight(self)) < (other.count, weight(other))
    }
}

extension PacketMatch {
    /// A condition that a packet does not fulfil.
    struct Lack {
        let weight: Int
        let text: String
    }

    /// Whether some packet of the same family and state fulfils it, and of the same protocol or of one that has ports, too.
    /// What only a host itself may do no packet from elsewhere nearly fulfils.
    fileprivate func canMeet(_ packet: Packet) -> Bool {
        let isV4 = packet.source.width == 32
        let hasEnds =
            isV4
            ? !sources.v4.isEmpty && !destinations.v4.isEmpty && !oddities.contains(.throughRouter)
            : !sources.v6.isEmpty && !destinations.v6.isEmpty
        let number = packet.protocolNumber
        let like = number.hasPorts ? TrafficSet.withPorts : TrafficSet(number)
        func isOfHost(_ names: InterfaceSet, _ name: String?) -> Bool {
            names == .among(["lo"]) && name.map { !names.contains($0) } ?? false
        }
        return hasEnds && traffic.intersects(like) && states.contains(packet.state)
            && !isOfHost(inputInterfaces, packet.inputInterface)
            && !isOfHost(outputInterfaces, packet.outputInterface)
    }

    /// What keeps the packet from fulfilling all conditions; empty when it does.
    func lacks(_ packet: Packet) -> [Lack] {
        var list: [Lack] = []
        func lack(_ weight: Int, _ text: String) { list.append(Lack(weight: weight, text: text)) }
        if let name = packet.inputInterface, !inputInterfaces.contains(name) {
            lack(3, "it comes in by \(name), not by \(inputInterfaces.text)")
        }
        if let name = packet.outputInterface, !outputInterfaces.contains(name) {
            lack(3, "it leaves by \(name), not by \(outputInterfaces.text)")
        }
        if !sources.contains(packet.source) { lack(4, "its source is \(packet.source), not of \(sources.text)") }
        if !destinations.contains(packet.destination) {
            lack(6, "its destination is \(packet.destination), not of \(destinations.text)")
        }
        if !traffic.contains(packet.protocolNumber, detail: packet.detail) {
            let number = packet.protocolNumber
            let others = ProtocolNumber.withPorts.filter {
                number.hasPorts && traffic.contains($0, detail: packet.detail)
            }
            if others.isEmpty {
                lack(traffic.intersects(TrafficSet(number)) ? 5 : 7, "it is \(packet.trafficText), not \(traffic.text)")
            } else {
                lack(2, "it is \(number.text), not \(others.map(\.text).joined(separator: " or "))")
            }
        } else if let tcpFlags, !tcpFlags.contains(packet.tcpFlags) {
            lack(3, "its TCP flags are others")
        }
        if !sourcePorts.contains(packet.sourcePort) { lack(2, "its source port is \(packet.sourcePort)") }
        if oddities.contains(.redirected), !packet.oddities.contains(.redirected) {
            lack(3, "it was sent here itself, not to the forwarded port")
        } else if !oddities.isSubset(of: packet.oddities) {
            lack(9, "it is an ordinary packet")
        }
        return list
    }
}
