import Site

/// Looks up what `from` and `to` of a rule mean. Each different list is looked up once.
///
/// A host claims its own addresses, not the rest of the network that its interface is attached to: at a provider's the
/// neighbours in the same prefix are strangers. What else is not to count as `internet` needs a name in `networks`.
struct EndpointResolver {
    /// The hosts of the site, by name.
    let hosts: [SiteHost]
    /// The name of each family of which the networks of the site leave no address to `internet` that anybody there has,
    /// with the network that claims most of it.
    let lost: [(family: String, network: String)]
    /// The addresses of each of them.
    let own: [AddressSet]
    /// Every address of a host of the site.
    let site: AddressSet
    /// Every address of a host or a named network of the site.
    let claimed: AddressSet
    let members: GroupMembers
    /// Every address that lies in a network which an interface of a host is attached to.
    let attached: AddressSet
    private let networks: [String: [IPNetwork]]
    private let indices: [String: Int]
    private let roles: [String: [Int]]
    /// The hosts' addresses in ascending order, each with the index of its host.
    private let v4: [(address: UInt32, host: Int)]
    private let v6: [(address: UInt128, host: Int)]
    private var known: [[FirewallEndpoint]: Party] = [:]

    init(_ site: SiteModel) {
        hosts = site.hosts.values.sorted { $0.name < $1.name }
        networks = site.networks
        indices = Dictionary(uniqueKeysWithValues: hosts.enumerated().map { ($1.name, $0) })
        var roles: [String: [Int]] = [:]
        var v4: [(address: UInt32, host: Int)] = []
        var v6: [(address: UInt128, host: Int)] = []
        for (index, host) in hosts.enumerated() {
            for role in Set(host.roles) { roles[role, default: []].append(index) }
            for address in host.allAddresses {
                switch address.address {
                case .v4(let bits): v4.append((bits, index))
                case .v6(let bits): v6.append((bits, index))
                }
            }
        }
        self.roles = roles
        self.v4 = v4.sorted { $0 < $1 }
        self.v6 = v6.sorted { $0 < $1 }
        members = GroupMembers(hosts)
        own = hosts.map { AddressSet($0.allAddresses.map(\.address)) }
        self.site = AddressSet(hosts.flatMap { $0.allAddresses.map(\.address) })
        claimed = self.site.union(AddressSet(site.networks.values.joined()))
        lost = Self.lost(site.networks, claimed)
        attached = AddressSet(hosts.flatMap { $0.allAddresses.map(\.network) })
    }

    /// What the word `internet` means.
    var internet: AddressSet { .all.subtracting(claimed) }

    /// The party that these words mean together.
    mutating func party(_ endpoints: [FirewallEndpoint]) -> Party {
        if let party = known[endpoints] { return party }
        var ranges: [IPNetwork] = []
        var wide = AddressSet.none
        var whole: Set<Int> = []
        var named: Set<Int> = []
        for endpoint in endpoints {
            switch endpoint {
            case .any:
                wide = .all
                whole.formUnion(hosts.indices)
            case .internet: wide = wide.union(internet)
            case .all: named.formUnion(hosts.indices)
            case .role(let role): named.formUnion(roles[role] ?? [])
            case .host(let name): if let index = indices[name] { named.insert(index) }
            case .network(let name): ranges += networks[name] ?? []
            case .addresses(let network): ranges.append(network)
            }
        }
        whole.formUnion(named)
        let written = AddressSet(ranges).union(wide)
        let addresses = AddressSet(whole.flatMap { hosts[$0].allAddresses.map(\.address) }).union(written)
        var party = party(addresses, written: written, whole, named: named)
        party.groups = members.groups(among: ranges)
        known[endpoints] = party
        return party
    }

    /// The party of these addresses.
    ///
    /// - Parameters:
    ///   - written: those of them that are meant whoever bears them; nil for all. One that a host shares is not for another
    ///     host that has it at another time.
    ///   - whole: hosts that are meant as such.
    ///   - named: those of them that are meant by name.
    func party(
        _ addresses: AddressSet,
        written: AddressSet? = nil,
        _ whole: Set<Int> = [],
        named: Set<Int> = []
    ) -> Party {
        var hits: [Int: [IPAddress]] = [:]
        Self.visit(v4, (written ?? addresses).v4) { hits[$1, default: []].append(.v4($0)) }
        Self.visit(v6, (written ?? addresses).v6) { hits[$1, default: []].append(.v6($0)) }
        for index in whole where hits[index] == nil { hits[index] = [] }
        let bearers = hits.sorted { $0.key < $1.key }.map { index, found in
            let isWhole = whole.contains(index)
            let meant = isWhole ? own[index] : AddressSet(found)
            return Party.Bearer(host: index, addresses: meant, isWhole: isWhole, isNamed: named.contains(index))
        }
        return Party(addresses: addresses, bearers: bearers)
    }

    /// Visits the hosts' addresses that lie in a set. For each range of it, or for each address, whatever is fewer, one
    /// binary search.
    private static func visit<Bound>(
        _ sorted: [(address: Bound, host: Int)],
        _ set: IntervalSet<Bound>,
        _ body: (Bound, Int) -> Void
    ) {
        guard set.ranges.count < sorted.count else {
            for entry in sorted where set.contains(entry.address) { body(entry.address, entry.host) }
            return
        }
        for range in set.ranges {
            var low = 0
            var high = sorted.count
            while low < high {
                let middle = (low + high) / 2
                if sorted[middle].address < range.lowerBound { low = middle + 1 } else { high = middle }
            }
            while low < sorted.count, sorted[low].address <= range.upperBound {
                body(sorted[low].address, sorted[low].host)
                low += 1
            }
        }
    }
}
