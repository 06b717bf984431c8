/// `firewall`: what may reach what. `allow` and `deny` are rules; `never` and `exactly` are claims that the rules are
/// held against.
package struct FirewallSettings: Sendable, Equatable {
    package var allow: [FirewallRule] = []
    package var deny: [FirewallRule] = []
    package var never: [FirewallRule] = []
    package var exactly: [FirewallRule] = []

    package init() {}
}

/// One line of `firewall`.
package struct FirewallRule: Sendable, Equatable {
    /// Never empty.
    package var from: [FirewallEndpoint]
    /// Never empty.
    package var to: [FirewallEndpoint]
    /// Names of `services`, or `icmp`. Empty: every service.
    package var services: [String] = []
    package var position = SourcePosition.none

    package init(from: [FirewallEndpoint], to: [FirewallEndpoint], services: [String] = []) {
        self.from = from
        self.to = to
        self.services = services
    }
}

/// One end of a firewall rule.
package enum FirewallEndpoint: Sendable, Hashable {
    /// Every address.
    case any
    /// Every address that no network or host of the site claims.
    case internet
    /// Every host of the site.
    case all
    /// The hosts that bear this role.
    case role(String)
    /// One host of the site.
    case host(String)
    /// One of the site's named networks.
    case network(String)
    /// Addresses written out.
    case addresses(IPNetwork)
}
