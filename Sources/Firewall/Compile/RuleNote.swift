/// The comment of what leads to several rules of the policy: the first of them, and that there are more.
struct RuleNote {
    /// The kernel keeps 128 bytes of a comment, of which the last is zero.
    private static let longest = 120
    private static let ending = " and more"

    private var labels: [RuleLabel] = []
    private var length = 0
    /// Whether no further rule is named.
    private(set) var isFull = false

    init() {}

    init(_ labels: some Sequence<RuleLabel>) {
        for label in labels where !isFull { add(label) }
    }

    /// nil where no rule was found.
    var text: String? {
        guard !labels.isEmpty else { return isFull ? "more than one rule" : nil }
        return labels.map(\.text).joined(separator: ", ") + (isFull ? Self.ending : "")
    }

    mutating func add(_ label: RuleLabel) {
        guard !isFull, !labels.contains(label) else { return }
        let more = label.text.utf8.count + (labels.isEmpty ? 0 : 2)
        guard length + more + Self.ending.utf8.count <= Self.longest else { return close() }
        length += more
        labels.append(label)
    }

    /// There are more rules, whichever.
    mutating func close() { isFull = true }
}

extension RuleNote {
    /// How many questions of a diagram are looked at for the comment of one.
    private static let mostNodes = 64

    /// The rules that what begins at a target of a diagram leads to, in the order of the answers.
    init(_ targets: [Diagram.Target], of diagram: Diagram, _ rules: [IntentRule]) {
        self.init()
        var seen: Set<Int32> = []
        for target in targets { visit(target, diagram, rules, &seen) }
    }

    private mutating func visit(
        _ target: Diagram.Target,
        _ diagram: Diagram,
        _ rules: [IntentRule],
        _ seen: inout Set<Int32>
    ) {
        switch target {
        case .leave: return
        case .rules(let list): for number in list { add(rules[Int(number)].label) }
        case .node(let number):
            guard !isFull, seen.insert(number).inserted else { return }
            if seen.count > Self.mostNodes { return close() }
            for group in diagram.nodes[Int(number)].classes {
                if isFull { return }
                visit(group.target, diagram, rules, &seen)
            }
        }
    }
}

extension IntentRule {
    /// What comments and messages call it by.
    var label: RuleLabel { RuleLabel(id: id, position: position) }
}
