/// A host's ruleset as it is to be loaded.
package struct CompiledRuleset: Sendable {
    /// Text that replaces the whole table.
    package let text: String
    /// For a line of the text, from 1, the rule that it comes from, as `ssh line 12`; nil where none is known.
    let ruleOfLine: @Sendable (Int) -> String?
    package let intent: HostIntent

    /// What the policy says.
    package init(_ intent: HostIntent) {
        let compiled = Compiler.compile(intent).text()
        text = compiled.text
        ruleOfLine = { compiled.rule(ofLine: $0)?.text }
        self.intent = intent
    }

    /// A text from elsewhere, which is taken for what is meant.
    package init(text: String, intent: HostIntent) {
        self.text = text
        ruleOfLine = { _ in nil }
        self.intent = intent
    }

    /// A failure to load the text as `OwnTable.replacement` sends it, in the text's own lines and with their rules.
    func error(_ failure: KernelFailure) -> ApplyError {
        guard case .refused(let problems) = failure, text != OwnTable.replacement(text) else {
            return ApplyError(failure, ruleOfLine: ruleOfLine)
        }
        let added = OwnTable.removal.utf8.count { $0 == 0x0A }
        return ApplyError(.refused(problems.mapped { $0 > added ? $0 - added : nil }), ruleOfLine: ruleOfLine)
    }

    /// The text taken apart.
    ///
    /// - Throws: when it touches a table that is not ours.
    func script() throws(ApplyError) -> RulesetScript {
        let script: RulesetScript
        let touched: [(table: TableName, line: Int)]
        do throws(RulesetScriptError) {
            script = try RulesetScript(text)
            touched = try script.touchedTables()
        } catch {
            throw ApplyError(.wrong, "line \(error.line) of the ruleset: \(error.message)")
        }
        if let foreign = touched.first(where: { $0.table != .own }) {
            let place = "line \(foreign.line) of the ruleset"
            throw ApplyError(.wrong, "\(place) touches table \(foreign.table), which is not ours")
        }
        return script
    }
}

/// Texts that act on our own table.
enum OwnTable {
    /// Removes the table, also when there is none: nftables 1.0.6 knows no `destroy`.
    static let removal = "add table \(TableName.own)\ndelete table \(TableName.own)\n"

    /// The text, made to replace the table in one transaction whatever is there: loaded as it is, it would be added.
    static func replacement(_ text: String) -> String {
        text.hasPrefix(removal) || text.contains("\ndelete table \(TableName.own)\n") ? text : removal + text
    }
}
