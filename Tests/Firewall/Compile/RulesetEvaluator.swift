import Firewall
import Site

/// What nftables would do with a packet, read off the ruleset and nothing else: small, slow, and independent of the
/// compiler.
struct RulesetEvaluator {
    /// How a packet fared: accepted or not, and the rule that said so; nil for the policy of a chain.
    struct Outcome: Equatable {
        var isAccepted: Bool
        var rule: String?
    }

    private let chains: [String: Chain]
    private let sets: [String: NamedSet]
    private let bases: [Chain]
    /// Seconds since 1970.
    var now: Int64 = 0

    init(_ ruleset: Ruleset) {
        chains = Dictionary(uniqueKeysWithValues: ruleset.chains.map { ($0.name, $0) })
        sets = Dictionary(uniqueKeysWithValues: ruleset.sets.map { ($0.name, $0) })
        bases = ruleset.chains.filter { $0.hook != nil }
    }

    func outcome(of packet: Packet) -> Outcome {
        let hooks: [Chain.Hook] =
            switch packet.path {
            case .input: [.defences, .input]
            case .forward: [.defences, .forward]
            case .output: [.output]
            }
        var last = Outcome(isAccepted: false, rule: nil)
        for hook in hooks {
            for chain in bases where chain.hook == hook {
                switch run(chain, packet, depth: 0) {
                case .decided(let outcome):
                    last = outcome
                    if !outcome.isAccepted { return outcome }
                case .end: last = Outcome(isAccepted: !hook.rawValue.hasSuffix("policy drop;"), rule: nil)
                }
            }
        }
        return last
    }

    private enum Step {
        case decided(Outcome)
        case end
    }

    private func run(_ chain: Chain, _ packet: Packet, depth: Int) -> Step {
        precondition(depth < 16, "nftables has a stack of 16 chains")
        for rule in chain.rules where rule.matches.allSatisfy({ holds($0, packet) }) {
            let verdict: Verdict
            switch rule.action {
            case .proceed, .masquerade, .translateSource, .translateDestination: continue
            case .rejectByReset, .rejectByMessage: verdict = .drop
            case .verdict(let plain): verdict = plain
            case .lookup(let selector, let elements):
                guard let found = find(selector, elements, packet) else { continue }
                verdict = found
            case .lookupNamed(let selector, let name):
                guard let found = find(selector, sets[name]!.elements, packet) else { continue }
                verdict = found
            }
            switch verdict {
            case .accept: return .decided(Outcome(isAccepted: true, rule: rule.label?.id))
            case .drop: return .decided(Outcome(isAccepted: false, rule: rule.label?.id))
            case .leave: return .end
            case .goto(let name): return run(chains[name]!, packet, depth: depth + 1)
            case .jump(let name):
                let step = run(chains[name]!, packet, depth: depth + 1)
                if case .decided = step { return step }
            }
        }
        return .end
    }

    private func find(_ selector: Selector, _ elements: [Element], _ packet: Packet) -> Verdict? {
        let found = elements.filter { holds(selector, $0.key, packet) }
        precondition(found.count < 2, "elements of one set overlap: \(found)")
        return found.first?.verdict
    }

    private func holds(_ match: Match, _ packet: Packet) -> Bool {
        switch match {
        case .among(let selector, let keys): keys.contains { holds(selector, $0, packet) }
        case .outside(let selector, let keys):
            isAbout(selector, packet) && !keys.contains { holds(selector, $0, packet) }
        case .amongNamed(let selector, let name):
            sets[name]!.elements.contains { holds(selector, $0.key, packet) }
        case .outsideNamed(let selector, let name):
            isAbout(selector, packet) && !sets[name]!.elements.contains { holds(selector, $0.key, packet) }
        case .family(let family): packet.source.width == (family == .v4 ? 32 : 128)
        case .flags(let mask, let value): packet.protocolNumber == .tcp && packet.tcpFlags & mask == value
        case .otherFlags(let mask, let value): packet.protocolNumber == .tcp && packet.tcpFlags & mask != value
        case .before(let second): now < second
        case .oddity(let oddity): packet.oddities.contains(oddity)
        case .above: packet.oddities.contains(.overLimit)
        case .within, .unconfirmed: true
        }
    }

    /// Whether the selector finds anything in the packet.
    private func isAbout(_ selector: Selector, _ packet: Packet) -> Bool {
        let isV4 = packet.source.width == 32
        let hasPorts = [6, 17, 33, 132, 136].contains(packet.protocolNumber.rawValue)
        return switch selector {
        case .source(let family), .destination(let family): (family == .v4) == isV4
        case .service, .sourcePort: hasPorts
        case .port(let number): packet.protocolNumber == number
        case .icmpType(.v4), .icmpCode(.v4): packet.protocolNumber == .icmp && isV4
        case .icmpType(.v6), .icmpCode(.v6): packet.protocolNumber == .icmpv6 && !isV4
        case .inputInterface, .outputInterface, .protocolNumber, .state: true
        }
    }

    private func holds(_ selector: Selector, _ key: ElementKey, _ packet: Packet) -> Bool {
        guard isAbout(selector, packet) else { return false }
        switch (selector, key) {
        case (.source, .v4(let range)): return if case .v4(let bits) = packet.source { range ~= bits } else { false }
        case (.source, .v6(let range)): return if case .v6(let bits) = packet.source { range ~= bits } else { false }
        case (.destination, .v4(let range)):
            return if case .v4(let bits) = packet.destination { range ~= bits } else { false }
        case (.destination, .v6(let range)):
            return if case .v6(let bits) = packet.destination { range ~= bits } else { false }
        case (.service, .service(let number, let ports)):
            return number == packet.protocolNumber && ports ~= packet.detail
        case (.port, .ports(let ports)): return ports ~= packet.detail
        case (.sourcePort, .ports(let ports)): return ports ~= packet.sourcePort
        case (.protocolNumber, .protocols(let range)): return range ~= packet.protocolNumber.rawValue
        case (.icmpType, .types(let range)): return range ~= UInt8(packet.detail >> 8)
        case (.icmpCode, .codes(let type, let range)):
            return type == UInt8(packet.detail >> 8) && range ~= UInt8(truncatingIfNeeded: packet.detail)
        case (.inputInterface, .interface(let name)): return packet.inputInterface == name
        case (.outputInterface, .interface(let name)): return packet.outputInterface == name
        case (.state, .state(let state)): return packet.state == state
        default: preconditionFailure("\(key) is no element for \(selector)")
        }
    }
}
