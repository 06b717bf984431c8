import Testing

/// Rulesets put into force in a namespace, and all the ways back.
@Suite("Policy apply", .enabled(if: NetworkOfOneHost.isPossible))
struct ApplyTests {
    @Test("nobody is shut out: an unknown or refused administrator stops it before anything is loaded")
    func administrator() throws {
        let result = try NetworkOfOneHost().script(
            """
            unset SSH_CONNECTION
            env -u SSH_CONNECTION bash -c 'true'
            apply one.nft --keep 198.18.0.1; echo "refused $?"
            ls state 2>/dev/null | grep -c nft; nft list tables
            SSH_CONNECTION="203.0.113.7 5000 10.10.0.21 22" bash -c "$gatehouse policy apply --site site.yaml \
                --ruleset one.nft --state state --confirm-within 0s"; echo "applied $?"
            nft list tables
            """
        )
        #expect(result.output.contains("refused 1"), "\(result)")
        #expect(result.error.contains("198.18.0.1 to port 22 would be shut out"), "\(result)")
        #expect(result.output.contains("applied 0") && result.output.hasSuffix("table inet gatehouse\n"), "\(result)")
    }

    @Test("what the site file says is compiled and put into force")
    func compiled() throws {
        let result = try NetworkOfOneHost().script(
            """
            policy apply --site site.yaml --keep 203.0.113.7 && policy confirm
            table | grep -c 'tcp dport 22 '; policy drift; echo "drift $?"
            policy apply --site site.yaml --keep 203.0.113.7
            """
        )
        #expect(result.output.contains("drift 0"), "\(result)")
        #expect(result.output.contains("generation 1 is in force and means the same"), "\(result)")
    }

    @Test("a table of others stays; a change of elements alone keeps the counters; confirm keeps it")
    func elements() throws {
        let result = try NetworkOfOneHost().script(
            """
            nft add table ip other
            apply one.nft --keep 203.0.113.7 && policy confirm
            bash -c 'exec 3<>/dev/tcp/127.0.0.1/1' 2>/dev/null
            before=$(table | grep loopback); echo "$before" | grep -vq 'packets 0 ' && echo counted
            echo "# more" >> site.yaml
            apply two.nft --keep 203.0.113.7
            test "$before" = "$(table | grep loopback)" && echo kept
            table | grep -c 192.0.2.0; policy confirm; nft list tables
            await '! test -e state/2.armed'; policy status --json
            """
        )
        #expect(result.output.contains("counted\n") && result.output.contains("kept\n"), "\(result)")
        #expect(result.output.contains("elements of sets alone"), "\(result)")
        #expect(result.output.contains("table ip other"), "\(result)")
        #expect(result.output.contains(#""rule": "allow-1""#), "\(result)")
    }

    @Test("the old rules come back, though the command and its whole session were killed")
    func watchdog() throws {
        let result = try NetworkOfOneHost().script(
            """
            apply one.nft --keep 203.0.113.7 --confirm-within 0s
            setsid bash -c "$gatehouse policy apply --site site.yaml --ruleset three.nft --state state \
                --keep 203.0.113.7 --confirm-within 2s; kill -9 0"
            table | grep -q 2222 && echo loaded
            await '! table | grep -q 2222'; await '! test -e state/2.armed'
            policy confirm; echo "confirm $?"; policy drift; echo "drift $?"
            """
        )
        #expect(result.output.contains("loaded\n"), "\(result)")
        #expect(result.output.contains("confirm 1") && result.output.contains("drift 0"), "\(result)")
        #expect(result.error.contains("nobody confirmed it in time"), "\(result)")
    }

    @Test("a boot loads what was confirmed; drift and watch name what changed, and who did it")
    func drift() throws {
        let result = try NetworkOfOneHost().script(
            """
            apply one.nft --keep 203.0.113.7 --confirm-within 0s
            echo "# more" >> site.yaml
            apply three.nft --keep 203.0.113.7 --confirm-within 60s
            nft flush ruleset; policy load; table | grep -c 'dport 22 '; policy drift; echo "drift $?"
            policy watch > watch.txt & watch=$!
            await 'grep -q ^watching watch.txt'
            nft add rule inet gatehouse input tcp dport 9 accept; nft add table ip6 more
            await 'grep -q "ip6 more" watch.txt'; kill $watch; cat watch.txt; policy drift; echo "drift $?"
            """
        )
        #expect(result.output.contains("generation 1 is loaded"), "\(result)")
        #expect(result.output.contains("drift 0") && result.output.hasSuffix("drift 1\n"), "\(result)")
        #expect(result.output.contains("by nft (process "), "\(result)")
        #expect(result.output.contains("drift: chain input: added"), "\(result)")
    }

    @Test("a ruleset that the kernel refuses, another's table and an old file change nothing")
    func refused() throws {
        let result = try NetworkOfOneHost().script(
            """
            apply one.nft --keep 203.0.113.7 --confirm-within 0s
            printf 'table inet gatehouse {\\n chain c {\\n  jump no\\n }\\n}\\n' > bad.nft
            apply bad.nft --keep 203.0.113.7; echo "bad $?"
            echo 'flush ruleset' > bad.nft; apply bad.nft --keep 203.0.113.7; echo "flush $?"
            echo '# x' >> site.yaml; touch -d 2001-01-01 site.yaml
            apply two.nft --keep 203.0.113.7; echo "old $?"
            policy drift; echo "drift $?"
            """
        )
        for words in ["bad 2", "flush 2", "old 1", "drift 0"] {
            #expect(result.output.contains(words), "\(words): \(result)")
        }
        #expect(result.error.contains("line 3 of the ruleset"), "\(result)")
    }
}
