import Firewall
import Testing

@Suite("The last confirmed ruleset")
struct LastConfirmedTests {
    private func kept() -> LastConfirmed {
        let text = "add table inet gatehouse\n"
        var ruleset = StoredRuleset(
            generation: 7,
            host: "app-01",
            // SHA-256 of the text, by sha256sum.
            hash: "b0236c13d71536d149a4e74b8bf0717117935a61060352ea9f9e41ec34561a5c",
            siteHash: "s",
            siteModified: 1,
            applied: 2
        )
        ruleset.confirmed = 3
        return LastConfirmed(ruleset, text: text)
    }

    @Test("what is written is read back, and nothing that is not whole")
    func roundTrip() {
        let kept = kept()
        let bytes = kept.bytes
        #expect(LastConfirmed(bytes) == kept)
        for length in bytes.indices { #expect(LastConfirmed(Array(bytes[..<length])) == nil, "\(length) bytes") }
        #expect(LastConfirmed(bytes + [0x0A]) == nil)
        for index in bytes.indices.suffix(kept.text.utf8.count) {
            var changed = bytes
            changed[index] ^= 1
            #expect(LastConfirmed(changed) == nil, "byte \(index)")
        }
    }
}
