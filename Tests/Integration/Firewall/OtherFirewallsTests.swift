import Testing

/// Beside the rules that firewalld, ufw and Docker make: Tests/Tools/foreign-rules, as they were read back from the
/// kernel where the real ones ran.
@Suite("Other firewalls", .patient, .enabled(if: NetworkOfOneHost.isPossible))
struct OtherFirewallsTests {
    @Test("Docker's rules are known without dockerd, and leave the administrator in")
    func docker() throws {
        let result = try NetworkOfOneHost().script(
            """
            iptables-nft-restore $rules/docker.rules
            apply one.yaml --keep 203.0.113.7 --confirm-within 0s; echo "applied $?"; policy drift; echo "same $?"
            iptables-nft -A DOCKER -p tcp --dport 22 -j DROP; policy drift; echo "more $?"
            iptables-nft-save | grep -c MASQUERADE
            """
        )
        #expect(result.error.contains("warning: Docker does not run, and its rules are in force"), "\(result)")
        #expect(result.error.contains("(table ip filter, ip nat)"), "\(result)")
        #expect(result.error.contains("may drop what our rules accept: chain INPUT on hook input"), "\(result)")
        #expect(result.output.contains("applied 0") && result.output.contains("same 0\n"), "\(result)")
        #expect(result.output.contains("table ip filter, which is not ours, was changed"), "\(result)")
        #expect(result.output.contains("more 1\n2\n"), "\(result)")
    }

    @Test("a published port of Docker that the administrator uses makes the answer unknown")
    func publishedPort() throws {
        let result = try NetworkOfOneHost().script(
            """
            iptables-nft-restore $rules/docker.rules
            apply web.yaml --keep 203.0.113.7 --keep-port 8080; echo "unknown $?"
            """
        )
        #expect(result.output.contains("unknown 1"), "\(result)")
        #expect(result.error.contains("it cannot be proved that a new connection"), "\(result)")
    }

    @Test("ufw is told by its rules; whether it lets the administrator in hangs on what nobody can list")
    func ufw() throws {
        let result = try NetworkOfOneHost().script(
            """
            iptables-nft-restore $rules/ufw.rules
            apply one.yaml --keep 203.0.113.7; echo "unknown $?"
            apply one.yaml --keep 203.0.113.7 --unproved --confirm-within 0s; echo "trusted $?"
            policy drift; echo "same $?"; iptables-nft -A ufw-user-input -s 203.0.113.9 -j ACCEPT
            policy drift; echo "more $?"
            """
        )
        #expect(result.error.contains("warning: ufw does not run, and its rules are in force"), "\(result)")
        #expect(result.error.contains("which drops what it does not accept"), "\(result)")
        #expect(result.output.contains("unknown 1\n") && result.output.contains("trusted 0"), "\(result)")
        #expect(result.output.contains("same 0\n") && result.output.contains("more 1\n"), "\(result)")
    }

    @Test("what firewalld may drop of what ours accept is shown with a packet, and stops what may shut somebody out")
    func firewalld() throws {
        let result = try NetworkOfOneHost().script(
            """
            nft -f $rules/firewalld.nft
            apply one.yaml --keep 203.0.113.7 --confirm-within 0s; echo "ssh $?"; policy drift; echo "same $?"
            apply three.yaml --keep 203.0.113.7 --keep-port 2222; echo "other port $?"
            """
        )
        #expect(result.error.contains("warning: firewalld does not run, and its rules are in force"), "\(result)")
        #expect(result.output.contains("ssh 0") && result.output.contains("same 0\n"), "\(result)")
        #expect(result.output.contains("other port 1\n"), "\(result)")
        #expect(result.error.contains("which our rules accept, may be dropped by others' (inet firewalld"), "\(result)")
        // `ct status dnat accept` is not followed.
        #expect(result.error.contains("to port 2222 would be let in: it hangs on"), "\(result)")
    }

    @Test("beside tables of iptables-legacy, which nft does not list, nothing is proved of what the kernel does")
    func legacy() throws {
        let result = try NetworkOfOneHost().script(
            """
            apply one.yaml --keep 203.0.113.7 --confirm-within 0s
            prove() { $gatehouse policy prove --live --site site.yaml > $1.txt; echo "$1 $?"; }
            prove alone; grep -c '^proved   app-01: ' alone.txt
            iptables-legacy -A INPUT -p tcp --dport 22 -j DROP || { echo "no legacy"; exit; }
            prove beside; grep -c ^proved beside.txt; cat beside.txt
            apply two.yaml --keep 203.0.113.7 --confirm-within 0s; policy drift; echo "drift $?"
            """
        )
        if result.output.contains("no legacy") { return print("not tried: this kernel has no iptables-legacy") }
        #expect(result.output.contains("alone 0\n1\nbeside 1\n0\n"), "\(result)")
        let tables = "there are tables of iptables-legacy (filter), "
        #expect(result.output.contains("unknown  app-01: \(tables)"), "\(result)")
        #expect(result.output.contains("unknown  allow `office-in`"), "\(result)")
        #expect(result.error.ranges(of: "warning: \(tables)").count == 2, "\(result)")
        #expect(result.error.contains("not even who would be let in"), "\(result)")
    }

    /// What fail2ban 1.0.2 runs for a jail `sshd` (action.d/nftables.conf), and what it runs for a ban.
    private static let fail2ban = """
        start() {
            nft add table inet f2b-table
            nft -- add chain inet f2b-table f2b-chain \\{ type filter hook input priority -1 \\; \\}
            nft add set inet f2b-table addr-set-sshd \\{ type ipv4_addr\\; \\}
            nft add rule inet f2b-table f2b-chain tcp dport \\{ $(echo ssh | sed s/:/-/g) \\} ip saddr @addr-set-sshd reject
        }
        ban() { nft add element inet f2b-table addr-set-sshd \\{ $1 \\}; }
        unban() { nft delete element inet f2b-table addr-set-sshd \\{ $1 \\}; }
        drift() { policy drift > said.txt; echo "$1 $? $(grep -c "^note: table inet $2" said.txt)"; cat said.txt >&2; }

        """

    @Test("who is banned by fail2ban, and who is not any more, is noted and no drift; its rules are")
    func bans() throws {
        let result = try NetworkOfOneHost().script(
            Self.fail2ban + """
                start; ban 198.51.100.9; ban 198.51.100.10
                apply one.yaml --keep 203.0.113.7 --confirm-within 0s; drift same f2b-table
                ban 198.51.100.11; drift banned f2b-table; unban 198.51.100.9; unban 198.51.100.10; drift unbanned f2b-table
                policy drift --json | python3 -c 'import json, sys; d = json.load(sys.stdin); print(len(d["drift"]), len(d["notes"]))'
                ban 203.0.113.7; drift administrator f2b-table; policy status > status.txt; echo "status $?"
                nft add rule inet f2b-table f2b-chain ip saddr @addr-set-sshd drop; drift rule f2b-table
                nft delete table inet f2b-table; drift gone f2b-table; start; drift again f2b-table
                """
        )
        for words in [
            "same 0 0\n", "banned 0 1\n", "unbanned 0 1\n0 1\n", "administrator 0 1\n", "status 0\n", "rule 1 0\n",
            "gone 1 0\n", "again 0 1\n",
        ] {
            #expect(result.output.contains(words), "\(words): \(result)")
        }
        #expect(result.error.contains("(set addr-set-sshd: 1 added, 2 removed)"), "\(result)")
    }

    @Test(
        "elements that let more through, or do more than drop, are drift",
        arguments: [
            ("policy drop; ip saddr @few accept", ", 203.0.113.7"), ("ip saddr != @few drop", ", 203.0.113.7"),
            ("ip saddr @few accept; drop", ", 203.0.113.7"), ("ip saddr @few meta mark set 7", ""),
            ("ip saddr @few jump more", ""), ("ip saddr @few limit rate 1/second drop", ""),
            ("ip saddr @few ct mark 7 drop", ""),
        ]
    )
    func lists(rules: String, more: String) throws {
        let result = try NetworkOfOneHost().script(
            Self.fail2ban + """
                nft 'table inet lists {
                    set few { type ipv4_addr; elements = { 198.51.100.9\(more) }; }
                    chain more { drop; }
                    chain in { type filter hook input priority 10; \(rules); }
                }'
                apply one.yaml --keep 203.0.113.7 --unproved --confirm-within 0s
                drift same lists; nft add element inet lists few '{ 198.51.100.10 }'; drift more lists
                """
        )
        #expect(result.output.contains("same 0 0\nmore 1 0\n"), "\(result)")
    }

    @Test("elements of a block list that end by themselves are no drift, as they come and as they go")
    func ending() throws {
        let result = try NetworkOfOneHost().script(
            Self.fail2ban + """
                nft 'table inet lists {
                    set few { type ipv4_addr; flags timeout; elements = { 198.51.100.9 timeout 1h }; }
                    set some { type ipv4_addr; flags timeout; timeout 1h; }
                    chain in { type filter hook input priority 10; ip saddr @few drop; ip saddr @some drop; }
                }'
                apply one.yaml --keep 203.0.113.7 --confirm-within 0s; drift same lists
                nft add element inet lists few '{ 198.51.100.10 timeout 2h }'; drift timed lists
                nft add element inet lists some '{ 198.51.100.11 }'; drift both lists
                nft add element inet lists few '{ 198.51.100.12 }'; nft flush set inet lists some; drift fixed lists
                nft add element inet lists few '{ 203.0.113.7 timeout 1h }'; apply one.yaml --keep 203.0.113.7; echo "banned $?"
                """
        )
        #expect(result.output.contains("same 0 0\ntimed 0 1\nboth 0 1\nfixed 0 1\nbanned 1\n"), "\(result)")
        #expect(result.error.contains("it cannot be proved that a new connection from 203.0.113.7"), "\(result)")
    }

    @Test("who applies again takes the tables of others as they are, also when nothing else changes")
    func again() throws {
        let result = try NetworkOfOneHost().script(
            Self.fail2ban + """
                apply one.yaml --keep 203.0.113.7 --confirm-within 0s; start; ban 198.51.100.9; drift started f2b-table
                policy apply --site site.yaml --keep 203.0.113.7; drift taken f2b-table
                ban 198.51.100.10; drift banned f2b-table
                """
        )
        #expect(result.output.contains("means the same; nothing was changed"), "\(result)")
        #expect(result.output.contains("started 1 0\n") && result.output.contains("taken 0 0\n"), "\(result)")
        #expect(result.output.contains("banned 0 1\n"), "\(result)")
    }

    @Test("a firewalld that runs in another network, as in a container, is none of ours")
    func elsewhere() throws {
        let result = try NetworkOfOneHost().script(
            """
            cp /bin/sleep firewalld; unshare --net ./firewalld 600 & other=$!
            sh -c './firewalld 0 & exec sleep 600' & keeper=$!; trap 'kill $other $keeper' EXIT
            await 'grep -q firewalld /proc/$other/comm'
            # One that has ended, and that nobody has waited for.
            await 'ps --ppid $keeper -o stat= | grep -q Z'
            apply one.yaml --keep 203.0.113.7 --confirm-within 0s; echo "applied $?"
            """
        )
        #expect(result.output.contains("applied 0") && !result.error.contains("firewalld"), "\(result)")
    }

    @Test("a bridge whose packets from port to port come to our rules is told")
    func bridge() throws {
        let result = try NetworkOfOneHost().script(
            """
            test -e /proc/sys/net/bridge/bridge-nf-call-iptables || { echo "skipped: there is no br_netfilter"; exit; }
            ip link add br0 type bridge nf_call_iptables 1; ip link set eth1 master br0
            said() { grep -c 'warning: bridge br0: packets between its ports' said; }
            apply one.yaml --keep 203.0.113.7 --confirm-within 0s 2> said; echo "applied $? $(said)"
            policy status > said; echo "status $? $(said)"; policy drift 2> said; echo "drift $? $(said)"
            ip link set eth1 nomaster; policy drift 2> said; echo "without ports $? $(said)"
            """
        )
        guard !result.output.contains("skipped:") else { return print(result.output) }
        for words in ["applied 0 1\n", "status 0 1\n", "drift 0 1\n", "without ports 0 0\n"] {
            #expect(result.output.contains(words), "\(words): \(result)")
        }
    }

    @Test("a kernel that passes packets on for a host that is no router is told")
    func passing() throws {
        let result = try NetworkOfOneHost().script(
            """
            forward() { for file in ipv4/ip_forward ipv6/conf/all/forwarding; do echo $1 > /proc/sys/net/$file; done; }
            said() { grep -c 'warning.*this machine passes packets on' said; }
            forward 1; apply one.yaml --keep 203.0.113.7 --confirm-within 0s 2> said; echo "applied $? $(said)"
            policy status > said; echo "status $? $(said)"; policy drift 2> said; echo "drift $? $(said)"
            forward 0; policy drift 2> said; echo "none $? $(said)"
            """
        )
        for words in ["applied 0 1\n", "status 0 1\n", "drift 0 1\n", "none 0 0\n"] {
            #expect(result.output.contains(words), "\(words): \(result)")
        }
    }

    @Test("a chain that hangs on another device than at the time of apply is drift", arguments: ["", "e2, "])
    func devices(more: String) throws {
        let result = try NetworkOfOneHost().script(
            Self.fail2ban + """
                for name in e0 e1 e2; do ip link add $name type dummy; done
                hang() { nft "add table netdev edge; delete table netdev edge; table netdev edge { chain in {
                    type filter hook ingress devices = { \(more)$1 } priority 0; policy accept; tcp dport 9 drop; }; }"; }
                hang e0; apply one.yaml --keep 203.0.113.7 --confirm-within 0s; drift same edge; hang e0; drift anew edge
                hang e1; drift moved edge
                """
        )
        for words in ["same 0 0\n", "anew 0 0\n", "moved 1 0\n"] {
            #expect(result.output.contains(words), "\(words): \(result)")
        }
        #expect(result.error.contains("table netdev edge, which is not ours, was changed"), "\(result)")
        #expect(result.error.contains("e1"), "\(result)")
    }
}
