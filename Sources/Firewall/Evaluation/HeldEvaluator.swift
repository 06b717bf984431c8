import Site

/// Walks one packet through what the kernel holds, rule by rule. It knows nothing of diagrams, so that it and the
/// algebra check each other.
package struct HeldEvaluator: Sendable {
    package let ruleset: HeldRuleset

    package init(_ ruleset: HeldRuleset) { self.ruleset = ruleset }

    /// What may become of the packet: `accept`, `drop`, or both where something is not known.
    package func outcomes(_ packet: Packet) -> Outcomes {
        var walk = Walk(ruleset: ruleset, packet: packet, isTracing: false)
        return walk.run()
    }

    /// The same, with the rules that bore on it.
    package func trace(_ packet: Packet) -> HeldTrace {
        var walk = Walk(ruleset: ruleset, packet: packet, isTracing: true)
        let outcomes = walk.run()
        return HeldTrace(outcomes: outcomes, steps: walk.steps)
    }
}

/// What became of a packet, and by which rules.
package struct HeldTrace: Sendable {
    package struct Step: Sendable {
        /// The chain's index in the ruleset.
        package let chain: Int
        /// The rule's index in the chain; nil when the chain's end was reached, and its policy decided.
        package let rule: Int?
        /// What the rule, or the policy, makes of the packet.
        package let outcomes: Outcomes
        /// Whether the packet went on at this place because a statement is not understood.
        package let unknown: String?
    }

    /// `accept`, `drop`, or both.
    package let outcomes: Outcomes
    /// The rules of which the conditions hold, in order, and the policies.
    package let steps: [Step]
}

/// One packet on its way.
private struct Walk {
    let ruleset: HeldRuleset
    let packet: Packet
    let isTracing: Bool
    var steps: [HeldTrace.Step] = []
    /// What chains that were jumped to made of the packet at this hook, by their index.
    private var results: [Int: Outcomes] = [:]
    private var depth = 0

    /// As deep as the kernel lets rules jump (NFT_JUMP_STACK_SIZE).
    private static let deepest = 16

    init(ruleset: HeldRuleset, packet: Packet, isTracing: Bool) {
        self.ruleset = ruleset
        self.packet = packet
        self.isTracing = isTracing
    }

    mutating func run() -> Outcomes {
        guard ruleset.misplaced.isEmpty else { return [.accept, .drop] }
        var outcomes = Outcomes.accept
        for index in ruleset.bases(on: packet.path) where outcomes.contains(.accept) {
            let chain = ruleset.chains[index]
            guard let base = chain.base, sees(chain, base) else { continue }
            results = [:]
            var result = walk(index, ruleset.view(of: chain, base, on: packet.path))
            if result.contains(.next) {
                result.remove(.next)
                result.insert(base.drops ? .drop : .accept)
                note(index, nil, base.drops ? .drop : .accept, nil)
            }
            if mayPassBy(chain, base) || ruleset.isSkippedPerhaps(index) { result.insert(.accept) }
            outcomes.remove(.accept)
            outcomes.formUnion(result)
        }
        return outcomes.settled
    }

    private func sees(_ chain: HeldChain, _ base: HeldChain.Base) -> Bool {
        let isSix = packet.source.width == 128
        if chain.family == .ip && isSix || chain.family == .ip6 && !isSix { return false }
        return !base.isTranslation || ruleset.zoning != nil || packet.state == .new || packet.state == .related
    }

    /// Whether the packet may be one that the chain is not asked about.
    private func mayPassBy(_ chain: HeldChain, _ base: HeldChain.Base) -> Bool {
        if base.mayBeAsleep { return true }
        if base.isTranslation { return ruleset.zoning != nil || packet.state == .related }
        guard chain.isBelowIP else { return false }
        guard base.hook.isOfDevice, let devices = base.devices else { return true }
        let interface = base.hook == .ingress ? packet.inputInterface : packet.outputInterface
        return !(interface.map(devices.contains) ?? false)
    }

    /// What a chain makes of the packet: `next` when it reaches the end or returns.
    private mutating func walk(_ index: Int, _ view: FieldView) -> Outcomes {
        if let known = results[index] { return known }
        guard depth < Self.deepest else { return .anything }
        // Whoever comes here again on the way is in a circle, which no kernel holds.
        results[index] = .anything
        depth += 1
        defer { depth -= 1 }
        var result: Outcomes = .next
        for number in ruleset.chains[index].rules.indices where result.contains(.next) {
            let outcomes = apply(index, number, view)
            result.remove(.next)
            result.formUnion(outcomes)
        }
        if result.contains(.back) {
            result.remove(.back)
            result.insert(.next)
        }
        results[index] = result
        return result
    }

    /// - Parameters:
    ///   - first: the statement to begin with.
    ///   - doubt: why it is not known that the packet comes to it; nil when it does.
    private mutating func apply(
        _ chain: Int,
        _ number: Int,
        _ view: FieldView,
        from first: Int = 0,
        _ doubt: String? = nil
    ) -> Outcomes {
        var outcomes: Outcomes = []
        var unknown = doubt
        let statements = ruleset.chains[chain].rules[number].statements
        for place in statements.indices.dropFirst(first) {
            switch statements[place] {
            case .condition(let condition):
                switch view.holds(condition, packet) {
                case true?: continue
                case false?: return outcomes.union(.next)
                case nil:
                    outcomes.insert(.next)
                    unknown = reason(of: condition)
                }
            case .verdict(.next): continue
            case .verdict(let verdict):
                note(chain, number, verdict, &unknown)
                return outcomes.union(follow(verdict, view))
            case .verdictMap(let fields, let entries):
                var isListed = false
                for (key, verdict) in entries {
                    let condition = HeldCondition.fields(fields, entries: [key], isNegated: false)
                    let holds = view.holds(condition, packet)
                    if holds == false { continue }
                    if holds == nil { unknown = unknown ?? reason(of: condition) }
                    if holds == true { isListed = true }
                    if verdict == .next {
                        outcomes.formUnion(apply(chain, number, view, from: place + 1, unknown))
                    } else {
                        note(chain, number, verdict, &unknown)
                        outcomes.formUnion(follow(verdict, view))
                    }
                }
                return isListed ? outcomes : outcomes.union(.next)
            case .translation:
                note(chain, number, .accept, unknown)
                return outcomes.union(.accept)
            case .untracking:
                guard view.untracked.contains(packet.state) else { continue }
                note(chain, number, .anything, "notrack")
                return .anything
            case .unknown(let text):
                note(chain, number, .anything, text)
                return .anything
            }
        }
        return outcomes.union(.next)
    }

    /// Why it is not known whether the condition holds.
    private func reason(of condition: HeldCondition) -> String {
        if case .fields(let fields, _, _) = condition, fields.contains(.state), let zoning = ruleset.zoning {
            return zoning
        }
        return condition.text
    }

    private mutating func follow(_ verdict: HeldVerdict, _ view: FieldView) -> Outcomes {
        switch verdict {
        case .jump(let chain): return walk(chain, view)
        case .goto(let chain):
            var result = walk(chain, view)
            if result.contains(.next) {
                result.remove(.next)
                result.insert(.back)
            }
            return result
        default: return verdict.outcomes
        }
    }

    private mutating func note(_ chain: Int, _ rule: Int, _ verdict: HeldVerdict, _ unknown: inout String?) {
        if case .unknown(let text) = verdict { unknown = text }
        note(chain, rule, verdict.outcomes, unknown)
    }

    private mutating func note(_ chain: Int, _ rule: Int?, _ outcomes: Outcomes, _ unknown: String?) {
        guard isTracing else { return }
        steps.append(.init(chain: chain, rule: rule, outcomes: outcomes, unknown: unknown))
    }
}

extension HeldRuleset {
    /// What a packet shows in a base chain and in those that it jumps to.
    func view(of chain: HeldChain, _ base: HeldChain.Base, on path: PacketPath) -> FieldView {
        FieldView(path: path, base: base, isBelowIP: chain.isBelowIP, hasZones: zoning != nil)
    }
}

extension HeldHook {
    /// Whether chains hang at a device there.
    var isOfDevice: Bool { self == .ingress || self == .egress }
}

extension HeldVerdict {
    /// What it makes of a packet by itself; nothing for a jump, which has the chain decide.
    var outcomes: Outcomes {
        switch self {
        case .accept: .accept
        case .drop, .reject: .drop
        case .next: .next
        case .back: .back
        case .jump, .goto: []
        case .unknown: .anything
        }
    }
}

extension HeldCondition {
    /// The text of what is not understood.
    var text: String {
        switch self {
        case .unknown(let text): text
        case .before(let end): "meta time < \(end)"
        case .fields(let fields, _, _): fields.map(\.text).joined(separator: " . ")
        case .oddity(.smallSegments, _): "tcp option maxseg size"
        case .oddity(.redirected, _): "ct status dnat"
        case .oddity, .excess: ""
        }
    }
}

extension HeldField {
    /// As nft writes it.
    var text: String {
        switch self {
        case .family: "meta nfproto"
        case .inputInterface: "iifname"
        case .outputInterface: "oifname"
        case .inputIndex: "iif"
        case .outputIndex: "oif"
        case .source4: "ip saddr"
        case .source6: "ip6 saddr"
        case .destination4: "ip daddr"
        case .destination6: "ip6 daddr"
        case .transport: "meta l4proto"
        case .sourcePort(let number): "\(number.text) sport"
        case .destinationPort(let number): "\(number.text) dport"
        case .anySourcePort: "th sport"
        case .anyDestinationPort: "th dport"
        case .icmpType: "icmp type"
        case .icmpCode: "icmp code"
        case .icmpv6Type: "icmpv6 type"
        case .icmpv6Code: "icmpv6 code"
        case .state: "ct state"
        case .tcpFlags: "tcp flags"
        }
    }
}
