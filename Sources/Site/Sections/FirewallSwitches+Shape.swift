extension FirewallSwitches where Part: CaseIterable & RawRepresentable, Part.RawValue == String {
    /// A mapping with a key for each part.
    ///
    /// - Parameters:
    ///   - rated: the parts that have a rate.
    ///   - summary: what a part is, in one sentence.
    fileprivate static func shape(
        rated: Set<Part> = [],
        _ summary: (Part) -> String
    ) -> Shape<FirewallSwitches> {
        .mapping(
            FirewallSwitches(),
            Part.allCases.map { part -> Key<FirewallSwitches> in
                .key(part.rawValue, \.[part], .part(isRated: rated.contains(part)), summary(part))
            }
        )
    }
}

extension Shape where Value == FirewallSwitch {
    /// `true` or `false`, or a rate where there is one.
    fileprivate static func part(isRated: Bool) -> Shape {
        let flag = Shape<Bool>.boolean
        let rate = Shape<FirewallRate>.rate
        let schema: [JSONValue.Member] =
            isRated ? [.init("anyOf", .array([.object(flag.schema), .object(rate.schema)]))] : flag.schema
        return Shape(schema: schema, encode: { $0 == .on ? .boolean(true) : nil }) { node, decoding in
            if isRated, let word = node.word, word.utf8.first.map({ (0x30...0x39).contains($0) }) == true {
                return rate.decode(node, &decoding).map { .rate($0) }
            }
            return flag.decode(node, &decoding).map { $0 ? .on : .off }
        }
    }
}

extension FirewallDefence {
    static let shape = FirewallSwitches<FirewallDefence>.shape(rated: [.connectionFlood]) { part in
        switch part {
        case .loopbackSpoofing: "Loopback addresses that did not come from the host itself."
        case .spoofing: "Sources to which no route leads back by the same interface."
        case .broadcastSource: "Sources that are broadcast or multicast addresses."
        case .bogons: "Sources that nobody on the internet has, on interfaces of the zone outside; they may answer."
        case .tcpFlags: "Flags of TCP that no connection has."
        case .smallSegments: "A SYN that announces segments below 536 bytes."
        case .offLink: "IPv6 neighbour discovery that does not come from the own link: its hop limit is below 255."
        case .connectionFlood: "New connections of one source beyond a rate; 1000/s when true."
        }
    }
}

extension FirewallBaseline {
    static let shape = FirewallSwitches<FirewallBaseline>.shape(rated: [.ping]) { part in
        switch part {
        case .loopback: "What the host says to itself is let through."
        case .established: "Answers, and errors about connections that are there, are let through."
        case .invalid: "Packets that belong to nothing are dropped."
        case .midStream: "TCP of no known connection is dropped, unless it begins one."
        case .neighbours: "IPv6 neighbour discovery is let through."
        case .multicastListeners: "IPv6 multicast listener discovery is let through, and IGMP where lines open groups."
        case .icmp: "ICMP errors, and echo of IPv6, are let through."
        case .ping: "Echo requests of IPv4 are let through, up to a rate for each source; 10/s when true."
        case .dhcpClient: "DHCP is let through on interfaces that get their addresses by it."
        case .dhcpServer: "DHCP is served by hosts with the role dhcp-server, but for the zone outside."
        }
    }.checked { switches, node, decoding in
        let needed: [(FirewallBaseline, String, help: String)] = [
            (
                .established, "without `established` answers are dropped, so that no connection works",
                "leave it on: it lets in nothing that begins a connection"
            ),
            (
                .neighbours,
                "without `neighbours` nobody finds a host on its link by IPv6, so that no connection of IPv6 works there",
                "leave it on: it lets in nothing but who bears which address of the link"
            ),
        ]
        for (part, reason, help) in needed where switches[part] == .off {
            guard let node = node[part.rawValue] else { continue }
            decoding.collector.report(.conflict, .warning, at: node.range, reason, help: help)
        }
    }
}
