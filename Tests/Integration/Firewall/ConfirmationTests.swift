import Testing

/// What `policy confirm` says where nothing waits, as behind an `apply` that had nothing to change.
@Suite("Policy confirm", .patient, .enabled(if: NetworkOfOneHost.isPossible))
struct ConfirmationTests {
    @Test("what is in force and was confirmed before is confirmed again; what was undone, or is gone, is not")
    func again() throws {
        let result = try NetworkOfOneHost().script(
            """
            policy confirm; echo "never $?"
            for run in first second; do
                apply one.yaml --keep 203.0.113.7; policy confirm; echo "$run $?"
            done
            apply three.yaml --keep 203.0.113.7 --keep-port 2222 --confirm-within 600s; policy rollback
            policy confirm; echo "undone $?"
            apply one.yaml --keep 203.0.113.7; policy confirm; echo "third $?"
            nft delete table inet gatehouse; policy confirm; echo "gone $?"
            """
        )
        let again = "generation 1 was confirmed before and is in force; none waits for a confirmation\n"
        for words in [
            "never 1\n", "generation 1 is kept\nfirst 0\n", "\(again)second 0\n", "undone 1\n", "\(again)third 0\n",
            "gone 1\n",
        ] {
            #expect(result.output.contains(words), "\(words): \(result)")
        }
        #expect(result.error.contains("generation 2 was undone (by `policy rollback`)"), "\(result)")
        #expect(result.error.contains("generation 1, which was confirmed, is not in force as it was: "), "\(result)")
    }
}
