/// A service of the site.
package enum SiteService: Sendable, Hashable {
    package enum Transport: String, Sendable, CaseIterable {
        case tcp, udp, sctp
    }

    /// One port, or a range as in `udp/60000-61000`. Never holds 0.
    case ports(Transport, ClosedRange<UInt16>)
    /// All of a protocol above IP, by IANA's number: `esp`, `ip/112`.
    case whole(UInt8)

    /// The port, where it is one.
    package var port: UInt16? {
        guard case .ports(_, let ports) = self, ports.count == 1 else { return nil }
        return ports.lowerBound
    }

    /// The port, where it is one of TCP.
    package var tcpPort: UInt16? {
        guard case .ports(.tcp, _) = self else { return nil }
        return port
    }
}

/// A service as a line names it.
package enum ServiceReference: Sendable, Hashable {
    /// One of the site's services, or `icmp`.
    case named(String)
    /// Written out: `tcp/3306`, `esp`.
    case written(SiteService)

    /// The service that needs no definition: ICMP and ICMPv6.
    package static let icmp = ServiceReference.named(FirewallRule.icmp)

    /// As a site file writes it.
    package var word: String {
        switch self {
        case .named(let name): name
        case .written(let service): service.description
        }
    }
}
