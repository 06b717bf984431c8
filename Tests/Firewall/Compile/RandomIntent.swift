import Firewall
import Site

/// Random intents whose rules cross each other, and packets near their edges.
struct RandomIntent {
    var generator: Seeded
    private let interfaces = ["eth0", "eth1", "lo"]
    private let ports: [UInt16] = [0, 22, 53, 80, 443, 1024, 3306, 8080, 65_535]

    init(seed: UInt64) {
        generator = Seeded(state: seed)
    }

    mutating func intent(rules: Int) -> HostIntent {
        var intent = HostIntent(host: "random")
        for path in PacketPath.allCases {
            var list = chance(2) ? baseline() : []
            for index in 0..<number(0...rules) { list.append(rule("r\(index)", path)) }
            switch path {
            case .input: intent.input = list
            case .forward: intent.forward = list
            case .output: intent.output = list
            }
        }
        if chance(2) { intent.input.insert(contentsOf: defences(), at: 0) }
        if chance(2) {
            let rules = intent.input.prefix(number(0...2)).map { rule in
                var rule = rule
                rule.matches = rule.matches.map(Self.forwarded)
                return rule
            }
            intent.forward.insert(contentsOf: rules, at: 0)
        }
        return intent
    }

    mutating func packet() -> Packet {
        let path = one(PacketPath.allCases)
        let isV4 = chance(2)
        let numbers: [ProtocolNumber] =
            [
                .tcp, .tcp, .udp, isV4 ? .icmp : .icmpv6, ProtocolNumber(rawValue: 47), .sctp,
                ProtocolNumber(rawValue: 0),
            ]
        let names = interfaces + ["wlan7"]
        let route = PacketRoute(path, by: one(names), to: one(names))
        var packet = Packet(route, from: address(isV4), to: address(isV4), one(numbers))
        switch packet.protocolNumber {
        case .tcp, .udp, .sctp:
            packet.detail = nearby(one(ports))
            packet.sourcePort = nearby(one(ports))
        case .icmp, .icmpv6: packet.detail = UInt16(number(0...9)) << 8 | UInt16(number(0...3))
        default: break
        }
        packet.state = chance(2) ? .new : one(ConnectionState.allCases)
        packet.tcpFlags = chance(2) ? 2 : UInt8(number(0...255))
        if chance(4) { packet.oddities = PacketOddities(rawValue: UInt8(number(0...31))) }
        if isV4 { packet.oddities.remove(.throughRouter) }
        if path == .output { packet.oddities.remove(.withoutReturnPath) }
        if packet.protocolNumber != .tcp { packet.oddities.remove(.smallSegments) }
        if path != .output, chance(3) { packet.oddities.insert(.redirected) }
        return packet
    }

    private mutating func defences() -> [IntentRule] {
        var rules: [IntentRule] = []
        for (index, oddity) in [PacketOddities.withoutReturnPath, .broadcastSource, .smallSegments].enumerated() {
            var match = PacketMatch()
            match.oddities = oddity
            match.inputInterfaces = .except(["lo"])
            if oddity == .smallSegments { match.traffic = TrafficSet(.tcp) }
            rules.append(IntentRule(id: "d\(index)", .defence("odd"), .drop, matches: [match]))
        }
        var match = PacketMatch()
        match.traffic = TrafficSet(.tcp)
        match.tcpFlags = IntervalSet((UInt8.min...UInt8.max).filter { $0 & 3 == 3 || $0 & 0x3F == 0 }.map { $0...$0 })
        rules.append(IntentRule(id: "flags", .defence("flags"), .drop, matches: [match]))
        return rules
    }

    private mutating func baseline() -> [IntentRule] {
        let states: [(String, ConnectionStates, RuleVerdict)] =
            [("established", [.established, .related], .accept), ("invalid", [.invalid, .related], .drop)]
        return states.map { id, states, verdict in
            var match = PacketMatch()
            match.states = states
            return IntentRule(id: id, .baseline(id), verdict, matches: [match])
        }
    }

    private mutating func rule(_ id: String, _ path: PacketPath) -> IntentRule {
        let verdict: RuleVerdict = one([.accept, .accept, .accept, .drop, .reject])
        var rule = IntentRule(id: id, .written, verdict, matches: (0..<number(1...2)).map { _ in match(path) })
        if chance(8) { rule.limit = RuleLimit(rate: .init(count: 5, perSeconds: 60, burst: 5), connections: 3) }
        if chance(8) { rule.isLogged = true }
        if chance(6) { rule.expires = Int64(number(100...300)) }
        return rule
    }

    private mutating func match(_ path: PacketPath) -> PacketMatch {
        var match = PacketMatch()
        if chance(4) { match.inputInterfaces = interfaceSet() }
        if chance(5) { match.outputInterfaces = interfaceSet() }
        if chance(2) { match.sources = addresses() }
        if chance(3) { match.destinations = addresses() }
        if !chance(4) { match.traffic = traffic() }
        match.states = chance(12) ? .all : .new
        if chance(20) { match.sourcePorts = IntervalSet([0...one(ports)]) }
        if chance(20) { match.tcpFlags = IntervalSet([0...UInt8(number(0...255))]) }
        if chance(20) { match.oddities = one([.smallSegments, .throughRouter, .withoutReturnPath]) }
        if path == .forward { match = Self.forwarded(match) }
        if path != .output, chance(6) { match.oddities = .redirected }
        if match.oddities.contains(.withoutReturnPath) {
            // What the host says to itself no rule of a site's asks the way back of.
            match.inputInterfaces = match.inputInterfaces.subtracting(.among(["lo"]))
        }
        return match
    }

    /// As a site asks it of what is forwarded, all of which has been through a router, this one.
    private static func forwarded(_ match: PacketMatch) -> PacketMatch {
        var match = match
        match.oddities.remove(.throughRouter)
        return match
    }

    private mutating func interfaceSet() -> InterfaceSet {
        let names = Set(interfaces.filter { _ in chance(2) })
        return chance(3) ? .except(names) : .among(names.union(["eth0"]))
    }

    private mutating func traffic() -> TrafficSet {
        (0..<number(1...3)).reduce(.none) { set, _ in
            let (low, high) = (one(ports), one(ports))
            let details = chance(3) ? min(low, high)...max(low, high) : low...low
            let next: TrafficSet =
                switch number(0...6) {
                case 0...2: TrafficSet(.tcp, details: details)
                case 3: TrafficSet(.udp, details: details)
                case 4: .icmp(chance(2) ? .icmp : .icmpv6, type: UInt8(number(0...9)))
                case 5: TrafficSet(one([.tcp, .udp, .icmp, .icmpv6, ProtocolNumber(rawValue: 47)]))
                default: TrafficSet.all.subtracting(TrafficSet(.tcp, details: details))
                }
            return set.union(next)
        }
    }

    private mutating func addresses() -> AddressSet {
        let set = AddressSet(
            (0..<number(1...6)).map { _ in
                let isV4 = chance(2)
                let length = isV4 ? number(0...12) + 20 : number(0...12) + 116
                return IPNetwork(containing: address(isV4), prefixLength: length)
            }
        )
        return chance(6) ? AddressSet.all.subtracting(set) : set
    }

    /// One of a few hundred, so that sets meet.
    private mutating func address(_ isV4: Bool) -> IPAddress {
        let low = UInt32(number(0...1023))
        return isV4 ? .v4(0x0A00_0000 | low) : .v6(0x2001_0DB8 << 96 | UInt128(low))
    }

    private mutating func nearby(_ port: UInt16) -> UInt16 { port &+ one([0, 0, 1, UInt16.max]) }
    mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }
    private mutating func chance(_ of: Int) -> Bool { number(1...of) == 1 }
    private mutating func one<Item>(_ items: [Item]) -> Item { items[number(0...items.count - 1)] }
}
