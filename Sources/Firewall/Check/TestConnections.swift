import Site

/// The connections that one line of `tests` is about: between all addresses of its ends, and of each range of ports the
/// first, the last, and each at which a rule begins to speak or ceases to. Between two of them all ports are alike. A
/// protocol without ports is one connection.
struct TestConnections {
    let all: [Connection]
    /// Whether there are more than `most`, of which none is tried then.
    let isTooMany: Bool

    /// How many connections a line may be about: each is judged by all rules of the hosts on its way.
    static let most = 4_096

    init(_ test: FirewallTest, _ site: SiteModel, _ intent: Intent) {
        let traffic = test.service == .icmp ? TrafficSet.echoRequests : TrafficSet([test.service], of: site)
        var all: [Connection] = []
        let isWanted = test.expected == .accept
        for source in Self.addresses(test.from, site, isWanted) {
            for destination in Self.addresses(test.to, site, isWanted) where destination.width == source.width {
                for kind in Self.kinds(traffic, from: source, to: destination, site, intent) {
                    let number = ProtocolNumber(rawValue: UInt8(truncatingIfNeeded: kind >> 16))
                    guard number != (source.width == 32 ? .icmpv6 : .icmp) else { continue }
                    let detail = UInt16(truncatingIfNeeded: kind)
                    all.append(Connection(from: source, to: destination, number, detail: detail))
                }
            }
        }
        isTooMany = all.count > Self.most
        self.all = all
    }

    /// - Parameter isWanted: whether it is to be let through: at what the host shares others decide, too.
    private static func addresses(_ end: FirewallTest.End, _ site: SiteModel, _ isWanted: Bool) -> [IPAddress] {
        switch end {
        case .address(let address): return [address]
        case .host(let name):
            guard let host = site.hosts[name] else { return [] }
            return (isWanted ? host.ownAddresses : host.allAddresses).map(\.address)
        }
    }

    /// One of each sort that the rules about such connections tell apart.
    private static func kinds(
        _ traffic: TrafficSet,
        from source: IPAddress,
        to destination: IPAddress,
        _ site: SiteModel,
        _ intent: Intent
    ) -> [UInt32] {
        let ends = Self.ends(of: destination, site, intent)
        var hosts: [HostIntent]?
        return traffic.rangesByProtocol.flatMap { number, range in
            // An echo request has one type, and code 0; of what has neither ports nor types there is one kind.
            if range.count == 1 || !number.hasPorts { return [range.lowerBound] }
            let asked = hosts ?? Self.hosts(source, ends, site, intent)
            hosts = asked
            var kinds: Set<UInt32> = [range.lowerBound, range.upperBound]
            // What a router has masqueraded comes from the router.
            let masquerading = asked.filter { $0.translations.contains { !$0.decidesDestination } }
            let sources = masquerading.reduce(AddressSet([source])) { $0.union($1.knownAddresses) }
            func cut(_ match: PacketMatch) {
                guard match.sources.intersects(sources),
                    ends.contains(where: { match.destinations.contains($0) })
                else { return }
                for part in match.traffic.kinds.intersection(IntervalSet(range)).ranges {
                    kinds.insert(part.lowerBound)
                    if part.upperBound < range.upperBound { kinds.insert(part.upperBound + 1) }
                }
            }
            for host in asked {
                for path in PacketPath.allCases { for rule in host.rules(path) { rule.matches.forEach(cut) } }
                for translation in host.translations { cut(translation.changed) }
            }
            return kinds.sorted()
        }
    }

    /// Where a connection may end: where it is sent, and where forwarded ports of that host lead.
    private static func ends(of destination: IPAddress, _ site: SiteModel, _ intent: Intent) -> [IPAddress] {
        var ends = [destination]
        for translation in intent.hosts.filter({ site.bears($0, destination) }).flatMap(\.translations) {
            if case .destination(let target, _) = translation.kind { ends.append(target) }
        }
        return ends
    }

    /// The hosts that may be asked about a connection: its ends, those that get what is sent to a group, and routers.
    private static func hosts(
        _ source: IPAddress,
        _ ends: [IPAddress],
        _ site: SiteModel,
        _ intent: Intent
    ) -> [HostIntent] {
        let (from, to) = (AddressSet([source]), AddressSet(ends))
        return intent.hosts.enumerated().filter { index, host in
            site.hosts[host.host]?.isRouter == true || ([source] + ends).contains { site.bears(host, $0) }
                || !intent.members.reached(to, at: index, from: from).isEmpty
        }.map(\.element)
    }
}

extension SiteModel {
    fileprivate func bears(_ host: HostIntent, _ address: IPAddress) -> Bool {
        hosts[host.host]?.allAddresses.contains { $0.address == address } ?? false
    }
}
