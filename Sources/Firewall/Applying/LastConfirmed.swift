import OpenSSL
import Site

/// The ruleset that was confirmed last, in a file that needs no other: its record, in a comment of nftables, and below
/// it the text. What a boot loads where the state is lost; `nft -f` loads it, too.
package struct LastConfirmed: Sendable, Equatable {
    package let ruleset: StoredRuleset
    package let text: String

    private static let mark = "# The ruleset of gatehouse that was confirmed last: "

    package init(_ ruleset: StoredRuleset, text: String) { (self.ruleset, self.text) = (ruleset, text) }

    /// - Returns: nil when it is no such file, or not whole: the record has the digest of the text.
    package init?(_ bytes: [UInt8]) {
        let mark = Array(Self.mark.utf8)
        guard bytes.starts(with: mark), let end = bytes.firstIndex(of: 0x0A) else { return nil }
        let record = JSONValue(parsing: String(decoding: bytes[mark.count..<end], as: UTF8.self))
        let text = String(decoding: bytes[(end + 1)...], as: UTF8.self)
        guard let ruleset = record.flatMap(StoredRuleset.init(json:)), Fingerprint.sha256(text) == ruleset.hash
        else { return nil }
        self.init(ruleset, text: text)
    }

    package var bytes: [UInt8] { Array("\(Self.mark)\(ruleset.json.line)\n\(text)".utf8) }
}
