import Site

/// The connections that one line of `tests` is about: between all addresses of its ends, to the first and the last port
/// of each range of its service.
struct TestConnections {
    let all: [Connection]

    init(_ test: FirewallTest, _ site: SiteModel) {
        let traffic =
            switch test.service {
            case .named(FirewallRule.icmp): TrafficSet.echoRequests
            case .named(let name): TrafficSet([name], of: site)
            case .ports(let service): TrafficSet(service)
            }
        let kinds = traffic.kinds.ranges.flatMap { range in
            // An echo request has one type, and code 0.
            let isICMP = [ProtocolNumber.icmp, .icmpv6].contains { UInt32($0.rawValue) == range.lowerBound >> 16 }
            return range.count == 1 || isICMP ? [range.lowerBound] : [range.lowerBound, range.upperBound]
        }
        var all: [Connection] = []
        for source in Self.addresses(test.from, site) {
            for destination in Self.addresses(test.to, site) where destination.width == source.width {
                for kind in kinds {
                    let number = ProtocolNumber(rawValue: UInt8(truncatingIfNeeded: kind >> 16))
                    guard number != (source.width == 32 ? .icmpv6 : .icmp) else { continue }
                    let detail = UInt16(truncatingIfNeeded: kind)
                    all.append(Connection(from: source, to: destination, number, detail: detail))
                }
            }
        }
        self.all = all
    }

    private static func addresses(_ end: FirewallTest.End, _ site: SiteModel) -> [IPAddress] {
        switch end {
        case .address(let address): [address]
        case .host(let name): site.hosts[name]?.allAddresses.map(\.address) ?? []
        }
    }
}
