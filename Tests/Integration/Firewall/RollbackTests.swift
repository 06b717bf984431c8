import Testing

/// Back to the ruleset that was confirmed before.
@Suite("Policy rollback", .patient, .enabled(if: NetworkOfOneHost.isPossible))
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

    @Test("a boot loads what was confirmed from a file system that is read-only or full, and else what was before")
    func boot() throws {
        let result = try NetworkOfOneHost().script(
            """
            boot() { nft flush ruleset; policy load; echo "$1 $?"; table 2> /dev/null | grep -c -e 2222; }
            apply one.yaml --keep 203.0.113.7 --confirm-within 0s
            apply three.yaml --keep 203.0.113.7 --keep-port 2222 --confirm-within 0s
            apply two.yaml --keep 203.0.113.7 --confirm-within 600s
            policy watch > watch.txt & watch=$!; await 'grep -q ^watching watch.txt'
            mkdir small; mount -t tmpfs -o size=2m tmpfs small; cp -a state/. small; rm -f small/*.armed
            mount --bind small state; head -c 4m /dev/zero > state/full 2> /dev/null; boot full
            rm state/full; mount -o remount,bind,ro state; boot read-only; mount -o remount,bind,rw state
            boot rollback; echo '# more' >> state/2.nft; echo '# more' >> state/confirmed.nft; nft flush ruleset; policy load; echo "before $?"; table | grep -c 'dport 22 '
            rm state/2.nft; policy drift; echo "gone $?"; rm state/state.json; policy load; echo "unknown $?"
            kill $watch; grep -c 'by gatehouse (process' watch.txt
            """,
            ownMounts: true
        )
        for words in [
            "full 0\n1\n", "read-only 0\n1\n", "rollback 0\n1\n", "before 0\n1\n", "gone 1\n",
            "unknown 3\n",
        ] {
            #expect(result.output.contains(words), "\(words): \(result)")
        }
        #expect(!result.output.hasSuffix("unknown 3\n0\n"), "\(result)")
        #expect(result.error.contains("cannot be recorded"), "\(result)")
        #expect(result.error.contains("state.json is gone"), "\(result)")
    }

    @Test("what waits and is not in force keeps nobody from applying; what is in force does")
    func settled() throws {
        let result = try NetworkOfOneHost().script(
            """
            killWatchdog() { kill -9 $(pgrep -f "firewall-watchdog --state $PWD/state --generation $1 "); }
            three() { apply three.yaml --keep 203.0.113.7 --keep-port 2222 --confirm-within ${1:-0s}; }
            apply one.yaml --keep 203.0.113.7 --confirm-within 0s; three 600s
            killWatchdog 2; three; echo "in force $?"
            cp -p state/state.json waiting.json; policy rollback; cp -p waiting.json state/state.json
            policy status; echo "waits $?"; three; echo "next $?"; table | grep -c 2222
            policy status; echo "status $?"; echo mine > state/2024.tar; apply web.yaml --keep 203.0.113.7 --confirm-within 0s
            ls state
            """
        )
        for words in [
            "in force 1\n", "waits 1\n", "generation 3 is in force", "next 0\n1\n", "status 0\n", "2024.tar",
        ] {
            #expect(result.output.contains(words), "\(words): \(result)")
        }
        #expect(result.error.contains("generation 2 waits for its confirmation"), "\(result)")
        #expect(!result.output.contains("\n1.nft"), "\(result)")
    }

    @Test("on a disk that filled the watchdog brings the old rules back once, and records it when there is room")
    func full() throws {
        let result = try NetworkOfOneHost().script(
            """
            handle() { nft -a list table inet gatehouse | head -1; }
            apply one.yaml --keep 203.0.113.7 --confirm-within 0s
            apply three.yaml --keep 203.0.113.7 --keep-port 2222 --confirm-within 600s
            kill -9 $(pgrep -f "firewall-watchdog --state $PWD/state --generation 2 ")
            mkdir small; mount -t tmpfs -o size=2m tmpfs small; cp -a state/. small; mount --bind small state
            sed -i 's/"until": [0-9]*/"until": 5/; s/"deadline": [0-9]*/"deadline": 5/' state/state.json; head -c 4m /dev/zero > state/full 2> /dev/null
            $gatehouse firewall-watchdog --state $PWD/state --generation 2 --until 0 &
            await '! table | grep -q 2222'; policy status; echo "full $?"
            first=$(handle); read -t 1.5 <> <(:); test "$first" = "$(handle)"; echo "once $?"
            rm state/full; await 'policy status > words.txt'; grep "nobody confirmed it in time" words.txt
            """,
            ownMounts: true
        )
        for words in ["a full disk or a read-only one", "full 1\n", "once 0\n", "undone: generation 2"] {
            #expect(result.output.contains(words), "\(words): \(result)")
        }
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
        let words = "generation 1 is not any more what was confirmed: apply the site file"
        #expect(result.error.contains(words), "\(result)")
    }
}
