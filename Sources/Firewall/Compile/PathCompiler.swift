import Site

/// Compiles the rules of one way of packets through the host.
struct PathCompiler {
    let path: PacketPath
    let rules: ArraySlice<IntentRule>
    /// Whether packets are logged that no rule decides about.
    let logsRest: Bool
    /// See `Compiler`.
    let lookups: Int

    /// Rules that follow each other and can be told together.
    private enum Segment {
        /// By a line or a few.
        case lines(IntentRule)
        /// By a verdict map of connection states.
        case states([IntentRule])
        /// By a decision diagram, for packets that are so.
        case stage([IntentRule], StageKind)
    }

    private var place: LinePlace { .path(path) }

    func compile(into parts: inout RulesetParts) {
        let base = path.rawValue
        parts.base(path.hook, base)
        for segment in segments() {
            switch segment {
            case .lines(let rule): parts.append(LinearRule(rule, place).lines(&parts), to: base)
            case .states(let rules): parts.append([stateLookup(rules, &parts)], to: base)
            case .stage(let rules, let kind):
                let name = "\(base)_\(kind.name)"
                let stages = StageCompiler(path: path, asked: kind.asked, name: name, lookups: lookups)
                parts.append(stages.jumps(rules, &parts), to: base)
            }
        }
        // What comes here falls to the chain's policy; so many packets were decided about by no rule.
        let label = RuleLabel(id: FirewallRule.unmatched)
        var rest = Rule([], .proceed, label: label)
        rest.hasCounter = true
        let log = logsRest ? parts.logLines([], AddressFamily.allCases, label) : []
        parts.append(log + [rest], to: base)
    }

    private func segments() -> [Segment] {
        var segments: [Segment] = []
        var rest = rules
        while let first = rest.first {
            if first.isOfStatesAlone {
                let run = Array(rest.prefix(while: \.isOfStatesAlone))
                segments.append(run.count > 1 ? .states(run) : .lines(first))
                rest = rest.dropFirst(run.count)
            } else if let kind = first.stage {
                let run = Array(rest.prefix { $0.stage == kind })
                let isLittle = run.count <= 2 && run.allSatisfy(\.isLittle)
                segments += isLittle ? run.map { .lines($0) } : [.stage(run, kind)]
                rest = rest.dropFirst(run.count)
            } else {
                segments.append(.lines(first))
                rest = rest.dropFirst()
            }
        }
        return segments
    }

    private func stateLookup(_ rules: [IntentRule], _ parts: inout RulesetParts) -> Rule {
        var elements: [Element] = []
        var decided = ConnectionStates()
        for rule in rules {
            let chain = parts.ruleChain(rule, path)
            for state in ConnectionState.allCases where rule.matches[0].states.contains(state) {
                guard !decided.contains(state) else { continue }
                decided.insert(ConnectionStates(state))
                elements.append(Element(.state(state), .goto(chain), label: rule.label))
            }
        }
        return Rule([], .lookup(.state, elements), note: RuleNote(rules.map(\.label)).text)
    }
}

extension PacketPath {
    var hook: Chain.Hook {
        switch self {
        case .input: .input
        case .forward: .forward
        case .output: .output
        }
    }
}

extension IntentRule {
    /// Whether the rule asks for connection states and for nothing else.
    fileprivate var isOfStatesAlone: Bool {
        guard matches.count == 1, expires == nil, matches[0].states != .all, !matches[0].states.isEmpty else {
            return false
        }
        var rest = matches[0]
        rest.states = .all
        return rest == PacketMatch()
    }

    /// What all matches of the rule ask for, when a decision diagram can tell the rest; else nil.
    fileprivate var stage: StageKind? {
        guard let first = matches.first, !first.states.isEmpty else { return nil }
        let isForwarded = first.oddities == .redirected
        let isPlain = matches.allSatisfy {
            $0.states == first.states && $0.tcpFlags == nil && $0.sourcePorts.isAll
                && $0.oddities == (isForwarded ? .redirected : [])
        }
        return isPlain ? StageKind(states: first.states, isForwarded: isForwarded, word: stageWord) : nil
    }

    private var stageWord: String {
        switch origin {
        case .defence: "defences"
        case .baseline: "baseline"
        case .written, .derived: verdict == .accept ? "allow" : "deny"
        }
    }

    /// Whether a line or two say it all; however many addresses there are, they are a set.
    fileprivate var isLittle: Bool { matches.count <= 2 }
}

/// What the rules of a stage ask for besides what its diagram does: whoever leads to the stage asks for it.
private struct StageKind: Equatable {
    let states: ConnectionStates
    /// Whether they are about what comes from a forwarded port.
    let isForwarded: Bool
    let word: String

    /// With what names of chains and sets begin, behind the way.
    var name: String { isForwarded ? "forwarded" : word }

    var asked: [Match] {
        (states == .all ? [] : [.among(.state, states.keys)]) + (isForwarded ? [.oddity(.redirected)] : [])
    }
}
