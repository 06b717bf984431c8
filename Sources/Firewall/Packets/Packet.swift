package import Site

/// One packet as a firewall of one host sees it: what a question is about, and what a witness is.
package struct Packet: Sendable, Hashable {
    /// Its way through the host, and the interfaces on it.
    package var route: PacketRoute
    package var source: IPAddress
    /// Of the source's family.
    package var destination: IPAddress
    package var protocolNumber: ProtocolNumber
    /// 0 where the protocol knows no ports.
    package var sourcePort: UInt16 = 0
    /// The destination port, or what `TrafficSet` says of ICMP.
    package var detail: UInt16 = 0
    package var state = ConnectionState.new
    /// The byte of flags in the header of TCP (RFC 9293, section 3.1); SYN alone for a new connection.
    package var tcpFlags: UInt8 = 0x02
    /// What no address and no port shows. An ordinary packet has none of them.
    package var oddities: PacketOddities = []
    /// Of a packet with the oddity `overLimit` the only limit that it is above; nil for every limit that it meets.
    package var limit: PacketLimit?

    package init(
        _ route: PacketRoute,
        from source: IPAddress,
        to destination: IPAddress,
        _ protocolNumber: ProtocolNumber,
        detail: UInt16 = 0
    ) {
        self.route = route
        self.source = source
        self.destination = destination
        self.protocolNumber = protocolNumber
        self.detail = detail
    }
}

extension Packet {
    /// Which of the host's hooks the packet passes.
    package var path: PacketPath { route.path }
    /// The interface it came in by; nil when the host sends it.
    package var inputInterface: String? { route.input }
    /// The interface it leaves by; nil when the host is where it goes.
    package var outputInterface: String? { route.output }
}

/// A packet's way through a host. Each interface on it has a name: a rule for some interfaces must never take a packet
/// of which nobody said where it comes from.
package enum PacketRoute: Sendable, Hashable {
    case input(by: String)
    case forward(by: String, to: String)
    case output(by: String)

    /// - Parameters:
    ///   - input: the interface that it comes in by, if it does.
    ///   - output: the interface that it leaves by, if it does.
    package init(_ path: PacketPath, by input: String, to output: String) {
        self =
            switch path {
            case .input: .input(by: input)
            case .forward: .forward(by: input, to: output)
            case .output: .output(by: output)
            }
    }

    package var path: PacketPath {
        switch self {
        case .input: .input
        case .forward: .forward
        case .output: .output
        }
    }

    package var input: String? {
        switch self {
        case .input(let name), .forward(let name, _): name
        case .output: nil
        }
    }

    package var output: String? {
        switch self {
        case .output(let name), .forward(_, let name): name
        case .input: nil
        }
    }
}

/// The three ways of a packet through a host, as netfilter's hooks name them.
package enum PacketPath: String, Sendable, Hashable, CaseIterable {
    case input, forward, output
}

/// The state of connection tracking that a packet is in.
package enum ConnectionState: UInt8, Sendable, Hashable, CaseIterable {
    case new, established, related, invalid, untracked
}

package struct ConnectionStates: OptionSet, Sendable, Hashable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }
    package init(_ state: ConnectionState) { rawValue = 1 << state.rawValue }

    package static let new = ConnectionStates(.new)
    package static let established = ConnectionStates(.established)
    package static let related = ConnectionStates(.related)
    package static let invalid = ConnectionStates(.invalid)
    package static let untracked = ConnectionStates(.untracked)
    package static let all = ConnectionStates(rawValue: 0x1F)

    package func contains(_ state: ConnectionState) -> Bool { rawValue & 1 << state.rawValue != 0 }
}

/// What depends on more than the packet: on routes, on earlier packets, on options. Each is a dimension of its own, of
/// which an ordinary packet is on the harmless side.
package struct PacketOddities: OptionSet, Sendable, Hashable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// No route leads back to the source by the interface that the packet came in by (`fib saddr . iif oif missing`).
    package static let withoutReturnPath = PacketOddities(rawValue: 1 << 0)
    /// The source is a broadcast or multicast address of the host's own links (`fib saddr type`).
    package static let broadcastSource = PacketOddities(rawValue: 1 << 1)
    /// A SYN that announces a segment size below 536 (`tcp option maxseg size`).
    package static let smallSegments = PacketOddities(rawValue: 1 << 2)
    /// Above the rate or the number of connections that a rule allows its source; of a match, above those of its own
    /// rule. Which limit it is `Packet.limit` says.
    package static let overLimit = PacketOddities(rawValue: 1 << 3)
    /// An IPv6 packet whose hop limit is below 255: a router may have passed it on (`ip6 hoplimit != 255`). Neighbour
    /// discovery comes from the own link alone (RFC 4861, section 6.1).
    package static let throughRouter = PacketOddities(rawValue: 1 << 4)
    /// The destination that the packet comes in with is an address of the host (`fib daddr type local`): what a host that
    /// gets its address from elsewhere knows, and the site file does not.
    package static let toOwnAddress = PacketOddities(rawValue: 1 << 5)
    /// The destination of its connection was changed on the way in (`ct status dnat`): it came to a forwarded port.
    package static let redirected = PacketOddities(rawValue: 1 << 6)
}
