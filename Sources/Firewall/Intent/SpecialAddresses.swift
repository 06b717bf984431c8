import Site

/// Addresses that mean something by themselves (RFC 6890 and IANA's registries of special-purpose addresses).
enum SpecialAddresses {
    private static func set(_ networks: [String]) -> AddressSet {
        AddressSet(
            networks.map { text in
                // Nothing comes here but the lists below.
                guard let network = IPNetwork(text) else { fatalError("\(text) is no network, in this file") }
                return network
            }
        )
    }

    /// 127.0.0.0/8 and ::1.
    static let loopback = set(["127.0.0.0/8", "::1/128"])

    static let linkLocal = set(["fe80::/10"])

    /// fe80::/10, and `::` of a host that has no address yet.
    static let linkLocalOrNone = set(["fe80::/10", "::/128"])

    /// 0.0.0.0 and `::`, the sources of a host that has no address yet.
    static let unspecified = set(["0.0.0.0/32", "::/128"])

    /// Multicast, and everybody on a link.
    static let groups = set(["224.0.0.0/4", "255.255.255.255/32", "ff00::/8"])

    /// 224.0.0.0/4.
    static let multicast4 = set(["224.0.0.0/4"])

    /// What no host is given: loopback, groups, broadcast, what is reserved, and what every interface has by itself.
    static let neverLeased = loopback.union(linkLocalOrNone).union(set(["0.0.0.0/8", "224.0.0.0/3", "ff00::/8"]))

    /// What sites number themselves with, and no provider passes on: RFC 1918, RFC 3927, RFC 6598, RFC 4193.
    static let ofSites = set([
        "10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7",
    ])

    /// Sources that no packet from the internet has: private, shared, reserved, for documentation. Of IPv6 all that is
    /// not global unicast (2000::/3), but for link-local addresses and `::`, by which neighbours are found, and
    /// NAT64's prefix (RFC 6052).
    static let bogons = set([
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
        "2001:db8::/32", "2001:10::/28", "3fff::/20",
    ]).union(
        AddressSet(v6: .all).subtracting(
            set(["2000::/3", "fe80::/10", "::/128", "64:ff9b::/96"])
        )
    )
}
