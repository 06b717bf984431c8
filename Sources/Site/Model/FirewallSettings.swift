/// `firewall`: what may reach what. `allow` and `deny` are rules; `never` and `exactly` are claims that the rules are
/// held against.
package struct FirewallSettings: Sendable, Equatable {
    package var allow: [FirewallRule] = []
    package var deny: [FirewallRule] = []
    package var never: [FirewallRule] = []
    package var exactly: [FirewallRule] = []
    package var needs = FirewallNeeds()
    /// `masquerade`: whose source address routers replace with their own.
    package var masquerade: [MasqueradeRule] = []
    /// `forward`: ports of routers that lead to hosts behind them.
    package var forwards: [PortForward] = []
    package var defences = FirewallSwitches<FirewallDefence>()
    package var baseline = FirewallSwitches<FirewallBaseline>()
    /// `log-dropped`: whether what no rule lets through is logged, at a limited rate.
    package var logsDropped = true
    package var tests: [FirewallTest] = []

    package init() {}

    /// Whether the file says anything about who may reach whom. A site that does not has no firewall of ours, and
    /// nothing of it is held against one.
    package var isUsed: Bool {
        !(allow.isEmpty && deny.isEmpty && never.isEmpty && exactly.isEmpty && forwards.isEmpty && tests.isEmpty)
    }
}

/// One line of `allow`, `deny`, `never` or `exactly`. Claims have no more than ends and services.
package struct FirewallRule: Sendable, Equatable {
    /// `id`: the word by which the rule is known everywhere; nil for one made of what it says.
    package var id: String?
    /// Never empty.
    package var from: [FirewallEndpoint]
    /// Never empty.
    package var to: [FirewallEndpoint]
    /// None twice. Empty: every service.
    package var services: [ServiceReference] = []
    /// `in`: the zone of the interface that the packet comes in by, at its destination and at routers; nil for any.
    package var inZone: String?
    /// `out`: the zone of the interface that the packet leaves by, at its source and at routers; nil for any.
    package var outZone: String?
    /// `expires`: when the rule ends; nil for never.
    package var expires: DateTime?
    /// `limit`: what each source may have of an `allow`.
    package var limit: FirewallLimit?
    /// `log`
    package var isLogged = false
    /// `reject`: a `deny` says so to the sender, instead of keeping silent.
    package var isReject = false
    package var position = SourcePosition.none

    package init(from: [FirewallEndpoint], to: [FirewallEndpoint], services: [ServiceReference] = []) {
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

/// `limit`: what each source may have of a rule. Above, its packets are dropped.
package struct FirewallLimit: Sendable, Hashable {
    /// New connections; nil for no limit.
    package var rate: FirewallRate?
    /// How many may come at once; nil: as many as the rate says, and at least 5. Only with a rate. 1 or more.
    package var burst: Int?
    /// Connections at one time, 1 or more; nil for no limit.
    package var connections: Int?

    package init() {}
}

/// So many in a time: `10/s`.
package struct FirewallRate: Sendable, Hashable {
    package enum Unit: String, Sendable, CaseIterable {
        case second = "s"
        case minute = "m"
        case hour = "h"
        case day = "d"

        package var seconds: Int {
            switch self {
            case .second: 1
            case .minute: 60
            case .hour: 3600
            case .day: 86_400
            }
        }
    }

    /// 1...1,000,000
    package var count: Int
    package var unit: Unit

    package init(_ count: Int, per unit: Unit) {
        self.count = count
        self.unit = unit
    }
}

/// `needs`: whom every host of the site may ask for what it needs to live. Nothing goes out unless it is written, here
/// or in `allow`.
package struct FirewallNeeds: Sendable, Equatable {
    /// Name servers: 53 over UDP and TCP.
    package var dns: [FirewallEndpoint] = []
    /// Time servers: 123 over UDP.
    package var ntp: [FirewallEndpoint] = []
    /// Package mirrors: 80 and 443 over TCP.
    package var mirrors: [FirewallEndpoint] = []
    package var position = SourcePosition.none

    package init() {}
}
