import Site

/// The word `internet` where networks of the site leave nothing to it.
extension EndpointResolver {
    /// What the networks leave nothing of, by the names of the families.
    static func lost(_ networks: [String: [IPNetwork]], _ claimed: AddressSet) -> [(family: String, network: String)] {
        let left = AddressSet.all.subtracting(claimed).subtracting(SpecialAddresses.bogons)
            .subtracting(SpecialAddresses.linkLocalOrNone)
        func widest(_ width: Int) -> String {
            let shortest = networks.map { name, ranges in
                (ranges.filter { $0.address.width == width }.map(\.prefixLength).min() ?? .max, name)
            }
            return shortest.min { $0 < $1 }?.1 ?? ""
        }
        var lost: [(family: String, network: String)] = []
        if left.v4.isEmpty { lost.append(("IPv4", widest(32))) }
        if left.v6.isEmpty { lost.append(("IPv6", widest(128))) }
        return lost
    }

    /// Why a rule that speaks of the internet says less than its words; nil when it does not.
    func emptiness(of rule: FirewallRule) -> String? {
        guard (rule.from + rule.to).contains(.internet), let lost = lost.first else { return nil }
        return "the networks of the site leave nothing of \(lost.family) to `internet`: "
            + "`\(lost.network)` claims most of it"
    }
}
