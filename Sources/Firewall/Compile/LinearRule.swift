/// A rule of the intent as lines of a base chain, tried one after the other: what asks for flags, states or oddities, and
/// what is so little that a lookup would not be easier to read.
struct LinearRule {
    private let rule: IntentRule
    private let place: LinePlace
    private let conduct: RuleConduct
    private let isAsked: Bool

    /// - Parameter isAsked: see `Conditions`.
    init(_ rule: IntentRule, _ place: LinePlace, isAsked: Bool = false) {
        self.rule = rule
        self.place = place
        conduct = RuleConduct(rule)
        self.isAsked = isAsked
    }

    func lines(_ parts: inout RulesetParts) -> [Rule] {
        let name = "\(place.word)_\(Word.name(rule.id))"
        // The same rule asks for the same addresses on all ways through the host.
        let sets = Chain.rulePrefix + Word.name(rule.id)
        let conditions = Conditions(place: place, label: conduct.label, name: sets, isAsked: isAsked)
        var within: [[Match]] = []
        var above: [[Match]] = []
        for match in rule.matches {
            let lines = conditions.lines(match, &parts).map { $0 + guards }
            if match.oddities.contains(.overLimit) { above += lines } else { within += lines }
        }
        return lines(within, &parts) + linesAbove(above, name, &parts)
    }

    /// What ends the rule at its time.
    private var guards: [Match] { rule.expires.map { [.before($0)] } ?? [] }

    private func lines(_ conditions: [[Match]], _ parts: inout RulesetParts) -> [Rule] {
        guard !conditions.isEmpty else { return [] }
        // Before the packet's way is known there are no chains of rules, and nothing but drops.
        guard case .path(let path) = place else {
            return conditions.flatMap { line in
                (conduct.isLogged ? conduct.logLines(line, &parts) : []) + conduct.verdictLines(line)
            }
        }
        if conduct.isPlain, conditions.count <= 2 { return conditions.flatMap(conduct.verdictLines) }
        let chain = parts.ruleChain(rule, path)
        return conditions.map { Rule($0, .verdict(.goto(chain)), label: conduct.label) }
    }

    /// A match with the oddity `overLimit` is about the packets above the rule's limit, and lets the others pass by.
    private func linesAbove(_ conditions: [[Match]], _ name: String, _ parts: inout RulesetParts) -> [Rule] {
        guard !conditions.isEmpty else { return [] }
        var lines: [Rule] = []
        for measure in rule.limit?.measures ?? [] {
            for family in conduct.families {
                let set = parts.limitSet("\(name)_\(measure.word)", measure, family, conduct.label)
                for line in conditions where line.allows(family) {
                    let matches = line + conduct.above(measure, family, set: set)
                    if conduct.isLogged { lines += conduct.logLines(matches, &parts) }
                    lines += conduct.verdictLines(matches)
                }
            }
        }
        return lines
    }
}

extension LinePlace {
    /// With what names of sets begin.
    var word: String {
        switch self {
        case .defences: "defences"
        case .path(let path): path.rawValue
        case .translateDestination: "translate_destination"
        case .translateSource: "translate_source"
        }
    }
}

extension [Match] {
    /// Whether a packet of this family can fulfil the conditions.
    fileprivate func allows(_ family: AddressFamily) -> Bool {
        allSatisfy { match in
            switch match {
            case .family(let only): only == family
            case .among(let selector, _), .outside(let selector, _), .amongNamed(let selector, _),
                .outsideNamed(let selector, _):
                switch selector {
                case .source(let only), .destination(let only), .icmpType(let only), .icmpCode(let only): only == family
                default: true
                }
            default: true
            }
        }
    }
}
