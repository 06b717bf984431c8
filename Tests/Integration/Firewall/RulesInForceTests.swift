import Testing

/// What a ruleset that was applied does with connections that somebody really begins, from another network.
@Suite("Rules in force", .patient, .enabled(if: NetworkOfOneHost.isPossible))
struct RulesInForceTests {
    /// `knock PORT` says whether a connection from 203.0.113.7, which is `office`, comes about; something listens on 22 and
    /// 8080. `hold PORT` begins one that stays.
    private static let office = """
        unshare --net sleep 300 & peer=$!
        await '[ $(readlink /proc/$peer/ns/net) != $(readlink /proc/$$/ns/net) ]'
        ip link set eth1 netns $peer
        inside() { nsenter --net=/proc/$peer/ns/net "$@"; }
        inside ip link set eth1 up; inside ip addr add 203.0.113.7/32 dev eth1; inside ip route add 10.10.0.0/24 dev eth1
        python3 -c '
        import selectors, socket
        all = selectors.DefaultSelector()
        for port in (22, 8080):
            all.register(socket.create_server(("", port), backlog=64), selectors.EVENT_READ)
        kept = []
        while True:
            for key, _ in all.select():
                kept.append(key.fileobj.accept())
        ' & server=$!
        await 'ss -Hltn sport = 8080 | grep -q .'
        begin='import socket, sys; one = socket.create_connection(("10.10.0.21", int(sys.argv[1])), 1); print("in", flush=True)'
        knock() { inside python3 -c "$begin" $1 2> /dev/null || echo out; }
        hold() { inside python3 -c "$begin; sys.stdin.read()" $1 < <(sleep 300) 2> /dev/null & }
        trap 'kill $peer $server $(jobs -p) 2> /dev/null' EXIT

        """

    private static func site(_ rules: String) -> String {
        """
        cat > rules.yaml <<END
        site: foobar.com
        networks: { office: [203.0.113.0/24] }
        hosts: { app-01: { roles: [app], addresses: [10.10.0.21/24] } }
        services: { ssh: tcp/22, web: tcp/8080 }
        firewall:
          allow:
            - { from: office, to: all, services: [ssh] }
            - { id: web, from: office, to: all, services: [web], \(rules) }
        END
        apply rules.yaml --keep 203.0.113.7 --confirm-within 0s || exit 98

        """
    }

    @Test("a rule with `expires` lets in until then, and not afterwards, by itself")
    func expires() throws {
        let result = try NetworkOfOneHost().script(
            Self.office + "end=$(($(date +%s) + 15))\n"
                + Self.site("expires: $(date -u -d @$end +%Y-%m-%dT%H:%M:%SZ)") + """
                    echo "first $(knock 8080)"; await '[ $(date +%s) -gt $end ]'; echo "then $(knock 8080)"
                    echo "ssh $(knock 22)"
                    """
        )
        for words in ["first in\n", "then out\n", "ssh in\n"] {
            #expect(result.output.contains(words), "\(words): \(result)")
        }
    }

    @Test("a rate of new connections holds for a source, and each rule counts the connections that it lets in")
    func rate() throws {
        let result = try NetworkOfOneHost().script(
            Self.office + Self.site("limit: { rate: 2/h, burst: 2 }") + """
                echo "rate $(knock 8080) $(knock 8080) $(knock 8080) $(knock 22)"
                policy status | grep '^office_all_ssh: '
                """
        )
        #expect(result.output.contains("rate in in out in\n"), "\(result)")
        // What follows the first packet of a connection is no rule's any more.
        #expect(result.output.contains("office_all_ssh: 1 packets"), "\(result)")
    }

    @Test("so many connections at a time hold for a source")
    func connections() throws {
        let result = try NetworkOfOneHost().script(
            Self.office + Self.site("limit: { connections: 2 }") + """
                hold 8080; hold 8080
                await '[ $(ss -Htn state established sport = 8080 | wc -l) = 2 ]'
                echo "third $(knock 8080) $(knock 22)"
                """
        )
        #expect(result.output.contains("third out in\n"), "\(result)")
    }

    @Test("what packets put into sets lives on when elements of other sets change")
    func dynamicSets() throws {
        let rules = Self.site("limit: { rate: 2/h, burst: 2 }").replacing(
            "[203.0.113.0/24]",
            with: "[203.0.113.0/24, 192.0.2.8/29, 192.0.2.32/29$more]"
        )
        let result = try NetworkOfOneHost().script(
            Self.office + "more=\n" + rules + "echo \"before $(knock 8080) $(knock 8080) $(knock 8080)\"\n"
                + "more=', 192.0.2.128/29'\n" + rules + """
                    echo "after $(knock 8080)"
                    policy status --json | python3 -c 'import json, sys; one = json.load(sys.stdin)["confirmed"]; print(len(one["hash"]), one["generation"], one["applied"] > 1e9)'
                    """
        )
        for words in ["before in in out\n", "elements of sets alone were changed", "after out\n", "64 2 True\n"] {
            #expect(result.output.contains(words), "\(words): \(result)")
        }
    }
}
