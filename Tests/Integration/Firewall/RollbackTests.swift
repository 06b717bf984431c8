import Testing

/// Back to the ruleset that was confirmed before.
@Suite("Policy rollback", .enabled(if: NetworkOfOneHost.isPossible))
struct RollbackTests {
    @Test("the one before is applied like any other: it must let in, is watched, and is confirmed")
    func previous() throws {
        let result = try NetworkOfOneHost().script(
            """
            apply one.yaml --keep 203.0.113.7 --confirm-within 0s; policy rollback --keep 203.0.113.7; echo "first $?"
            apply three.yaml --keep 203.0.113.7 --keep-port 2222 --confirm-within 0s
            policy rollback --keep 203.0.113.7 --keep-port 2222; echo "shut out $?"; table | grep -c 2222
            policy rollback --keep 203.0.113.7 --confirm-within 1s; echo "watched $?"
            await 'table | grep -q 2222'; await '! test -e state/3.armed'
            policy rollback --keep 203.0.113.7; echo "back $?"; table | grep -c 2222
            policy confirm; echo "kept $?"; policy drift; echo "drift $?"
            policy rollback --keep 203.0.113.7 --keep-port 2222 --confirm-within 0s; echo "forward $?"; table | grep -c 2222
            """
        )
        for words in [
            "first 1\n", "shut out 1\n1\n", "watched 0\n", "back 0\n0\n", "kept 0\n", "drift 0\n", "forward 0\n1\n",
        ] {
            #expect(result.output.contains(words), "\(words): \(result)")
        }
        #expect(result.error.contains("there is no ruleset to go back to"), "\(result)")
        #expect(result.error.contains("203.0.113.7 to port 2222 would be shut out"), "\(result)")
    }

    @Test("one that was changed on the disk is not loaded")
    func changed() throws {
        let result = try NetworkOfOneHost().script(
            """
            apply one.yaml --keep 203.0.113.7 --confirm-within 0s
            apply three.yaml --keep 203.0.113.7 --keep-port 2222 --confirm-within 0s
            echo '# more' >> state/1.nft; policy rollback --keep 203.0.113.7; echo "changed $?"; table | grep -c 2222
            """
        )
        #expect(result.output.contains("changed 1\n1\n"), "\(result)")
        #expect(result.error.contains("generation 1 is not any more what was confirmed"), "\(result)")
    }
}
