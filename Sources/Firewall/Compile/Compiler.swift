/// Turns what a host is meant to do into the ruleset that does it. Pure: the same intent gives the same ruleset.
///
/// What is written rule after rule in the intent becomes few lookups: the rules between two changes of meaning (deny to
/// allow, one connection state to another) become one decision diagram (`Diagram`), whose nodes are sets and verdict
/// maps. A packet passes one lookup for each thing that is asked of it, however many rules there are.
package enum Compiler {
    /// - Parameter lookups: how many lookups the diagrams of one stage may take before the rules are listed instead.
    package static func compile(_ intent: HostIntent, lookups: Int = usualLookups) -> Ruleset {
        var parts = RulesetParts()
        let hoisted = Defences.count(in: intent)
        if hoisted.input > 0 {
            parts.base(.defences, "defences")
            for rule in intent.input.prefix(hoisted.input) {
                parts.append(LinearRule(rule, .defences).lines(&parts), to: "defences")
            }
        }
        if intent.translations.contains(where: \.decidesDestination) {
            parts.base(.translateDestination, "translate_destination")
            for translation in intent.translations where translation.decidesDestination {
                parts.append(translation.lines(&parts), to: "translate_destination")
            }
        }
        for path in PacketPath.allCases {
            let skipped = path == .input ? hoisted.input : path == .forward ? hoisted.forward : 0
            let rules = intent.rules(path)[skipped...]
            PathCompiler(path: path, rules: rules, logsRest: intent.logsDropped, lookups: lookups).compile(into: &parts)
        }
        if intent.translations.contains(where: { !$0.decidesDestination }) {
            parts.base(.translateSource, "translate_source")
            for translation in intent.translations where !translation.decidesDestination {
                parts.append(translation.lines(&parts), to: "translate_source")
            }
        }
        return parts.ruleset(host: intent.host)
    }

    /// Measured with nft 1.0.6: a kernel holds 700 sets and maps within a second, and 6,000 not within 100 s.
    package static let usualLookups = 2_000
}

/// Where a line stands: what it may ask of a packet depends on it.
enum LinePlace {
    /// Before connection tracking and before the packet's way is known.
    case defences
    case path(PacketPath)
    case translateDestination, translateSource

    /// Whether the interface that a packet came in by is known, and whether the packet has one.
    var knowsInput: Bool {
        switch self {
        case .defences, .path(.input), .path(.forward), .translateDestination: true
        case .path(.output), .translateSource: false
        }
    }

    var knowsOutput: Bool {
        switch self {
        case .path(.output), .path(.forward), .translateSource: true
        case .defences, .path(.input), .translateDestination: false
        }
    }
}

/// Which rules can already be decided when a packet has just come in, before it costs connection tracking anything.
enum Defences {
    /// How many rules at the start of `input` and of `forward` move to the hook before connection tracking.
    ///
    /// Drops that ask for no connection state and that both ways have at their start: what is dropped there would
    /// have been dropped by the same rule a little later. A host that forwards nothing drops all of it anyway.
    static func count(in intent: HostIntent) -> (input: Int, forward: Int) {
        let eligible = intent.input.prefix { isEligible($0, intent.translations) }
        guard intent.forward.contains(where: { $0.verdict == .accept }) else { return (eligible.count, 0) }
        let shared = zip(eligible, intent.forward).prefix { $0 == $1 }.count
        return (shared, shared)
    }

    /// - Parameter translations: what changes between that hook and the later ones.
    private static func isEligible(_ rule: IntentRule, _ translations: [Translation]) -> Bool {
        guard case .defence = rule.origin, rule.verdict == .drop, rule.limit == nil else { return false }
        return rule.matches.allSatisfy { match in
            match.states == .all && match.outputInterfaces.isAny && translations.allSatisfy(match.isBlind)
        }
    }
}

extension PacketMatch {
    /// Whether a packet that the translation sends elsewhere fulfils the match before if and only if it does so after.
    fileprivate func isBlind(to translation: Translation) -> Bool {
        guard case .destination(let address, let port) = translation.kind else { return true }
        let changed = translation.changed
        let isAlike =
            destinations.contains(address)
            ? changed.destinations.isSubset(of: destinations) : !changed.destinations.intersects(destinations)
        guard isAlike else { return false }
        guard let port else { return true }
        return ProtocolNumber.withPorts.allSatisfy { number in
            let before = changed.traffic.intersection(TrafficSet(number))
            let isOfPort = traffic.contains(number, detail: port)
            return isOfPort ? before.isSubset(of: traffic) : !before.intersects(traffic)
        }
    }
}
