import Testing

/// What waits for a confirmation comes to its end, whatever is lost meanwhile.
@Suite("Watchdog", .patient, .enabled(if: NetworkOfOneHost.isPossible))
struct WatchdogTests {
    /// Generation 1 was confirmed; `wait SECONDS` has generation 2 wait, which lets in to port 2222.
    private static let confirmed = """
        apply one.yaml --keep 203.0.113.7 --confirm-within 0s
        wait2() { apply three.yaml --keep 203.0.113.7 --keep-port 2222 --confirm-within $1 || echo "refused $?"; }
        killWatchdog() { kill -9 $(pgrep -f "firewall-watchdog --state $PWD/state --generation 2 "); }
        back() { await '! table | grep -q 2222'; echo "back $(table | grep -c 'dport 22 ')"; }
        try() { policy $1; echo "$1 $?"; }

        """

    @Test("an undo and a rollback are no drift to who watches; a record that comes late is taken back")
    func watched() throws {
        let result = try NetworkOfOneHost().script(
            """
            apply one.yaml --keep 203.0.113.7 --confirm-within 0s
            policy watch > watch.txt & watch=$!; trap 'kill $watch' EXIT
            await 'grep -q ^watching watch.txt'
            record() { cp -p $1 state/new; mv state/new state/state.json; }
            for within in 1s 600s; do
                apply three.yaml --keep 203.0.113.7 --keep-port 2222 --confirm-within $within --allow-older
                test $within = 1s || policy rollback
                await 'policy status | grep -q "kernel holds generation 1"'
            done
            nft add table ip6 more; await 'grep -q "ip6 more" watch.txt'; grep -c ^drift watch.txt
            nft delete table ip6 more; await 'grep -q "applied again" watch.txt'
            cp -p state/state.json kept.json; apply web.yaml --keep 203.0.113.7 --confirm-within 0s
            cp -p state/state.json new.json; record kept.json
            nft add table ip6 more; nft delete table ip6 more; await 'test $(grep -c ^drift watch.txt) -gt 1'
            record new.json; await 'test $(grep -c "applied again" watch.txt) = 2'; echo "again $?"
            """
        )
        #expect(result.output.contains("\n1\n") && result.output.hasSuffix("again 0\n"), "\(result)")
    }

    @Test("who watches is told at once who changes rules, also while some command holds the state's lock and goes on")
    func held() throws {
        let result = try NetworkOfOneHost().script(
            """
            apply one.yaml --keep 203.0.113.7 --confirm-within 0s
            policy watch > watch.txt & watch=$!; trap 'kill $watch $holder' EXIT
            await 'grep -q ^watching watch.txt'
            flock --no-fork state/lock sleep 600 & holder=$!; await '! flock -n state/lock true'
            for count in 1 2; do
                nft add table ip6 more$count; await "test \\$(grep -c 'by nft' watch.txt) = $count"
            done
            grep -c ^drift watch.txt; kill $holder; await 'grep -q "ip6 more2" watch.txt'; echo "looked $?"
            """
        )
        #expect(result.output.hasSuffix("\n0\nlooked 0\n"), "\(result)")
    }

    @Test(
        "it undoes what nobody confirmed also when the folder, the state or the text that undoes it is gone",
        arguments: [
            ("rm -r state", "there is no folder"), ("rm state/*", "no ruleset waits"),
            ("rm state/state.json", "Generation 2 waited for a confirmation, and its watchdog undoes it"),
            (": > state/state.json", "Generation 2 waited for a confirmation, and its watchdog undoes it"),
            ("rm state/2.nft", "the text of generation 2 is gone or was changed: `gatehouse policy rollback`"),
            ("rm state/2.undo.nft", ""),
        ]
    )
    func lost(loss: String, words: String) throws {
        let result = try NetworkOfOneHost().script(
            Self.confirmed + """
                wait2 12s; \(loss); \(words.isEmpty ? ":" : "try confirm"); back; try status
                """
        )
        #expect(!result.output.contains("confirm 0") && !result.output.contains("refused"), "\(result)")
        #expect(words.isEmpty || result.error.contains(words), "\(result)")
        #expect(result.output.contains("back 1\n"), "\(result)")
    }

    @Test("the old rules come back in time, however often another program changes a table with a large set")
    func churned() throws {
        let result = try NetworkOfOneHost().script(
            Self.confirmed + """
                nft 'table inet other { set few { type ipv4_addr; }; set many { type ipv4_addr; }; }'
                seq -s, -f %.0f 2886729728 2886779727 | sed 's/.*/add element inet other many { & }/' | nft -f -
                wait2 5s
                element='element inet other few { 192.0.2.7 }'
                while ! test -e stop; do
                    for act in add delete; do echo "$act $element"; read -t 0.05 <> <(:); done
                done | nft -i > churn.txt 2>&1 & trap 'touch stop; wait' EXIT
                back; await 'policy status > words.txt'; test -e stop; echo "changing $?"; touch stop; wait
                grep undone words.txt
                """
        )
        #expect(result.output.contains("back 1\n") && result.output.contains("changing 1\n"), "\(result)")
        #expect(result.output.contains("nobody confirmed it in time"), "\(result)")
    }

    @Test("a rollback whose text is gone or damaged goes back to what was confirmed; where nothing was, it says so")
    func rollback() throws {
        let result = try NetworkOfOneHost().script(
            Self.confirmed + """
                wait2 600s; rm state/2.undo.nft; try rollback; back; try status
                wait2 600s; truncate -s 0 state/3.undo.nft; try rollback; back
                wait2 600s; truncate -s 0 state/4.undo.nft; rm state/1.nft; echo '# more' >> state/confirmed.nft; try rollback
                table | grep -c 2222
                """
        )
        #expect(result.output.contains("rollback 0\nback 1\n"), "\(result)")
        #expect(result.output.contains("status 0\n") && result.output.hasSuffix("rollback 3\n1\n"), "\(result)")
        #expect(result.error.contains("what undoes generation 4 is gone or was changed"), "\(result)")
    }

    @Test("an apply that stands still behind its load keeps nobody waiting for the old rules, and learns of them")
    func stoppedApply() throws {
        let result = try NetworkOfOneHost().script(
            Self.confirmed + """
                cp three.yaml site.yaml
                three() {
                    within=$1; shift
                    "$@" $gatehouse policy apply --site site.yaml --state $PWD/state --keep 203.0.113.7 --keep-port 2222 \\
                        --confirm-within $within
                }
                three 600s strace -qq -o trace -e trace=fsync; policy rollback
                last=$(grep -c '^fsync(' trace)
                three 10s strace -qq -o trace -e inject=fsync:signal=SIGSTOP:when=$last > said 2>&1 & stopped=$!
                await 'table | grep -q 2222'; back; flock -n state/lock true || echo "still held"; try rollback
                kill -CONT $(pgrep -f "site.yaml --state $PWD/state"); wait $stopped; echo "ended $?"; cat said
                await 'policy status > words.txt'; grep undone words.txt; try drift
                """
        )
        for words in [
            "back 1\nstill held\nrollback 3\nended 1\n", "the time for a confirmation was over",
            "generation 3 stays pending", "undone: generation 3", "nobody confirmed it in time", "drift 0\n",
        ] {
            #expect(result.output.contains(words), "\(words): \(result)")
        }
    }

    @Test(
        "a confirm that stands still keeps what the kernel holds when it goes on, or what then is loaded again",
        arguments: [("sendmsg", "confirmed 1\nback 1\n"), ("fsync", "confirmed 0\nforward\n")]
    )
    func stoppedConfirm(call: String, words: String) throws {
        let result = try NetworkOfOneHost().script(
            Self.confirmed + """
                wait2 15s
                strace -qq -o trace -e inject=\(call):signal=SIGSTOP:when=1 \\
                    $gatehouse policy confirm --state $PWD/state & stopped=$!
                back > first.txt; kill -CONT $(pgrep -f "confirm --state $PWD/state"); wait $stopped; echo "confirmed $?"
                test \(call) = sendmsg && back || { await 'table | grep -q 2222'; echo forward; }
                await 'policy status > words.txt'; try drift
                """
        )
        #expect(result.output.contains(words) && result.output.hasSuffix("drift 0\n"), "\(result)")
        #expect(call == "fsync" || result.error.contains("since the kernel holds something else"), "\(result)")
    }

    @Test("its control group goes with it")
    func controlGroup() throws {
        let result = try NetworkOfOneHost().script(
            """
            for root in /sys/fs/cgroup /sys/fs/cgroup/unified none; do test ! -w $root/cgroup.procs || break; done
            if test $root != none; then
                own=$root/gatehouse-test-$$; mkdir $own; mount --bind $own $root; trap 'umount $root; rmdir $own' EXIT
            fi
            grouped() { test $root = none || grep -q . $root/gatehouse-firewall-watchdog/cgroup.procs; }
            left() { test $root != none && ls -d $root/gatehouse-firewall-watchdog; }
            apply one.yaml --keep 203.0.113.7 --confirm-within 600s; grouped && echo "one in its group"
            policy confirm; await '! left > /dev/null 2>&1'
            apply three.yaml --keep 203.0.113.7 --keep-port 2222 --confirm-within 1s; grouped && echo "two in its group"
            await '! left > /dev/null 2>&1'; await '! ls state/*.armed 2> /dev/null'; echo "both gone"
            """,
            ownMounts: true
        )
        for words in ["one in its group\n", "two in its group\n", "both gone\n"] {
            #expect(result.output.contains(words), "\(words): \(result)")
        }
    }

    @Test("one that was killed is told of, and `policy watch` undoes in its place, when the time is over")
    func killed() throws {
        let result = try NetworkOfOneHost().script(
            Self.confirmed + """
                policy watch > watch.txt & watch=$!; trap 'kill $watch' EXIT; await 'grep -q ^watching watch.txt'
                wait2 15s; killWatchdog; try status; try drift; table | grep -c 2222
                back; await 'grep "is undone: nobody confirmed it in time" watch.txt'; kill $watch
                await 'policy status'; try drift
                wait2 1s; killWatchdog 2> /dev/null; kill -9 $(pgrep -f "firewall-watchdog --state $PWD/state --generation 3 ")
                policy watch > again.txt & watch=$!; back; await 'policy status > words.txt'; try drift
                """
        )
        #expect(result.output.contains("its watchdog does not run"), "\(result)")
        #expect(
            result.output.contains("generation 2 waits for its confirmation, and its watchdog does not"),
            "\(result)"
        )
        #expect(result.output.contains("status 1\n") && result.output.contains("drift 1\n1\nback 1\n"), "\(result)")
        #expect(result.output.contains("undone: generation 2"), "\(result)")
        #expect(result.output.ranges(of: "drift 0\n").count == 2, "\(result)")
    }
}
