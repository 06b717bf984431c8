import Testing

/// Tables of others that libnftables cannot list, or of which it leaves parts out: Tests/Tools/unreadable-table.
@Suite("Unreadable tables", .patient, .enabled(if: NetworkOfOneHost.isPossible))
struct UnreadableTableTests {
    @Test("a table that crashes libnftables is named, drift is told beside it, what cannot be loaded is not")
    func crash() throws {
        let result = try NetworkOfOneHost().script(
            """
            apply one.yaml --keep 203.0.113.7 --confirm-within 0s; policy drift; echo "none $?"
            unreadable crash ip; (nft list ruleset) > /dev/null 2>&1; echo "nft $?"
            policy drift; echo "added $?"
            apply three.yaml --keep 203.0.113.7 --keep-port 2222 --confirm-within 0s; echo "applied $?"
            policy status | grep undone
            nft 'add chain inet gatehouse more { type filter hook input priority 5; policy drop; }'
            policy drift; echo "ours $?"
            """
        )
        // A newer libnftables may read it: then there is nothing to name.
        if !result.output.contains("nft 0\n") {
            #expect(result.error.contains("warning: table ip odd is not ours"), "\(result)")
            #expect(result.error.contains("can crash libnftables"), "\(result)")
            #expect(result.error.contains("libnftables does not read ip odd, and may be unable to load"), "\(result)")
            #expect(result.output.contains("applied 3\n") && result.output.contains("it was not loaded"), "\(result)")
        }
        #expect(result.output.contains("none 0\n") && result.output.contains("added 1\n"), "\(result)")
        #expect(result.output.contains("table ip odd, which is not ours, was added"), "\(result)")
        #expect(result.output.contains("is dropped now, and was not\n"), "\(result)")
        #expect(result.output.contains("chain more was added\n") && result.output.hasSuffix("ours 1\n"), "\(result)")
    }

    @Test("a rule that libnftables leaves out makes the answer unknown where packets pass it; drift tells when it goes")
    func rule() throws {
        let result = try NetworkOfOneHost().script(
            """
            unreadable rule ip; nft list ruleset | grep -c drop
            apply one.yaml --keep 203.0.113.7; echo "unknown $?"; nft list tables | grep -c gatehouse
            apply one.yaml --keep 203.0.113.7 --unproved --confirm-within 0s; echo "trusted $?"
            policy drift; echo "same $?"
            unreadable rule ip; policy drift; echo "more $?"
            nft delete table ip odd; policy drift; echo "gone $?"
            """
        )
        #expect(result.output.contains("unknown 1\n0\n"), "\(result)")
        #expect(result.error.contains("a rule that libnftables does not list, of inner, immediate"), "\(result)")
        #expect(result.error.contains("table ip odd is not ours and may drop what our rules accept"), "\(result)")
        #expect(result.output.contains("trusted 0") && result.output.contains("same 0\n"), "\(result)")
        #expect(result.output.contains("table ip odd, which is not ours, was changed"), "\(result)")
        #expect(result.output.contains("more 1\n") && result.output.contains("gone 1\n"), "\(result)")
    }

    @Test("what cannot concern the administrator's connection does not stop it", arguments: ["rule ip6", "set ip"])
    func elsewhere(what: String) throws {
        let result = try NetworkOfOneHost().script(
            """
            unreadable \(what); apply one.yaml --keep 203.0.113.7 --confirm-within 0s; echo "applied $?"
            policy drift; echo "same $?"; nft delete table \(what.split(separator: " ")[1]) odd
            policy drift; echo "gone $?"
            """
        )
        #expect(result.error.contains("libnftables does not list"), "\(result)")
        #expect(result.output.contains("applied 0") && result.output.contains("same 0\n"), "\(result)")
        #expect(result.output.contains("gone 1\n"), "\(result)")
    }
}
