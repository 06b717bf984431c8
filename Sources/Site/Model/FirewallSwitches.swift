/// Parts of the firewall that come with the house, each of which the site file can switch off, or give another rate.
package struct FirewallSwitches<Part: Hashable & Sendable>: Sendable, Equatable {
    private var settings: [Part: FirewallSwitch] = [:]

    package init() {}

    package subscript(part: Part) -> FirewallSwitch {
        get { settings[part] ?? .on }
        // What is as it would be anyway is not kept, so that writing the default down changes nothing.
        set { settings[part] = newValue == .on ? nil : newValue }
    }
}

/// Whether a part of the firewall is there.
package enum FirewallSwitch: Sendable, Hashable {
    case off, on
    /// With this rate for each source, for the parts that have one.
    case rate(FirewallRate)
}

/// Packets that no honest peer sends. They are dropped before anything else is looked at. The names are those of the
/// site file's section `defences`.
package enum FirewallDefence: String, Sendable, CaseIterable {
    /// Loopback addresses that did not come from the host itself.
    case loopbackSpoofing = "loopback-spoofing"
    /// No route leads back to the source by the interface that the packet came in by (RFC 3704, section 2.2). DHCP is
    /// exempt: who asks for an address has none.
    case spoofing
    /// The source is a broadcast or multicast address (RFC 1122, section 3.2.1.3).
    case broadcastSource = "broadcast-source"
    /// Flags of TCP that no connection has: SYN with FIN, SYN with RST, none, and FIN, PSH and URG alone.
    case tcpFlags = "tcp-flags"
    /// A SYN that announces segments below 536 bytes, the least that RFC 9293, section 3.7.1, knows.
    case smallSegments = "small-segments"
    /// Neighbour discovery and redirects of IPv6 that a router passed on: they are sent with a hop limit of 255, which no
    /// router leaves so (RFC 4861, sections 6.1, 7.1 and 8.1).
    case offLink = "off-link"
    /// Sources that nobody on the internet has, unless the site claims them, on interfaces that face the outside. Answers
    /// and errors about connections that are there pass.
    case bogons
    /// More new connections of TCP than one source may begin.
    case connectionFlood = "connection-flood"

    /// The zone of the interfaces that face the outside.
    package static let outside = "outside"
}

/// What every host needs to work at all. It goes before what the policy says. The names are those of the site file's
/// section `baseline`.
package enum FirewallBaseline: String, Sendable, CaseIterable {
    /// What the host says to itself.
    case loopback
    /// Answers, and errors about connections that are there.
    case established
    /// Packets that belong to nothing are dropped.
    case invalid
    /// Segments of TCP that belong to no connection and begin none are dropped: without this connection tracking takes them
    /// for a connection that began before it looked, from whoever sends the first (nf_conntrack_tcp_loose).
    case midStream = "mid-stream"
    /// Neighbour discovery of IPv6 (RFC 4861), without redirects: types 133 to 136.
    case neighbours
    /// Which multicast groups are listened to (RFC 2710, RFC 3810), without which neighbour discovery fails behind
    /// switches that look.
    case multicastListeners = "multicast-listeners"
    /// What RFC 4890 wants let through: errors, and echo for IPv6.
    case icmp
    /// Echo requests of IPv4, some from each source.
    case ping
    /// Addresses from a DHCP server, on interfaces that ask for them (`HostInterface.asksForLease`).
    case dhcpClient = "dhcp-client"
    /// Requests for an address, at hosts with the role `dhcp-server`, on interfaces that do not face the outside.
    case dhcpServer = "dhcp-server"
}
