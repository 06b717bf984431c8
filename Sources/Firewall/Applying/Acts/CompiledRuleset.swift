/// A host's ruleset as it is to be loaded: what the policy says, compiled.
package struct CompiledRuleset: Sendable {
    /// Text that replaces the whole table in one transaction.
    package let text: String
    /// For a line of the text, from 1, the rule that it comes from, as `ssh line 12`; nil where none is known.
    let ruleOfLine: @Sendable (Int) -> String?
    package let intent: HostIntent

    package init(_ intent: HostIntent) {
        let compiled = Compiler.compile(intent).text()
        text = compiled.text
        ruleOfLine = { compiled.rule(ofLine: $0)?.text }
        self.intent = intent
    }

    /// One that was compiled before, from what then meant `intent`.
    init(text: String, _ intent: HostIntent) {
        (self.text, self.intent) = (text, intent)
        ruleOfLine = { _ in nil }
    }

    /// The text taken apart.
    func script() throws(ApplyError) -> RulesetScript {
        do throws(RulesetScriptError) {
            return try RulesetScript(text)
        } catch {
            throw ApplyError(
                .machine,
                "line \(error.line) of the compiled ruleset: \(error.message). That is a fault of gatehouse: please report it"
            )
        }
    }
}

/// Texts that act on our own table.
enum OwnTable {
    /// Removes the table, also when there is none: nftables 1.0.6 knows no `destroy`.
    static let removal = "add table \(TableName.own)\ndelete table \(TableName.own)\n"
}
