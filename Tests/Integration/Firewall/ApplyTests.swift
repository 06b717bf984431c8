import Testing

/// Rulesets put into force in a namespace, and all the ways back.
@Suite("Policy apply", .patient, .enabled(if: NetworkOfOneHost.isPossible))
struct ApplyTests {
    @Test("nobody is shut out: an unknown or refused administrator stops it before anything is loaded")
    func administrator() throws {
        let result = try NetworkOfOneHost().script(
            """
            unset SSH_CONNECTION
            apply one.yaml --keep 198.18.0.1; echo "refused $?"
            ls state 2>/dev/null | grep -c nft; nft list tables
            for own in 127.0.0.1 ::1 10.10.0.21; do apply one.yaml --keep $own; echo "$own $?"; done
            SSH_CONNECTION="203.0.113.7 5000 10.10.0.21 22" bash -c "$gatehouse policy apply --site site.yaml \
                --state $PWD/state --confirm-within 0s"; echo "applied $?"
            nft list tables
            """
        )
        #expect(result.output.contains("refused 1"), "\(result)")
        #expect(result.error.contains("198.18.0.1 to port 22 would be shut out"), "\(result)")
        #expect(result.output.contains("127.0.0.1 2\n::1 2\n10.10.0.21 2\n"), "\(result)")
        #expect(result.error.contains("::1 is this machine itself"), "\(result)")
        #expect(result.output.contains("would be let in to port 22 by rule office-in"), "\(result)")
        #expect(result.output.contains("applied 0") && result.output.hasSuffix("table inet gatehouse\n"), "\(result)")
    }

    @Test("tables of others count: one that shuts the administrator out, and one that perhaps does")
    func othersDrop() throws {
        let result = try NetworkOfOneHost().script(
            """
            nft 'table ip strict { chain in { type filter hook input priority 10; policy drop; tcp dport 80 accept; }; }'
            apply one.yaml --keep 203.0.113.7; echo "strict $?"
            nft 'delete table ip strict'
            nft 'table ip odd { chain in { type filter hook input priority 10; meta mark 7 drop; }; }'
            apply one.yaml --keep 203.0.113.7; echo "odd $?"
            nft list tables | grep -c gatehouse
            apply one.yaml --keep 203.0.113.7 --unproved --confirm-within 0s; echo "trusted $?"
            """
        )
        #expect(result.output.contains("strict 1\n") && result.output.contains("odd 1\n0\n"), "\(result)")
        #expect(result.error.contains("ip strict in: the chain's policy drops"), "\(result)")
        #expect(result.error.contains("it cannot be proved that a new connection"), "\(result)")
        #expect(result.output.contains("trusted 0"), "\(result)")
    }

    @Test("firewalld and foreign chains are warned of, with what they change")
    func warnings() throws {
        let result = try NetworkOfOneHost().script(
            """
            cp /bin/sleep firewalld; ./firewalld 600 & other=$!
            nft 'table ip other { chain in { type filter hook input priority 10; ip saddr 10.66.0.0/16 drop; }; }'
            apply one.yaml --keep 203.0.113.7 --confirm-within 0s; echo "applied $?"; kill $other
            """
        )
        #expect(result.output.contains("applied 0"), "\(result)")
        #expect(result.error.contains("warning: firewalld is running"), "\(result)")
        let foreign = "table ip other is not ours and may drop what our rules accept: chain in on hook input"
        #expect(result.error.contains(foreign), "\(result)")
        #expect(result.error.contains("which our rules accept, is dropped by others' (ip other in"), "\(result)")
    }

    @Test("a claim that is broken stops it")
    func claims() throws {
        let result = try NetworkOfOneHost().script(
            """
            printf '  never:\\n    - { id: no-office, from: office, to: all, services: [ssh] }\\n' >> one.yaml
            apply one.yaml --keep 203.0.113.7; echo "claim $?"; nft list tables; ls state
            """
        )
        #expect(result.output.contains("claim 1\n"), "\(result)")
        #expect(result.error.contains("the claim `no-office` (site.yaml:11) is broken"), "\(result)")
        #expect(!result.output.contains("table inet gatehouse"), "\(result)")
    }

    @Test("what the site file says is compiled, proved and put into force; the same again changes nothing")
    func compiled() throws {
        let result = try NetworkOfOneHost().script(
            """
            apply one.yaml --keep 203.0.113.7 && policy confirm
            table | grep -c 'tcp dport 22 '; policy drift; echo "drift $?"
            policy apply --site site.yaml --keep 203.0.113.7
            echo '# a word' >> one.yaml; apply one.yaml --keep 203.0.113.7 --confirm-within 0s
            """
        )
        #expect(result.output.contains("generation 2 is in force; the rules are the same as before"), "\(result)")
        #expect(result.output.contains("drift 0"), "\(result)")
        #expect(result.output.contains("generation 1 is in force and means the same"), "\(result)")
    }

    @Test("a table of others stays; a change of elements alone keeps the counters; confirm keeps it")
    func elements() throws {
        let result = try NetworkOfOneHost().script(
            """
            nft add table ip other
            apply one.yaml --keep 203.0.113.7 && policy confirm
            bash -c 'exec 3<>/dev/tcp/127.0.0.1/1' 2>/dev/null
            before=$(table | grep '"loopback"'); echo "$before" | grep -vq 'packets 0 ' && echo counted
            apply two.yaml --keep 203.0.113.7
            test "$before" = "$(table | grep '"loopback"')" && echo kept
            table | grep -c 192.0.2.224; policy status; policy confirm; nft list tables
            await '! test -e state/2.armed'; policy status --json
            """
        )
        #expect(result.output.contains("counted\n") && result.output.contains("kept\n"), "\(result)")
        #expect(result.output.contains("elements of sets alone"), "\(result)")
        #expect(!result.output.contains("its watchdog does not run"), "\(result)")
        #expect(result.output.contains("table ip other"), "\(result)")
        #expect(result.output.contains(#""rule": "office-in""#), "\(result)")
    }

    @Test("the old rules come back, though the command and its whole session were killed")
    func watchdog() throws {
        let result = try NetworkOfOneHost().script(
            """
            apply one.yaml --keep 203.0.113.7 --confirm-within 0s
            cp three.yaml site.yaml
            setsid bash -c "$gatehouse policy apply --site site.yaml --state $PWD/state --keep 203.0.113.7 \
                --keep-port 2222 --confirm-within 2s; kill -9 0"
            table | grep -q 2222 && echo loaded
            await '! table | grep -q 2222'; await '! test -e state/2.armed'
            policy confirm; echo "confirm $?"; policy drift; echo "drift $?"
            """
        )
        #expect(result.output.contains("loaded\n"), "\(result)")
        #expect(result.output.contains("confirm 1") && result.output.contains("drift 0"), "\(result)")
        #expect(result.error.contains("nobody confirmed it in time"), "\(result)")
    }

    @Test("that a watchdog was killed is said, and a rollback undoes what it would have")
    func killedWatchdog() throws {
        let result = try NetworkOfOneHost().script(
            """
            apply one.yaml --keep 203.0.113.7 --confirm-within 0s
            apply three.yaml --keep 203.0.113.7 --keep-port 2222 --confirm-within 300s
            policy status --json | grep watchdog
            kill -9 $(pgrep -f "firewall-watchdog --state $PWD/state")
            await 'policy status | grep "its watchdog does not run"'
            policy rollback; echo "rollback $?"; policy drift; echo "drift $?"
            """
        )
        #expect(result.output.contains(#""watchdog": true"#), "\(result)")
        #expect(result.output.contains("its watchdog does not run"), "\(result)")
        #expect(result.output.contains("rollback 0") && result.output.contains("drift 0"), "\(result)")
        #expect(!result.output.contains("undone at"), "\(result)")
    }

    @Test("a boot loads what was confirmed; drift and watch name what changed, and who did it")
    func drift() throws {
        let result = try NetworkOfOneHost().script(
            """
            apply one.yaml --keep 203.0.113.7 --confirm-within 0s
            apply three.yaml --keep 203.0.113.7 --keep-port 2222 --confirm-within 60s
            nft flush ruleset; policy load; table | grep -c 'dport 22 '; policy drift; echo "drift $?"
            policy watch > watch.txt & watch=$!
            await 'grep -q ^watching watch.txt'
            nft insert rule inet gatehouse input tcp dport 9 accept; nft add table ip6 more
            await 'grep -q "ip6 more" watch.txt'; kill $watch; cat watch.txt; policy drift; echo "drift $?"
            """
        )
        #expect(result.output.contains("generation 1 is loaded"), "\(result)")
        #expect(result.output.contains("drift 0") && result.output.hasSuffix("drift 1\n"), "\(result)")
        #expect(result.output.contains("by nft (process "), "\(result)")
        #expect(result.output.contains("drift: chain input: added"), "\(result)")
        #expect(result.output.contains(":9 ") && result.output.contains("is let through now, and was not"), "\(result)")
    }

    @Test("drift is of meaning: a rule that changes nothing is none; a foreign rule that does is named")
    func meaning() throws {
        let result = try NetworkOfOneHost().script(
            """
            nft 'table ip other { chain in { type filter hook input priority 10; tcp dport 81 drop; }; }'
            apply one.yaml --keep 203.0.113.7 --confirm-within 0s
            nft add rule inet gatehouse input tcp dport 9 drop; policy drift; echo "same $?"
            nft add rule ip other in tcp dport 82 counter drop; policy drift; echo "other $?"
            nft delete table ip other; policy drift; echo "gone $?"
            nft 'add table inet gatehouse { flags dormant; }'; policy drift; echo "asleep $?"
            nft add table inet gatehouse; policy drift | grep dormant; echo "awake"
            """
        )
        #expect(result.output.contains("is dormant") && result.output.contains("asleep 1\nawake\n"), "\(result)")
        #expect(result.output.contains("same 0\n"), "\(result)")
        #expect(result.output.contains("other 1\n") && result.output.contains("gone 1\n"), "\(result)")
        #expect(result.output.contains("table ip other, which is not ours, was changed"), "\(result)")
        #expect(result.output.contains("is dropped now, and was not"), "\(result)")
        #expect(result.output.contains("table ip other, which is not ours, was removed"), "\(result)")
    }

    @Test("a table that another process owns, a watchdog that cannot start and an old file change nothing")
    func refused() throws {
        let result = try NetworkOfOneHost().script(
            """
            mkfifo commands; nft -i < commands > /dev/null & owner=$!
            exec 9> commands; echo 'add table inet gatehouse { flags owner; }' >&9
            await 'nft list tables | grep -q gatehouse'
            apply one.yaml --keep 203.0.113.7; echo "owned $?"
            exec 9>&-; kill $owner; await '! nft list tables | grep -q gatehouse'
            mkdir -p state/1.armed; apply one.yaml --keep 203.0.113.7; echo "unwatched $?"
            policy status | grep undone; nft list tables
            apply one.yaml --keep 203.0.113.7 --confirm-within 0s
            cp two.yaml site.yaml; touch -d 2001-01-01 site.yaml
            policy apply --site site.yaml --keep 203.0.113.7; echo "old $?"
            policy drift; echo "drift $?"
            """
        )
        for words in ["owned 3\n", "unwatched 3\nundone: generation 1", "it was not loaded", "old 1", "drift 0"] {
            #expect(result.output.contains(words), "\(words): \(result)")
        }
    }
}
