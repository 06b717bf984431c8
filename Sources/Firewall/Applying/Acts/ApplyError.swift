/// Why an act on the machine's rules was not done. Nothing changed, unless the text says so.
package struct ApplyError: Error, Sendable, CustomStringConvertible {
    package enum Kind: Int32, Sendable {
        /// Found wanting: the rules would shut somebody out, the file is old, there is nothing to confirm.
        case wanting = 1
        /// The command or the ruleset is wrong.
        case wrong = 2
        /// The machine lacks something.
        case machine = 3
    }

    package let kind: Kind
    package let description: String
    /// Whether what was loaded may come into force later, so that nothing can be undone before.
    let isUnderway: Bool

    package init(_ kind: Kind, _ description: String) {
        self.init(kind, description, isUnderway: false)
    }

    private init(_ kind: Kind, _ description: String, isUnderway: Bool) {
        self.kind = kind
        self.description = description
        self.isUnderway = isUnderway
    }

    /// - Parameter rule: for a line of the text the rule that it comes from.
    init(_ failure: KernelFailure, ruleOfLine rule: (Int) -> String? = { _ in nil }) {
        switch failure {
        case .refused(let problems):
            let text = problems.described(ruleOfLine: rule)
            self.init(.wrong, "nftables refuses the ruleset, and nothing changed:\n\(text)")
        case .unavailable(let why): self.init(.machine, why)
        case .underway(let why): self.init(.machine, why, isUnderway: true)
        }
    }
}
