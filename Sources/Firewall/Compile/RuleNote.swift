import Site

/// The comment of what leads to several rules of the policy: the first of them, and of the others how many there are and
/// between which lines: `web line 12, ssh line 14 and 7 more of lines 15-31`.
struct RuleNote {
    /// The kernel keeps 128 bytes of a comment, of which the last is zero.
    private static let longest = 120

    private var labels: [RuleLabel] = []
    private var seen: Set<String> = []
    /// Whether there are rules that were not looked at.
    private(set) var isOpen = false

    init() {}

    init(_ labels: some Sequence<RuleLabel>) {
        for label in labels { add(label) }
    }

    /// nil where no rule was found.
    var text: String? {
        guard !labels.isEmpty else { return isOpen ? "more than one rule" : nil }
        var named = 0
        var length = 0
        while named < labels.count {
            let more = labels[named].text.utf8.count + (named == 0 ? 0 : 2)
            guard length + more <= Self.longest else { break }
            length += more
            named += 1
        }
        while length + ending(after: named).utf8.count > Self.longest, named > 0 {
            named -= 1
            length -= labels[named].text.utf8.count + (named == 0 ? 0 : 2)
        }
        return labels[..<named].map(\.text).joined(separator: ", ") + ending(after: named)
    }

    mutating func add(_ label: RuleLabel) {
        if seen.insert(label.id).inserted { labels.append(label) }
    }

    /// There are more rules, whichever.
    mutating func leaveOpen() { isOpen = true }

    /// What is said of the rules that are not named.
    private func ending(after named: Int) -> String {
        if isOpen { return " and more" }
        let others = labels[named...]
        guard !others.isEmpty else { return "" }
        let lines = others.map(\.position.line)
        guard let first = lines.min(), let last = lines.max(), first > 0 else { return " and \(others.count) more" }
        let place = first == last ? "line \(first)" : "lines \(first)-\(last)"
        return " and \(others.count) more of \(place)"
    }
}

extension RuleNote {
    /// How many answers to questions of a diagram are looked at for the comment of one.
    private static let mostAnswers = 512

    /// The rules that what begins at a target of a diagram leads to, in the order of the answers.
    init(_ targets: [Diagram.Target], of diagram: Diagram, _ rules: [IntentRule]) {
        self.init()
        var seen: Set<Diagram.Target> = []
        for target in targets { visit(target, diagram, rules, &seen) }
    }

    private mutating func visit(
        _ target: Diagram.Target,
        _ diagram: Diagram,
        _ rules: [IntentRule],
        _ seen: inout Set<Diagram.Target>
    ) {
        guard !isOpen, seen.insert(target).inserted else { return }
        guard seen.count <= Self.mostAnswers else { return leaveOpen() }
        switch target {
        case .leave: return
        case .rules(let list): for number in list { add(rules[Int(number)].label) }
        case .node(let number):
            for group in diagram.nodes[Int(number)].classes { visit(group.target, diagram, rules, &seen) }
        }
    }
}

extension IntentRule {
    /// What comments and messages call it by.
    var label: RuleLabel { RuleLabel(id: id, position: position) }
}
