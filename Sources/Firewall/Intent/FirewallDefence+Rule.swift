import Site

extension FirewallDefence {
    /// The rule for packets that come in; nil when the host has none of it.
    ///
    /// - Parameters:
    ///   - setting: what the site file says of it.
    ///   - claimed: addresses that are the site's, whatever their range is otherwise for.
    func rule(on host: SiteHost, _ setting: FirewallSwitch, claimed: AddressSet) -> IntentRule? {
        guard setting != .off else { return nil }
        let matches = matches(host, claimed)
        guard !matches.isEmpty else { return nil }
        var rule = IntentRule(id: rawValue, .defence(rawValue), .drop, matches: matches)
        if self == .connectionFlood {
            rule.limit = RuleLimit(rate: RuleLimit.Rate(setting, otherwise: Self.usualFlood))
        }
        return rule
    }

    private func matches(_ host: SiteHost, _ claimed: AddressSet) -> [PacketMatch] {
        switch self {
        case .loopbackSpoofing:
            [
                Self.match { $0.sources = SpecialAddresses.loopback },
                Self.match { $0.destinations = SpecialAddresses.loopback },
            ]
        case .spoofing:
            [
                Self.match {
                    $0.sources = .all.subtracting(SpecialAddresses.unspecified)
                    $0.traffic = .all.subtracting(Self.dhcp)
                    $0.oddities = .withoutReturnPath
                }
            ]
        case .broadcastSource: [Self.match { $0.oddities = .broadcastSource }]
        case .bogons: Self.bogons(host, claimed)
        case .tcpFlags: Self.impossibleFlags
        case .smallSegments:
            [
                Self.match {
                    // A SYN alone announces one; the kernel need not look for options elsewhere.
                    $0.traffic = TrafficSet(.tcp)
                    $0.tcpFlags = TCPOpening.flags
                    $0.oddities = .smallSegments
                }
            ]
        case .offLink:
            [
                Self.match {
                    $0.traffic = .discovery
                    $0.oddities = .throughRouter
                }
            ]
        case .connectionFlood:
            [
                Self.match {
                    $0.traffic = TrafficSet(.tcp)
                    $0.states = .new
                    $0.oddities = .overLimit
                }
            ]
        }
    }

    /// How many new connections one source may begin when the site file says nothing else.
    static let usualFlood = RuleLimit.Rate(count: 1_000, perSeconds: 1, burst: 2_000)

    private static let dhcp = TrafficSet(.udp, details: 67...68).union(TrafficSet(.udp, details: 546...547))

    private static func bogons(_ host: SiteHost, _ claimed: AddressSet) -> [PacketMatch] {
        let interfaces = Set(host.interfaces.filter { $0.zone == outside }.map(\.name))
        let sources = SpecialAddresses.bogons.subtracting(claimed)
        guard !interfaces.isEmpty else { return [] }
        func bogons(_ sources: AddressSet, but exempt: TrafficSet) -> PacketMatch {
            match {
                $0.inputInterfaces = .among(interfaces)
                $0.sources = sources
                $0.traffic = .all.subtracting(exempt)
                // Whom the policy lets a host ask may answer, and a provider's routers, which often have private
                // addresses, may tell of errors.
                $0.states = [.new, .invalid, .untracked]
            }
        }
        // Who is asked for his link address answers from the address that he was asked for, and connection tracking knows
        // nothing of it. Neighbours are on the own link, whatever their addresses: that is what `offLink` is for.
        let neighbours = TrafficSet.types([135, 136], of: .icmpv6)
        return [
            bogons(AddressSet(v4: sources.v4), but: dhcp),
            bogons(AddressSet(v6: sources.v6), but: dhcp.union(neighbours)),
        ].filter { !$0.sources.isEmpty }
    }

    /// One match for each pattern. The upper two bits, of ECN, do not matter (RFC 3168, section 6.1).
    private static let impossibleFlags: [PacketMatch] = {
        let (fin, syn, rst, push, urgent): (UInt8, UInt8, UInt8, UInt8, UInt8) = (0x01, 0x02, 0x04, 0x08, 0x20)
        func flags(_ mask: UInt8, are value: UInt8) -> PacketMatch {
            match {
                $0.traffic = TrafficSet(.tcp)
                let values = (UInt8.min...UInt8.max).filter { $0 & mask == value }
                $0.tcpFlags = IntervalSet(values.map { $0...$0 })
            }
        }
        return [
            flags(syn | fin, are: syn | fin),
            flags(syn | rst, are: syn | rst),
            flags(0x3F, are: 0),
            flags(0x3F, are: fin | push | urgent),
        ]
    }()

    /// What the host says to itself passes no defence.
    private static func match(_ change: (inout PacketMatch) -> Void) -> PacketMatch {
        var match = PacketMatch()
        match.inputInterfaces = .except(["lo"])
        change(&match)
        return match
    }
}
