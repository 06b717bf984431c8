import Site

extension TrafficSet {
    /// Everything that ICMP and ICMPv6 carry.
    static let allICMP = TrafficSet(.icmp).union(TrafficSet(.icmpv6))

    /// Everything but ICMP and ICMPv6: what a claim speaks of that does not name them.
    static let allButICMP = TrafficSet.all.subtracting(allICMP)

    /// The service `icmp`: errors, and echo (RFC 4890, sections 4.3.1 and 4.3.2; for IPv4 the same in kind). What
    /// belongs to one link alone, neighbour discovery and the like, is no part of it.
    static let icmpService = icmpErrors.union(echoRequests)
        .union(types([0], of: .icmp)).union(types([129], of: .icmpv6))

    /// Destination unreachable, (packet too big,) time exceeded and parameter problem.
    static let icmpErrors = types([3, 11, 12], of: .icmp).union(types([1, 2, 3, 4], of: .icmpv6))

    /// Neighbour discovery of IPv6, of which every packet has a hop limit of 255 (RFC 4861, section 6.1).
    static let discovery = types([133, 134, 135, 136, 137], of: .icmpv6)

    /// ICMP of any of these types.
    static func types(_ types: [UInt8], of number: ProtocolNumber) -> TrafficSet {
        types.reduce(TrafficSet.none) { $0.union(TrafficSet.icmp(number, type: $1)) }
    }

    /// Echo requests of both families.
    static let echoRequests = types([8], of: .icmp).union(types([128], of: .icmpv6))

    /// The traffic of one service of the site.
    init(_ service: SiteService) {
        switch service {
        case .ports(.tcp, let ports): self.init(.tcp, details: ports)
        case .ports(.udp, let ports): self.init(.udp, details: ports)
        case .ports(.sctp, let ports): self.init(.sctp, details: ports)
        case .whole(let number): self.init(ProtocolNumber(rawValue: number))
        }
    }

    /// Traffic to one port.
    init(_ number: ProtocolNumber, port: UInt16) {
        self.init(number, details: port...port)
    }

    /// The traffic of the services that a line names.
    init(_ references: [ServiceReference], of site: SiteModel) {
        self = references.reduce(.none) { traffic, reference in
            if reference == .icmp { return traffic.union(.icmpService) }
            return site.services(of: reference).reduce(traffic) { $0.union(TrafficSet($1)) }
        }
    }
}
