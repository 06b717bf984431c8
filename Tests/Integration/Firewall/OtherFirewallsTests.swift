import Testing

/// Beside the rules that firewalld, ufw and Docker make: Tests/Tools/foreign-rules, as they were read back from the
/// kernel where the real ones ran.
@Suite("Other firewalls", .enabled(if: NetworkOfOneHost.isPossible))
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
}
