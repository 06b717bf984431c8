import Testing

/// What is told of the rules in force, and what is kept, by what the kernel holds.
@Suite("Policy status", .enabled(if: NetworkOfOneHost.isPossible))
struct StatusTests {
    @Test("a ruleset that the kernel does not hold is not kept, and not said to be in force")
    func kernel() throws {
        let result = try NetworkOfOneHost().script(
            """
            status() { policy status --json | grep '"kernel"'; policy status > words.txt; echo "$1 $?"; }
            apply one.yaml --keep 203.0.113.7 --confirm-within 600s; status pending
            nft delete table inet gatehouse; policy confirm; echo "confirm $?"; policy rollback; echo "rollback $?"
            apply one.yaml --keep 203.0.113.7 --confirm-within 600s
            nft insert rule inet gatehouse input tcp dport 9 accept; policy confirm; echo "changed $?"; policy rollback
            apply one.yaml --keep 203.0.113.7 --confirm-within 600s; policy confirm; echo "kept $?"; status fine
            nft 'add table inet gatehouse { flags dormant; }'; status asleep; grep dormant words.txt
            nft add table inet gatehouse; nft insert rule inet gatehouse input tcp dport 9 accept; status changed
            nft delete table inet gatehouse; status gone; grep "is gone" words.txt
            """
        )
        for words in [
            "pending 1\n", "confirm 1\n", "rollback 0\n", "changed 1\n", "kept 0\n", "\"in force\",\nfine 0\n",
            "\"differs\",\nasleep 1\n", "\"differs\",\nchanged 1\n", "\"differs\",\ngone 1\n", "is dormant", "is gone",
        ] {
            #expect(result.output.contains(words), "\(words): \(result)")
        }
        #expect(result.error.contains("generation 1 is not kept, since the kernel holds something else"), "\(result)")
    }

    @Test("who only reads writes nothing: a file system may be read-only, and a folder that is not there stays so")
    func readOnly() throws {
        let result = try NetworkOfOneHost().script(
            """
            for act in status drift confirm rollback load; do
                $gatehouse policy $act --state typo; echo "$act $?"; test -e typo && echo made
            done
            policy status --json --state typo; echo "json $?"
            policy drift --json --state typo | python3 -c 'import json, sys; print(len(json.load(sys.stdin)["drift"]))'
            mkdir -m 700 empty; policy drift --json --state empty | grep '"drift"'; echo "empty ${PIPESTATUS[0]}"; policy trace --site one.yaml; echo "trace $?"
            apply one.yaml --keep 203.0.113.7 --confirm-within 0s
            unshare --mount bash -c "mount --bind state state && mount -o remount,bind,ro state && cd state && \
                ! touch it 2>/dev/null && $gatehouse policy status --state . && $gatehouse policy drift --state ."
            echo "read $?"
            """
        )
        for words in [
            "status 1\n", "drift 1\n", "confirm 1\n", "rollback 1\n", "load 0\n", "\nread 0\n", "nothing applied",
            "json 1\n", "\n1\n  \"drift\": [\nempty 1\n", "trace 2\n",
        ] {
            #expect(result.output.contains(words), "\(words): \(result)")
        }
        #expect(!result.output.contains("made"), "\(result)")
        #expect(result.error.contains("gatehouse policy: there is no command `trace`"), "\(result)")
        #expect(result.error.contains("/typo: no ruleset was applied with it"), "\(result)")
    }

    @Test("a watchdog may work in another folder than who started it")
    func absolute() throws {
        let result = try NetworkOfOneHost().script(
            """
            cp one.yaml site.yaml
            $gatehouse policy apply --site site.yaml --state state --keep 203.0.113.7 --confirm-within 600s
            pgrep -f "firewall-watchdog --state $PWD/state --generation 1" | grep -c .
            policy rollback; echo "rollback $?"
            """
        )
        #expect(result.output.contains("\n1\n") && result.output.contains("rollback 0"), "\(result)")
    }
}
