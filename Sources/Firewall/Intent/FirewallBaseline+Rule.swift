import Site

extension FirewallBaseline {
    /// The rule for one way through a host; nil when it has none there.
    ///
    /// - Parameter setting: what the site file says of it.
    func rule(_ path: PacketPath, on host: SiteHost, _ setting: FirewallSwitch) -> IntentRule? {
        guard setting != .off else { return nil }
        let matches = matches(path, host)
        guard !matches.isEmpty else { return nil }
        var rule = IntentRule(
            id: rawValue,
            .baseline(rawValue),
            self == .invalid || self == .midStream ? .drop : .accept,
            matches: matches
        )
        if self == .ping, path != .output {
            let usual = RuleLimit.Rate(count: 10, perSeconds: 1, burst: 50)
            rule.limit = RuleLimit(rate: RuleLimit.Rate(setting, otherwise: usual))
        }
        return rule
    }

    private func matches(_ path: PacketPath, _ host: SiteHost) -> [PacketMatch] {
        switch self {
        case .loopback: Self.loopback(path)
        case .established: [Self.match { $0.states = [.established, .related] }]
        case .invalid: [Self.match { $0.states = .invalid }]
        case .midStream: [Self.midStream]
        case .neighbours: Self.neighbours(path)
        case .multicastListeners: path == .forward ? [] : [Self.multicastListeners(path)]
        case .icmp:
            [Self.match { $0.traffic = .icmpErrors.union(.types([128, 129], of: .icmpv6)) }]
        case .ping: [Self.match { $0.traffic = .icmp(.icmp, type: 8) }]
        case .dhcpClient: Self.dhcp(path, .among(host.leasingInterfaces), isServer: false)
        case .dhcpServer: host.isDHCPServer ? Self.dhcp(path, host.innerInterfaces, isServer: true) : []
        }
    }

    private static func loopback(_ path: PacketPath) -> [PacketMatch] {
        switch path {
        case .input: [match { $0.inputInterfaces = .among(["lo"]) }]
        case .output: [match { $0.outputInterfaces = .among(["lo"]) }]
        case .forward: []
        }
    }

    private static let midStream = match {
        $0.traffic = TrafficSet(.tcp)
        $0.states = .new
        $0.tcpFlags = TCPOpening.flags.complement
    }

    /// Routers speak from their link-local address (RFC 4861, sections 4.1 and 4.2).
    private static func neighbours(_ path: PacketPath) -> [PacketMatch] {
        guard path != .forward else { return [] }
        return [
            match { $0.traffic = .types([135, 136], of: .icmpv6) },
            match {
                $0.traffic = .types([133, 134], of: .icmpv6)
                $0.sources = SpecialAddresses.linkLocalOrNone
            },
        ]
    }

    /// Queries, reports and their end, from addresses of the link alone (RFC 3810, section 5.1.14).
    private static func multicastListeners(_ path: PacketPath) -> PacketMatch {
        match {
            $0.traffic = .types([130, 131, 132, 143], of: .icmpv6)
            $0.sources = SpecialAddresses.linkLocalOrNone
        }
    }

    /// A host that gets packets to groups of IPv4 tells its link so (RFC 3376, sections 4.1.12 and 4.2.14; RFC 2236, section
    /// 9): queries and reports go to groups, and are never passed on.
    static func addMembership(to intent: inout HostIntent) {
        let membership = match {
            $0.traffic = TrafficSet(.igmp)
            $0.destinations = SpecialAddresses.multicast4
            $0.sources = AddressSet(v4: .all)
        }
        func add(_ rules: inout [IntentRule]) {
            for index in rules.indices where rules[index].origin == .baseline(Self.multicastListeners.rawValue) {
                rules[index].matches.append(membership)
            }
        }
        add(&intent.input)
        add(&intent.output)
    }

    /// RFC 2131, section 4.1, and RFC 8415, section 7.2. Who has no address yet speaks from none, or from that of its
    /// link, to everybody.
    private static func dhcp(_ path: PacketPath, _ interfaces: InterfaceSet, isServer: Bool) -> [PacketMatch] {
        guard !interfaces.isEmpty, path != .forward else { return [] }
        let isToServer = isServer == (path == .input)
        let v4: (source: UInt16, destination: UInt16) = isToServer ? (68, 67) : (67, 68)
        let v6: (source: UInt16, destination: UInt16) = isToServer ? (546, 547) : (547, 546)
        return [
            match {
                $0.limit(path, to: interfaces)
                $0.sources = AddressSet(v4: .all)
                $0.destinations = AddressSet(v4: .all)
                $0.sourcePorts = IntervalSet(v4.source)
                $0.traffic = TrafficSet(.udp, port: v4.destination)
            },
            match {
                $0.limit(path, to: interfaces)
                $0.sources = SpecialAddresses.linkLocal
                $0.destinations = AddressSet(v6: .all)
                $0.sourcePorts = IntervalSet(v6.source)
                $0.traffic = TrafficSet(.udp, port: v6.destination)
            },
        ]
    }

    private static func match(_ change: (inout PacketMatch) -> Void) -> PacketMatch {
        var match = PacketMatch()
        change(&match)
        return match
    }
}

extension PacketMatch {
    /// Binds the match to interfaces: to those that a packet to the host comes in by, or that one of it leaves by.
    mutating func limit(_ path: PacketPath, to interfaces: InterfaceSet) {
        if path == .output { outputInterfaces = interfaces } else { inputInterfaces = interfaces }
    }
}

extension SiteHost {
    /// The interfaces for which the site file has no address: they get theirs from elsewhere.
    var dynamicInterfaces: Set<String> { Set(interfaces.filter(\.addresses.isEmpty).map(\.name)) }

    /// The interfaces that ask for addresses by DHCP.
    fileprivate var leasingInterfaces: Set<String> { Set(interfaces.filter(\.asksForLease).map(\.name)) }

    /// Whether it gives out addresses: it bears the role `dhcp-server`.
    fileprivate var isDHCPServer: Bool { roles.contains("dhcp-server") }

    /// All but those that face the outside.
    fileprivate var innerInterfaces: InterfaceSet {
        .except(Set(interfaces.filter { $0.zone == FirewallDefence.outside }.map(\.name)).union(["lo"]))
    }
}
