/// A ruleset in nftables' language: the same ruleset gives the same bytes.
package struct RulesetText: Sendable {
    /// What `nft -f` or libnftables takes as one batch.
    package let text: String
    /// For each line, counted from 0, one more than the index of its rule in `labels`; 0 where no single rule is.
    private let owners: [Int32]
    private let labels: [RuleLabel]

    init(_ writer: consuming TextWriter) {
        text = writer.text
        owners = writer.owners
        labels = writer.labels
    }

    /// The rule of the policy that a line was made of, so that an error of nft's can be told in the policy's words;
    /// nil where no rule is, or several are.
    ///
    /// - Parameter line: counted from 1, as nft counts.
    package func rule(ofLine line: Int) -> RuleLabel? {
        guard owners.indices.contains(line - 1) else { return nil }
        let owner = Int(owners[line - 1])
        return owner == 0 ? nil : labels[owner - 1]
    }
}

extension Ruleset {
    /// The whole ruleset in one batch that replaces what the table held: also where there was none, also twice.
    package func text() -> RulesetText {
        var writer = TextWriter()
        writer.line("# The firewall of \(Word.safe(host)), made by Gatehouse from the site file.")
        writer.line("# Changes belong there: this file is written anew.")
        // `destroy table` does the same and is not known to nft 1.0.6.
        writer.line("add table \(TableName.own)")
        writer.line("delete table \(TableName.own)")
        writer.line("table \(TableName.own) {")
        var isFirst = true
        for set in sets {
            if !isFirst { writer.line("") }
            isFirst = false
            writer.write(set)
        }
        for chain in chains {
            if !isFirst { writer.line("") }
            isFirst = false
            writer.write(chain)
        }
        writer.line("}")
        return RulesetText(writer)
    }
}

/// Words of the site file in nftables' language, where no character can be taken for syntax.
enum Word {
    /// The word with `_` for all but letters, digits, `.`, `-`, `_`, `:` and `@`. Names of a site file are made of
    /// fewer characters anyway: this is the second lock.
    static func safe(_ word: String) -> String {
        guard !word.utf8.allSatisfy(isSafe) else { return word }
        return String(decoding: word.utf8.map { isSafe($0) ? $0 : UInt8(ascii: "_") }, as: UTF8.self)
    }

    /// The text with `_` for all but those characters, spaces and commas.
    static func comment(_ text: String) -> String {
        let isPlain = { (byte: UInt8) in isSafe(byte) || byte == UInt8(ascii: " ") || byte == UInt8(ascii: ",") }
        guard !text.utf8.allSatisfy(isPlain) else { return text }
        return String(decoding: text.utf8.map { isPlain($0) ? $0 : UInt8(ascii: "_") }, as: UTF8.self)
    }

    private static func isSafe(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        case UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: ":"), UInt8(ascii: "@"): true
        default: false
        }
    }
}
