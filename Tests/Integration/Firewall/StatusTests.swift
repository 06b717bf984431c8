import Testing

/// What is told of the rules in force, and what is kept, by what the kernel holds.
@Suite("Policy status", .patient, .enabled(if: NetworkOfOneHost.isPossible))
struct StatusTests {
    /// - Parameter interfaces: of its one host, the first in line 6.
    private static func site(_ interfaces: String...) -> String {
        """
        site: foobar.com
        hosts:
          app-01:
            roles: [app]
            interfaces:
        \(interfaces.map { "      \($0)" }.joined(separator: "\n"))
        services: { ssh: tcp/22, note: udp/99 }
        firewall:
          allow:
            - { from: any, to: all, services: [ssh] }
            - { from: app-01, to: any, services: [note] }

        """
    }

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

    @Test("an interface that the machine does not have is told with its line, and keeps nothing from being in force")
    func interfaces() throws {
        let network = try NetworkOfOneHost()
        try network.directory.write(
            Self.site(
                "eth0: { zone: inside, addresses: [10.10.0.21/24] }",
                "eth9: { zone: outside, addresses: [198.51.100.9/24] }"
            ),
            to: "typo.yaml"
        )
        let result = try network.script(
            """
            apply typo.yaml --keep 10.10.0.7 --confirm-within 0s 2> said; echo "applied $?"
            grep -o 'site.yaml:7:13: warning: .*' said
            policy drift 2> said; echo "drift $?"; grep -o '1.site.yaml:7:13: warning: .*' said
            policy drift --json | grep -c 'no interface `eth9`'
            policy status > said; echo "status $?"; grep -o '1.site.yaml:7:13: warning: .*' said
            nft delete table inet gatehouse; policy load; echo "boot $?"
            ip link set eth1 down; ip link set eth1 name eth9; policy drift 2>&1; echo "there $?"
            """
        )
        let warning = "warning: this machine has no interface `eth9`; it has lo, eth1, eth0 [ineffective]\n"
        for words in [
            "applied 0\nsite.yaml:7:13: \(warning)", "drift 0\n1.site.yaml:7:13: \(warning)1\n",
            "status 0\n1.site.yaml:7:13: \(warning)", "boot 0\n", "the kernel holds what was applied\nthere 0\n",
        ] {
            #expect(result.output.contains(words), "\(words): \(result)")
        }
    }

    @Test("an address that the site file does not have, and from which the rules drop what is sent, is told")
    func unnamedAddresses() throws {
        let network = try NetworkOfOneHost()
        try network.directory.write(
            Self.site("eth0: { addresses: [10.10.0.21/24] }", "eth1: {}"),
            to: "second.yaml"
        )
        try network.directory.write(
            """
            import socket, sys

            one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            one.bind((sys.argv[1], 0))
            try:
                one.sendto(b"?", (sys.argv[2], 99))
                print(sys.argv[1], "sent")
            except PermissionError:
                print(sys.argv[1], "dropped")

            """,
            to: "send.py"
        )
        let result = try network.script(
            """
            ip addr add 10.10.9.21/24 dev eth0; ip addr add 10.20.0.21/24 dev eth1; ip addr add 192.0.2.1/32 dev lo
            ip addr add 2001:db8:a:0:5054:ff:fe12:3456/64 dev eth0 nodad valid_lft 86400 preferred_lft 14400
            ip addr add 2001:db8:b::5/64 dev eth0 nodad valid_lft 86400 preferred_lft 0
            ip link add more type veth peer name end; ip link set more up; ip addr add 10.30.0.21/24 dev more
            bears() { echo "$1: $(grep -o '[^/ ]*site.yaml:.*also bears.*, which' said)"; }
            try() { apply second.yaml --keep 10.10.0.7 --confirm-within 0s 2> said; echo "applied $?"; bears apply; }
            try; grep -o 'help: write it at `eth0`.*' said
            policy status > said; echo "status $?"; bears status
            policy drift 2> said; echo "drift $?"; bears drift
            $gatehouse policy explain --site site.yaml --host app-01 --from app-01 --to 10.10.0.7 --port note > said 2>&1
            echo "explained $?"; bears explain
            $gatehouse policy prove --live --site site.yaml > said; echo "notes: $(grep -c ' note: .* also bears .*; write it' said)"
            for net in 10.10.0 10.10.9 10.20.0 10.30.0; do python3 send.py $net.21 $net.7; done
            ip link del more; ip addr del 2001:db8:a:0:5054:ff:fe12:3456/64 dev eth0
            sed -i 's#10.10.0.21/24#&, 10.10.9.21/24#' second.yaml; try; python3 send.py 10.10.9.21 10.10.9.7
            """
        )
        func told(_ act: String, _ file: String) -> String {
            """
            \(act): \(file):6:13: warning: `eth0` also bears 10.10.9.21, 2001:db8:a:0:5054:ff:fe12:3456, which
            \(file):4:5: warning: `more` also bears 10.30.0.21, which

            """
        }
        for words in [
            "applied 0\n\(told("apply", "site.yaml"))help: write it at `eth0` of `app-01`, or ",
            "`net.ipv6.conf.eth0.autoconf=0`\n", "status 0\n\(told("status", "1.site.yaml"))",
            "drift 0\n\(told("drift", "1.site.yaml"))", "explained 0\n\(told("explain", "site.yaml"))notes: 2\n",
            "10.10.0.21 sent\n10.10.9.21 dropped\n10.20.0.21 sent\n10.30.0.21 dropped\n",
            "applied 0\napply: \n10.10.9.21 sent\n",
        ] {
            #expect(result.output.contains(words), "\(words): \(result)")
        }
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
        #expect(result.error.contains("/typo: no ruleset was applied with it here; apply one, or"), "\(result)")
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
