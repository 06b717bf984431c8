import Firewall
import Site

/// Short words for the intents of the goldens.
enum Golden {
    static func host(_ edit: (inout HostIntent) -> Void) -> HostIntent {
        var intent = HostIntent(host: "host-01")
        intent.logsDropped = false
        edit(&intent)
        return intent
    }

    /// A written rule of line `line` that lets new connections in.
    static func allow(_ id: String, line: Int, _ edit: (inout PacketMatch) -> Void = { _ in }) -> IntentRule {
        rule(id, line, .written, .accept, states: .new, edit)
    }

    /// A written rule of line `line` that lets in what comes from a forwarded port.
    static func forwarded(_ id: String, line: Int, _ edit: (inout PacketMatch) -> Void) -> IntentRule {
        allow(id, line: line) { match in
            match.oddities = .redirected
            edit(&match)
        }
    }

    static func deny(_ id: String, line: Int, _ edit: (inout PacketMatch) -> Void = { _ in }) -> IntentRule {
        rule(id, line, .written, .drop, states: .new, edit)
    }

    static func baseline(_ id: String, _ verdict: RuleVerdict, _ edit: (inout PacketMatch) -> Void) -> IntentRule {
        rule(id, 0, .baseline(id), verdict, states: .all, edit)
    }

    static func defence(_ id: String, _ edit: (inout PacketMatch) -> Void) -> IntentRule {
        rule(id, 0, .defence(id), .drop, states: .all, edit)
    }

    static func rule(
        _ id: String,
        _ line: Int,
        _ origin: RuleOrigin,
        _ verdict: RuleVerdict,
        states: ConnectionStates,
        _ edit: (inout PacketMatch) -> Void
    ) -> IntentRule {
        var match = PacketMatch()
        match.states = states
        edit(&match)
        var rule = IntentRule(id: id, origin, verdict, matches: [match])
        if line > 0 { rule.position = SourcePosition(line: line, column: 7) }
        return rule
    }

    static func translation(
        _ id: String,
        line: Int,
        _ kind: Translation.Kind,
        _ edit: (inout PacketMatch) -> Void
    ) -> Translation {
        var match = PacketMatch()
        edit(&match)
        var translation = Translation(id: id, match: match, kind)
        translation.position = SourcePosition(line: line, column: 7)
        return translation
    }

    /// Addresses by their text: networks, single addresses and ranges.
    static func addresses(_ texts: String...) -> AddressSet {
        texts.reduce(.none) { set, text in
            let parts = text.split(separator: "/").map(String.init)
            let address = IPAddress(parts[0])!
            let length = parts.count > 1 ? Int(parts[1])! : address.width
            return set.union(AddressSet([IPNetwork(containing: address, prefixLength: length)]))
        }
    }

    /// `count` networks that do not touch, of both families.
    static func scattered(_ count: Int) -> AddressSet {
        AddressSet(
            (0..<UInt32(count)).flatMap { number in
                [
                    IPNetwork(containing: .v4(0x2D00_0000 | number << 9), prefixLength: 24),
                    IPNetwork(containing: .v6(0x2A00_0000 << 96 | UInt128(number) << 81), prefixLength: 48),
                ]
            }
        )
    }

    static func tcp(_ ports: ClosedRange<UInt16>...) -> TrafficSet {
        ports.reduce(.none) { $0.union(TrafficSet(.tcp, details: $1)) }
    }

    static func tcp(_ port: UInt16) -> TrafficSet { TrafficSet(.tcp, details: port...port) }
    static func udp(_ port: UInt16) -> TrafficSet { TrafficSet(.udp, details: port...port) }

    static func icmp(_ types: UInt8...) -> TrafficSet {
        types.reduce(.none) { $0.union(.icmp(.icmp, type: $1)) }
    }

    static func icmpv6(_ types: ClosedRange<UInt8>...) -> TrafficSet {
        types.reduce(.none) { set, range in range.reduce(set) { $0.union(.icmp(.icmpv6, type: $1)) } }
    }

    /// Values of TCP's flags in which, of `mask`, exactly the bits of `value` are set.
    static func flags(_ mask: UInt8, _ value: UInt8) -> IntervalSet<UInt8> {
        IntervalSet((UInt8.min...UInt8.max).filter { $0 & mask == value }.map { $0...$0 })
    }

    /// What every host has before its own rules.
    static let start: [IntentRule] = [
        baseline("loopback", .accept) { $0.inputInterfaces = .among(["lo"]) },
        baseline("established", .accept) { $0.states = [.established, .related] },
        baseline("invalid", .drop) { $0.states = .invalid },
    ]
}

extension IntentRule {
    /// The rule with changes.
    func with(_ edit: (inout IntentRule) -> Void) -> IntentRule {
        var rule = self
        edit(&rule)
        return rule
    }
}
