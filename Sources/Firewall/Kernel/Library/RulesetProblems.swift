/// What nftables has against a ruleset. Nothing of the ruleset is in force.
package struct RulesetProblems: Error, Equatable, Sendable {
    /// Never empty, in the order in which they were found.
    package let list: [RulesetProblem]

    package init(_ list: [RulesetProblem]) { self.list = list }

    package init(_ message: String) { list = [RulesetProblem(line: nil, message: message)] }

    /// Takes apart what libnftables says: `/proc/self/fd/5:3:5-9: Error: …`, each followed by the line and a line of carets.
    package init(parsing text: String) {
        let found = text.split(separator: "\n").compactMap(RulesetProblem.init(parsing:))
        let words = text.split(separator: "\n").first.map(String.init) ?? "nftables refuses it without a reason"
        list = found.isEmpty ? [RulesetProblem(line: nil, message: words)] : found
    }

    /// The same with other lines, for a ruleset that was sent in other lines than it was written in.
    ///
    /// - Parameter line: the line that was written, for one that was sent; both from 1.
    package func mapped(_ line: (Int) -> Int?) -> RulesetProblems {
        RulesetProblems(list.map { RulesetProblem(line: $0.line.flatMap(line), message: $0.message) })
    }

    /// Each on a line, with the rule that the text's line belongs to.
    ///
    /// - Parameter rule: the id of the rule that a line of the text was compiled from; nil for lines of no rule.
    package func described(ruleOfLine rule: (Int) -> String?) -> String {
        list.map { problem in
            guard let line = problem.line else { return problem.message }
            let id = rule(line).map { "rule \($0), " } ?? ""
            return "\(id)line \(line) of the ruleset: \(problem.message)"
        }.joined(separator: "\n")
    }

    /// Whether the message was too large for one transaction, which the kernel says without root's rights.
    package var isTooLong: Bool { list.contains { $0.message.contains("Message too long") } }

    /// Whether a right was missing, not the ruleset wrong.
    package var isDenied: Bool { list.contains { $0.message.contains("Operation not permitted") } }
}

extension RulesetProblems: CustomStringConvertible {
    package var description: String { described { _ in nil } }
}

/// One thing that nftables has against a ruleset.
package struct RulesetProblem: Equatable, Sendable {
    /// The line of the text, from 1; nil when none is named.
    package let line: Int?
    package let message: String

    package init(line: Int?, message: String) {
        self.line = line
        self.message = message
    }

    /// nil for what is no error: the line that is quoted, the carets, a warning.
    init?(parsing text: Substring) {
        guard let mark = text.range(of: "Error: ") else { return nil }
        // `NAME:LINE:FROM-TO: `; a name may hold colons, so it is read from its end, which is a space.
        let place = text[..<mark.lowerBound].split(separator: ":").suffix(3)
        line = place.count == 3 ? place.first.flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil } : nil
        message = String(text[mark.upperBound...])
    }
}

extension Substring {
    /// Where `word` stands first.
    fileprivate func range(of word: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(word) { return start..<index(start, offsetBy: word.count) }
            formIndex(after: &start)
        }
        return nil
    }
}
