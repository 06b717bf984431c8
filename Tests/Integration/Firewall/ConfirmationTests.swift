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
        let undone = "generation 2 was undone (by `policy rollback`); `gatehouse policy status` says what is in force"
        #expect(result.error.contains(undone), "\(result)")
        #expect(result.error.contains("generation 1, which was confirmed, is not in force as it was: "), "\(result)")
    }

    @Test("until when one waits is told by the watchdog's clock, whatever became of this machine's")
    func clock() throws {
        let result = try NetworkOfOneHost().script(
            """
            apply one.yaml --keep 203.0.113.7 --confirm-within 600s
            sed -i 's/"until": [0-9]*/"until": 1000000000/' state/state.json
            policy status; for in in 9 10; do date -u -d "+$in minutes" +expected%Y-%m-%dT%H; done
            """
        )
        let line = try #require(result.output.split(separator: "\n").first { $0.hasPrefix("pending: ") }, "\(result)")
        #expect(line.hasSuffix("Z unless confirmed") && !line.contains("disk"), "\(result)")
        let hours = result.output.split(separator: "\n").filter { $0.hasPrefix("expected") }.map { $0.dropFirst(8) }
        #expect(hours.contains { line.contains("undone at \($0)") }, "\(result)")
    }

    @Test("drift and status wait while a command changes record and kernel")
    func busy() throws {
        let result = try NetworkOfOneHost().script(
            """
            apply one.yaml --keep 203.0.113.7 --confirm-within 0s
            for act in drift status; do
                flock --no-fork state/lock sleep 600 & holder=$!; await '! flock -n state/lock true'
                nft delete table inet gatehouse; policy $act > words.txt & looking=$!
                read -t 1 <> <(:); nft -f state/1.nft; kill $holder; wait $looking; echo "ended $?"
            done
            """
        )
        #expect(result.output.ranges(of: "ended 0\n").count == 2, "\(result)")
    }

    @Test("a time of change that is yet to come is warned of, and makes no later file an older one")
    func yetToCome() throws {
        let result = try NetworkOfOneHost().script(
            """
            cp one.yaml site.yaml; touch -d '+5 years' site.yaml
            policy apply --site site.yaml --keep 203.0.113.7 --confirm-within 0s; echo "first $?"
            apply two.yaml --keep 203.0.113.7 --confirm-within 0s; echo "second $?"
            """
        )
        #expect(result.output.contains("first 0\n") && result.output.contains("second 0\n"), "\(result)")
        #expect(result.error.ranges(of: "a time that is yet to come").count == 1, "\(result)")
    }
}
