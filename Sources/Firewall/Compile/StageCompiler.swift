/// Compiles rules that follow each other to chains that a base chain jumps to: one for the decision diagram of all of
/// them or, where they cross each other so much that the diagram would be far larger than the rules, several in a row.
/// Where those would take so many lookups that a kernel is busy for minutes before it holds them, one for `RuleCuts`;
/// and so where they are so many that lists cost a packet less, or the rules are few and the list is much shorter to read.
struct StageCompiler {
    let path: PacketPath
    /// What all the rules ask for, and the diagrams do not.
    let asked: [Match]
    let name: String
    /// See `Compiler`.
    let lookups: Int

    /// The jumps to the stages, in order. A packet that no rule of a stage is about comes back.
    func jumps(_ rules: [IntentRule], _ parts: inout RulesetParts) -> [Rule] {
        // What the rules themselves ask sets for no shape of the ruleset saves.
        var lookups = max(self.lookups, 2 * rules.reduce(0) { $0 + $1.sets })
        guard let stages = stages(rules, &lookups) else { return [listed(rules, &parts).jump] }
        if stages.count > Self.fewStages {
            var list = parts
            let (_, jump) = listed(rules, &list)
            if list.longestChain(since: parts) < Self.linesOfStage * stages.count {
                parts = list
                return [jump]
            }
        }
        var diagrams = parts
        let jumps = written(stages, &diagrams)
        let length = diagrams.length - parts.length
        if rules.count <= RuleCuts.shortList, length > Self.longToRead {
            var list = parts
            let (chain, jump) = listed(rules, &list)
            let isShort = Self.muchShorter * (list.length - parts.length) < length
            if isShort, list.count(in: chain) <= Self.mostLines {
                parts = list
                return [jump]
            }
        }
        parts = diagrams
        return jumps
    }

    /// Up to so many diagrams in a row are not held against a list.
    private static let fewStages = 4
    /// How many lines of a list cost a packet what one diagram of several in a row does, as measured.
    private static let linesOfStage = 32
    /// From how many lines of text on it is asked whether a list would be shorter.
    private static let longToRead = 64
    /// How many times as much there must be to read before few rules are listed and not looked up.
    private static let muchShorter = 2
    /// How many lines a packet passes at most where they are.
    private static let mostLines = 32

    private func listed(_ rules: [IntentRule], _ parts: inout RulesetParts) -> (chain: String, jump: Rule) {
        let chain = parts.chain(name)
        RuleCuts(path: path).write(rules, to: chain, &parts)
        return (chain, jump(to: chain, rules))
    }

    private func written(_ stages: [(diagram: Diagram, rules: [IntentRule])], _ parts: inout RulesetParts) -> [Rule] {
        stages.map { stage in
            let chain = parts.chain(name)
            DiagramWriter(diagram: stage.diagram, rules: stage.rules, path: path).write(to: chain, &parts)
            return jump(to: chain, stage.rules)
        }
    }

    private func jump(to chain: String, _ rules: [IntentRule]) -> Rule {
        Rule(asked, .verdict(.jump(chain)), note: RuleNote(rules.lazy.map(\.label)).text)
    }

    /// - Parameter lookups: how many all stages may have together.
    /// - Returns: the rules by the diagrams that tell them, in order; nil when that takes more lookups.
    private func stages(_ rules: [IntentRule], _ lookups: inout Int) -> [(diagram: Diagram, rules: [IntentRule])]? {
        do {
            guard let diagram = try diagram(rules, isBounded: rules.count > 1) else { return [] }
            lookups -= diagram.lookups
            return lookups < 0 ? nil : [(diagram, rules)]
        } catch {
            let middle = Self.seam(rules)
            guard let first = stages(Array(rules[..<middle]), &lookups),
                let second = stages(Array(rules[middle...]), &lookups)
            else { return nil }
            return first + second
        }
    }

    /// nil when no packet can come to any of the rules.
    private func diagram(_ rules: [IntentRule], isBounded: Bool) throws(DiagramBuilder.TooLarge) -> Diagram? {
        let interfaces = Set(rules.flatMap(\.matches).flatMap { $0.inputInterfaces.names + $0.outputInterfaces.names })
            .sorted()
        var boxes: [DiagramBox] = []
        for (index, rule) in rules.enumerated() {
            for match in rule.matches {
                boxes += DiagramBox.boxes(of: match, rule: Int32(index), interfaces: interfaces, .path(path))
            }
        }
        guard !boxes.isEmpty else { return nil }
        let expires = rules.map { $0.expires != nil }
        return try DiagramBuilder.build(boxes, expires: expires, interfaces: interfaces, isBounded: isBounded)
    }

    /// Where to cut: near the middle, and between rules that ask for different things if there is such a place.
    private static func seam(_ rules: [IntentRule]) -> Int {
        let middle = rules.count / 2
        let seams = rules.indices.dropFirst().filter { rules[$0].questions != rules[$0 - 1].questions }
        // A seam that leaves next to nothing on one side would not make it easier.
        let good = seams.filter { $0 >= rules.count / 8 && $0 <= rules.count - rules.count / 8 }
        return good.min { abs($0 - middle) < abs($1 - middle) } ?? middle
    }
}

extension ConnectionStates {
    var keys: [ElementKey] { ConnectionState.allCases.filter(contains).map { .state($0) } }
}

extension InterfaceSet {
    /// The names that the set mentions.
    var names: [String] {
        switch self {
        case .among(let names), .except(let names): Array(names)
        }
    }
}

extension IntentRule {
    /// How many sets of addresses it asks for.
    fileprivate var sets: Int {
        matches.reduce(0) { count, match in
            let (from, to) = (match.sources, match.destinations)
            let asked = [from.v4.ranges.count, to.v4.ranges.count, from.v6.ranges.count, to.v6.ranges.count]
            return count + asked.count { $0 > 1 }
        }
    }

    /// What the rule asks for, as one bit for each thing.
    fileprivate var questions: Int {
        matches.reduce(0) { bits, match in
            bits | (match.traffic.isAll ? 0 : 1) | (match.sources.isAll ? 0 : 2) | (match.destinations.isAll ? 0 : 4)
                | (match.inputInterfaces.isAny ? 0 : 8) | (match.outputInterfaces.isAny ? 0 : 16)
        }
    }
}
