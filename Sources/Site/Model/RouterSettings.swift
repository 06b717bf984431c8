/// One line of `masquerade`: packets that routers send on in their own name. IPv4 alone: IPv6 has addresses for
/// everyone (RFC 4864).
package struct MasqueradeRule: Sendable, Equatable {
    package var id: String?
    /// Whose packets. Never empty.
    package var from: [FirewallEndpoint]
    /// Where they go. Never empty.
    package var to: [FirewallEndpoint] = [.any]
    /// `out`: the zone of the interfaces that they leave by.
    package var outZone: String
    package var position = SourcePosition.none

    package init(from: [FirewallEndpoint], out zone: String) {
        self.from = from
        outZone = zone
    }
}

/// One line of `forward`: a port of the routers' own addresses that leads to a host behind them. It opens what it
/// forwards, at the router and at the host.
package struct PortForward: Sendable, Equatable {
    package var id: String?
    /// Who may use it. Never empty.
    package var from: [FirewallEndpoint]
    /// `in`: the zone of the interfaces that it comes in by.
    package var inZone = "outside"
    /// `service`: what comes to the router. Not `icmp`.
    package var service: ServiceReference
    package var to: Target
    /// `port`: the port at the host; nil: the same as at the router.
    package var port: UInt16?
    package var isLogged = false
    package var position = SourcePosition.none

    package init(from: [FirewallEndpoint], service: ServiceReference, to: Target) {
        self.from = from
        self.service = service
        self.to = to
    }

    package enum Target: Sendable, Hashable {
        case host(String)
        case address(IPAddress)
    }
}
