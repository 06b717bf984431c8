import Testing

/// Beside the real firewalld and ufw of Debian, and a neighbour, 203.0.113.7, that comes in.
@Suite("Beside Debian's firewalls", .patient, .enabled(if: NetworkOfOneHost.hasFirewalls))
struct DebianFirewallsTests {
    /// `comes` tells whether the neighbour gets to port 22.
    private static let neighbour = """
        office
        python3 -m http.server 22 --bind 10.10.0.21 > server.txt 2>&1 & server=$!
        trap 'kill $peer $server' EXIT
        connect() { nsenter -t $peer --net timeout $1 bash -c '< /dev/tcp/10.10.0.21/22' 2> /dev/null; }
        await 'connect 60'
        comes() { if connect $2; then echo "$1: comes in"; else echo "$1: does not come in"; fi; }
        prove() { TZ=UTC nft -j list ruleset > held.json; $gatehouse policy prove --site site.yaml --held app-01=held.json; }

        """

    @Test("firewalld: what it drops is told, its reload is no drift, and what is taken away from it is")
    func firewalld() throws {
        let result = try NetworkOfOneHost().script(
            Self.neighbour + """
                apply one.yaml --keep 203.0.113.7 --confirm-within 0s; echo "ssh $?"; comes applied 60
                policy drift; echo "same $?"; firewall-cmd --quiet --reload; policy drift; echo "reloaded $?"
                prove; echo "held $?"
                apply three.yaml --keep 203.0.113.7 --keep-port 2222; echo "other port $?"
                firewall-cmd --quiet --add-forward-port=port=22:proto=tcp:toaddr=10.10.0.99
                apply two.yaml --keep 203.0.113.7; echo "elsewhere $?"
                firewall-cmd --quiet --reload
                firewall-cmd --quiet --remove-service=ssh; policy drift; echo "removed $?"; comes removed 1
                apply two.yaml --keep 203.0.113.7; echo "without ssh $?"
                """,
            beside: "firewalld"
        )
        #expect(result.error.contains("warning: firewalld is running (table inet firewalld"), "\(result)")
        #expect(result.error.contains("which our rules accept, may be dropped by others' (inet firewalld"), "\(result)")
        for words in [
            "ssh 0\n", "applied: comes in\n", "same 0\n", "reloaded 0\n", "held 1\n", "other port 1\n", "elsewhere 1\n",
            "table inet firewalld, which is not ours, was changed", "removed 1\n", "removed: does not come in\n",
            "without ssh 1\n",
        ] {
            #expect(result.output.contains(words), "\(words): \(result)")
        }
        #expect(result.error.contains("sends it to 10.10.0.99"), "\(result)")
    }

    @Test("ufw: it is known to be enabled, and that nothing about the way in is proved; what is changed in it is drift")
    func ufw() throws {
        let result = try NetworkOfOneHost().script(
            Self.neighbour + """
                quietly() { "$@" > quiet.txt; }
                quietly ufw allow 22/tcp; quietly ufw --force enable
                apply one.yaml --keep 203.0.113.7; echo "unknown $?"
                apply one.yaml --keep 203.0.113.7 --unproved --confirm-within 0s; echo "trusted $?"; comes applied 60
                policy drift; echo "same $?"; quietly ufw reload; policy drift; echo "reloaded $?"
                prove; echo "held $?"
                quietly ufw delete allow 22/tcp; policy drift; echo "deleted $?"; comes deleted 1
                quietly ufw disable; policy drift; echo "disabled $?"; table | grep -c 'dport 22 '
                """,
            beside: "ufw"
        )
        #expect(result.error.contains("warning: ufw is enabled (table ip filter, ip6 filter)"), "\(result)")
        for words in [
            "unknown 1\n", "trusted 0\n", "applied: comes in\n", "same 0\n", "reloaded 0\n", "held 1\n", "deleted 1\n",
            "deleted: does not come in\n", "disabled 1\n1\n",
        ] {
            #expect(result.output.contains(words), "\(words): \(result)")
        }
    }
}
