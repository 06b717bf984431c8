package import Site

/// What one host's firewall is meant to do, said without a word of nftables: for each way of a packet through the host
/// an ordered list of rules, of which the first that matches decides. What none matches is dropped.
///
/// The compiler turns it into a ruleset; the proof holds what the kernel has against it.
package struct HostIntent: Sendable {
    /// The host's name in the site file.
    package var host: String
    /// The host's interfaces as the site file has them, in its order.
    package var interfaces: [HostInterface]
    /// Its addresses of which the site file does not say the interface.
    package var otherAddresses: [IPAddress] = []
    /// Packets to the host itself.
    package var input: [IntentRule] = []
    /// Packets through the host. A host that is no router has no rule here.
    package var forward: [IntentRule] = []
    /// Packets that the host sends.
    package var output: [IntentRule] = []
    /// Addresses and ports that a router changes, in order.
    package var translations: [Translation] = []
    /// Whether packets that no rule lets through are logged, at a limited rate.
    package var logsDropped = true

    package init(host: String, interfaces: [HostInterface] = []) {
        self.host = host
        self.interfaces = interfaces
    }

    /// The rules of one way through the host.
    package func rules(_ path: PacketPath) -> [IntentRule] {
        switch path {
        case .input: input
        case .forward: forward
        case .output: output
        }
    }

    /// Every address that the site file says is the host's.
    package var knownAddresses: AddressSet {
        AddressSet(interfaces.flatMap(\.addresses).map(\.address) + otherAddresses)
    }

    /// Where a packet that comes in is sent instead: the first change of its destination; nil when it goes where it was
    /// sent. The host's own addresses are those that the site file knows, and what the packet says of itself.
    package func redirection(of packet: Packet) -> Translation? {
        guard translations.contains(where: \.decidesDestination) else { return nil }
        var packet = packet
        if knownAddresses.contains(packet.destination) { packet.oddities.insert(.toOwnAddress) }
        let first = translations.first { $0.decidesDestination && $0.changed.contains(packet) }
        return first.flatMap { $0.kind == .unchanged ? nil : $0 }
    }

    /// What changes the source of a packet that leaves and begins a connection: the first such change; nil when it keeps
    /// its source.
    package func sourceChange(of packet: Packet) -> Translation? {
        guard packet.path != .input, packet.state == .new else { return nil }
        return translations.first { !$0.decidesDestination && $0.changed.contains(packet) }
    }

    /// The rule that decides about the packet; nil when none does, which means that it is dropped.
    package func rule(for packet: Packet) -> IntentRule? {
        rules(packet.path).first { $0.matches(packet) }
    }
}

/// One rule of a host's intent.
package struct IntentRule: Sendable, Equatable {
    /// The word by which the rule is known everywhere: comment, log prefix, counter, trace and messages. Letters,
    /// digits, `-`, `_` and `.`, at most 48 of them. Rules that one line of the policy made for several ways share it.
    package var id: String
    /// Why the rule is there.
    package var origin: RuleOrigin
    /// The line of the site file that it comes from; `.none` for what comes with the house.
    package var position = SourcePosition.none
    /// Packets that fulfil any of these. Never empty.
    package var matches: [PacketMatch]
    package var verdict: RuleVerdict
    /// What each source may have of it; above, the packet is dropped.
    package var limit: RuleLimit?
    /// Whether a packet that it decides about is logged, at a limited rate.
    package var isLogged = false
    /// When the rule ends, in seconds since 1970; nil for never. The kernel ends it by itself.
    package var expires: Int64?

    package init(id: String, _ origin: RuleOrigin, _ verdict: RuleVerdict, matches: [PacketMatch]) {
        self.id = id
        self.origin = origin
        self.verdict = verdict
        self.matches = matches
    }

    /// Whether the rule is about the packet.
    package func matches(_ packet: Packet) -> Bool {
        matches.contains { match in
            guard match.contains(packet) else { return false }
            guard match.oddities.contains(.overLimit), let limit = packet.limit else { return true }
            return limits.contains(limit)
        }
    }
}

/// What happens to a packet that a rule decides about.
package enum RuleVerdict: String, Sendable, Hashable {
    case accept, drop
    /// Refused aloud: TCP by a reset, others by ICMP.
    case reject
}

/// Why a rule is there.
package enum RuleOrigin: Sendable, Hashable {
    /// A line of `allow` or `deny`.
    case written
    /// Follows from another part of the site file, which the text names: `pool web`.
    case derived(String)
    /// A defence that comes with the house, by its name in the site file: `spoofing`.
    case defence(String)
    /// What a host needs to work at all, by its name: `loopback`, `established`, `icmp`.
    case baseline(String)
}

/// What one source may have of a rule.
package struct RuleLimit: Sendable, Hashable {
    /// New connections for each source: so many in `perSeconds`, and `burst` at once. nil: no limit.
    package var rate: Rate?
    /// Connections for each source at one time; nil: no limit.
    package var connections: Int?

    package struct Rate: Sendable, Hashable {
        /// 1 or more.
        package var count: Int
        /// 1, 60, 3,600 or 86,400: nftables counts by second, minute, hour and day.
        package var perSeconds: Int
        /// 1 or more.
        package var burst: Int

        package init(count: Int, perSeconds: Int, burst: Int) {
            self.count = count
            self.perSeconds = perSeconds
            self.burst = burst
        }
    }

    package init(rate: Rate? = nil, connections: Int? = nil) {
        self.rate = rate
        self.connections = connections
    }
}

/// A change of a packet's addresses by a router.
package struct Translation: Sendable, Equatable {
    package enum Kind: Sendable, Hashable {
        /// The source becomes the address of the interface that the packet leaves by.
        case masquerade
        /// The source becomes this address.
        case source(IPAddress)
        /// The destination becomes this address and, unless nil, this port.
        case destination(IPAddress, port: UInt16?)
        /// The packet goes where it was sent, whatever later translations would make of its destination: a line of
        /// `deny` takes it there.
        case unchanged
    }

    /// As `IntentRule.id`.
    package var id: String
    package var position = SourcePosition.none
    package var match: PacketMatch
    package var kind: Kind
    /// More lines that it comes from.
    package var others: [RuleLabel] = []
    /// As `IntentRule.expires`.
    package var expires: Int64?

    package init(id: String, match: PacketMatch, _ kind: Kind) {
        self.id = id
        self.match = match
        self.kind = kind
    }
}

extension Translation {
    /// Whether it is about where packets go, and not about where they come from.
    var decidesDestination: Bool {
        switch kind {
        case .destination, .unchanged: true
        case .masquerade, .source: false
        }
    }

    /// Whether it sends packets elsewhere than they were sent to.
    var isForward: Bool { if case .destination = kind { true } else { false } }

    /// The packets that it changes, or leaves as they are: of those that fulfil the match the ones of the new address's
    /// family and, where a port is set, of protocols that have ports.
    var changed: PacketMatch {
        var changed = match
        func narrow(to address: IPAddress) {
            let family = address.width == 32 ? AddressSet(v4: .all) : AddressSet(v6: .all)
            changed.sources = match.sources.intersection(family)
            changed.destinations = match.destinations.intersection(family)
        }
        switch kind {
        case .masquerade, .unchanged: break
        case .source(let address): narrow(to: address)
        case .destination(let address, let port):
            narrow(to: address)
            if port != nil { changed.traffic = match.traffic.intersection(.withPorts) }
        }
        return changed
    }
}
