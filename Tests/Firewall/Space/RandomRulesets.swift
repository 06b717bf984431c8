import Firewall
import Site

/// Rulesets and packets that meet: few values, so that rules overlap and packets hit them.
struct RandomRulesets {
    var generator: Seeded

    init(seed: UInt64) { generator = Seeded(state: seed) }

    mutating func pick<Value>(_ values: [Value]) -> Value {
        values[Int.random(in: 0..<values.count, using: &generator)]
    }

    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &generator) < percent }

    mutating func number(_ range: ClosedRange<UInt128>) -> UInt128 { UInt128.random(in: range, using: &generator) }

    // MARK: - Packets

    static let names = ["eth0", "eth1", "lo", "wan0"]
    private static let ports: ClosedRange<UInt128> = 75...90
    private static let last4: UInt128 = 0x0A00_000F
    private static let first4: UInt128 = 0x0A00_0000
    private static let first6: UInt128 = 0x2001_0DB8 << 96

    mutating func packet() -> Packet {
        let path = pick(PacketPath.allCases)
        let isSix = chance(40)
        let ends = (0..<2).map { _ -> IPAddress in
            let number = number(0...15)
            return isSix ? .v6(Self.first6 + number) : .v4(UInt32(Self.first4 + number))
        }
        let transport = pick([.tcp, .tcp, .udp, isSix ? .icmpv6 : .icmp, ProtocolNumber(rawValue: 47), .sctp])
        let route = PacketRoute(path, by: pick(Self.names), to: pick(Self.names))
        var packet = Packet(route, from: ends[0], to: ends[1], transport)
        switch transport {
        case .tcp, .udp, .sctp:
            packet.detail = UInt16(number(Self.ports))
            packet.sourcePort = UInt16(number(Self.ports))
        case .icmp, .icmpv6: packet.detail = UInt16(pick([0, 3, 8, 128, 135]) << 8 | pick([0, 1, 3]))
        default: break
        }
        packet.state = pick(ConnectionState.allCases)
        packet.tcpFlags = pick([0x02, 0x10, 0x12, 0x00, 0x03, 0xFF])
        packet.oddities = PacketOddities(rawValue: chance(70) ? 0 : UInt8(number(0...31)))
        if transport != .tcp { packet.oddities.remove(.smallSegments) }
        return packet
    }

    // MARK: - What is meant

    mutating func intent(rules: Int) -> HostIntent {
        var intent = HostIntent(host: "h")
        intent.input = (0..<rules).map { rule($0) }
        intent.forward = (0..<rules / 2).map { rule($0) }
        intent.output = (0..<rules / 2).map { rule($0) }
        return intent
    }

    private mutating func rule(_ index: Int) -> IntentRule {
        let matches = (0..<Int(number(1...2))).map { _ in match() }
        var rule = IntentRule(id: "r\(index)", .written, pick([.accept, .accept, .drop, .reject]), matches: matches)
        if rule.verdict == .accept, chance(20) { rule.limit = RuleLimit(connections: 5) }
        return rule
    }

    private mutating func match() -> PacketMatch {
        var match = PacketMatch()
        if chance(30) { match.inputInterfaces = chance(50) ? .among([pick(Self.names)]) : .except([pick(Self.names)]) }
        if chance(20) { match.outputInterfaces = .among([pick(Self.names)]) }
        if chance(60) { match.sources = addresses() }
        if chance(50) { match.destinations = addresses() }
        if chance(60) {
            let ports = range(Self.ports)
            match.traffic = TrafficSet(
                pick([.tcp, .udp, .sctp]),
                details: UInt16(ports.lowerBound)...UInt16(ports.upperBound)
            )
            if chance(30) { match.traffic = match.traffic.union(TrafficSet(ProtocolNumber(rawValue: 47))) }
        }
        if chance(20) { match.sourcePorts = IntervalSet([UInt16(number(Self.ports))...UInt16.max]) }
        if chance(40) { match.states = [.new, pick([.established, .invalid, .related])] }
        if chance(10) { match.tcpFlags = IntervalSet([0x02...0x10]) }
        if chance(10) { match.oddities = pick([.overLimit, .withoutReturnPath]) }
        return match
    }

    private mutating func addresses() -> AddressSet {
        let (four, six) = (range(Self.first4...Self.last4), range(Self.first6...Self.first6 + 15))
        return AddressSet(
            v4: chance(70) ? IntervalSet([UInt32(four.lowerBound)...UInt32(four.upperBound)]) : IntervalSet(),
            v6: chance(70) ? IntervalSet([six]) : .all
        )
    }

    private mutating func range(_ within: ClosedRange<UInt128>) -> ClosedRange<UInt128> {
        let (one, two) = (number(within), number(within))
        return min(one, two)...max(one, two)
    }

    // MARK: - What is held

    /// Chains that hang at hooks, and some that are jumped to, which only jump to later ones.
    mutating func ruleset(rules: Int) -> HeldRuleset {
        var ruleset = HeldRuleset()
        for hook in HeldHook.allCases where hook == .input || chance(50) {
            ruleset.chains.append(
                HeldChain(
                    family: hook.rawValue.hasSuffix("gress") ? .netdev : pick([.inet, .inet, .ip, .ip6]),
                    table: "t",
                    name: hook.rawValue,
                    base: .init(
                        hook: hook,
                        priority: pick([-450, -300, -150, 0]),
                        drops: chance(30),
                        isTranslation: hook != .input && chance(10),
                        devices: chance(80) ? ["eth0"] : nil
                    )
                )
            )
        }
        if chance(30) {
            let hook = pick([HeldHook.prerouting, .input, .forward, .output, .postrouting])
            let base = HeldChain.Base(hook: hook, priority: 0, drops: chance(30))
            ruleset.chains.append(HeldChain(family: .bridge, table: "b", name: "b", base: base))
        }
        if chance(20) {
            let hook = pick([HeldHook.prerouting, .input, .output, .postrouting])
            let base = HeldChain.Base(hook: hook, priority: pick([-300, 0]), drops: chance(30), isTranslation: true)
            ruleset.chains.append(HeldChain(family: .inet, table: "n", name: "n", base: base))
        }
        if chance(5) { ruleset.zoning = "zone" }
        let bases = ruleset.chains.count
        for index in 0..<3 { ruleset.chains.append(HeldChain(family: .inet, table: "t", name: "c\(index)")) }
        for chain in ruleset.chains.indices {
            let targets = (max(chain + 1, bases)..<bases + 3).map { $0 }
            ruleset.chains[chain].rules = (0..<rules).map { _ in HeldRule(statements(targets)) }
        }
        return ruleset
    }

    private mutating func statements(_ targets: [Int]) -> [HeldStatement] {
        var list = (0..<Int(number(0...3))).map { _ in HeldStatement.condition(condition()) }
        if chance(10) { list += [.verdict(.next), .condition(condition())] }
        if chance(15) {
            let fields = chance(50) ? [field()] : [.transport, pick([.anyDestinationPort, .source4, .state])]
            // The kernel takes no map in which a packet has two verdicts, unless fields are intervals side by side.
            let mayOverlap = fields.count > 1 && chance(50)
            var taken = IntervalSet<UInt128>()
            let entries = (0..<3).map { _ in
                var key = fields.map { numbers($0) }
                if !mayOverlap { key[0] = key[0].subtracting(taken) }
                taken = taken.union(key[0])
                return (key, verdict(targets))
            }
            list.append(.verdictMap(fields: fields, entries: entries))
            // What an entry with `continue` leads to.
            if chance(50) { list.append(.verdict(verdict(targets))) }
        } else if chance(2) {
            list.append(.unknown("?"))
        } else if chance(3) {
            list.append(.translation(.masquerade))
        } else if chance(3) {
            list.append(.untracking)
        } else if chance(90) {
            list.append(.verdict(verdict(targets)))
        }
        return list
    }

    private mutating func verdict(_ targets: [Int]) -> HeldVerdict {
        if let last = targets.last, chance(30) {
            let target = Int.random(in: targets[0]...last, using: &generator)
            return chance(60) ? .jump(target) : .goto(target)
        }
        return chance(2) ? .unknown("?") : pick([.accept, .accept, .drop, .drop, .reject, .back, .next])
    }

    private mutating func condition() -> HeldCondition {
        if chance(4) { return .unknown("?") }
        if chance(8) {
            let oddities: [PacketOddities] = [.overLimit, .broadcastSource, .throughRouter, .withoutReturnPath]
            return .oddity(pick(oddities), isPresent: chance(70))
        }
        if chance(4) { return .excess(HeldLimit(.connections(5)), isAbove: chance(70)) }
        let fields = chance(75) ? [field()] : [field(), field()]
        let entries = (0..<Int(number(1...3))).map { _ in fields.map { numbers($0) } }
        return .fields(fields, entries: entries, isNegated: chance(25))
    }

    private mutating func field() -> HeldField {
        pick([
            .family, .inputInterface, .outputInterface, .inputIndex, .outputIndex, .source4, .source6, .destination4,
            .destination6, .transport, .sourcePort(.tcp), .destinationPort(.tcp), .destinationPort(.udp),
            .anySourcePort, .anyDestinationPort,
            .icmpType, .icmpCode, .icmpv6Type, .state, .state, .tcpFlags,
        ])
    }

    private mutating func numbers(_ field: HeldField) -> IntervalSet<UInt128> {
        switch field {
        case .family: return IntervalSet(number(0...1))
        case .inputInterface, .outputInterface, .inputIndex, .outputIndex:
            return chance(30)
                ? IntervalSet([InterfaceName.range(beginning: "eth")])
                : IntervalSet(InterfaceName.number(pick(Self.names)))
        case .source4, .destination4: return IntervalSet([range(Self.first4...Self.last4)])
        case .source6, .destination6: return IntervalSet([range(Self.first6...Self.first6 + 15)])
        case .transport: return IntervalSet([range(pick([0...255, 6...17, 6...6]))])
        case .icmpType, .icmpCode, .icmpv6Type, .icmpv6Code: return IntervalSet([range(0...8)])
        case .state: return IntervalSet([range(0...4)])
        case .tcpFlags: return IntervalSet([range(0...0x12)])
        default: return IntervalSet([range(Self.ports)])
        }
    }
}
