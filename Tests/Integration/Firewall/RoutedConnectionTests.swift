import Testing

/// What becomes of open connections between two zones when the ruleset of the router between them changes: real packets,
/// by way of the router, which is neither end of them.
@Suite("Connections through a router", .patient, .enabled(if: NetworkOfOneHost.isPossible))
struct RoutedConnectionTests {
    /// A router between `$lan` with 10.1.0.9 and `$dmz` with 10.2.0.5.
    private static let between = """
        ip link del eth0; sysctl -qw net.ipv4.ip_forward=1
        trap 'kill $lan $dmz $server $talker 2>/dev/null' EXIT
        neighbour() {
            beside $1
            ip link add $1 type veth peer name near netns $there; ip link set $1 up; ip addr add $2.1/24 dev $1
            nsenter -t $there --net sh -ec "ip link set near up; ip addr add $3 dev near; ip route add default via $2.1"
        }
        put() { apply $1.yaml --keep 10.1.0.9 --confirm-within 0s; echo "$1 $?"; }
        neighbour lan 10.1.0 10.1.0.9/24
        neighbour dmz 10.2.0 10.2.0.5/24

        """

    /// Runs a script there, in a folder with these files by name.
    private static func script(_ text: String, beside files: [String: String]) throws -> ToolResult {
        let network = try NetworkOfOneHost()
        try network.directory.write(server, to: "server.py")
        for (name, text) in files { try network.directory.write(text, to: name) }
        return try network.script(between + text)
    }

    @Test("they go on under another ruleset that allows them, and those are cut that it does not")
    func passing() throws {
        let result = try Self.script(
            """
            put both
            nsenter -t $dmz --net python3 server.py & server=$!
            nsenter -t $lan --net python3 client.py > talk.txt & talker=$!
            await 'grep -q "start: both talk" talk.txt'
            put wider; touch wider; await 'grep -q "wider: end" talk.txt'
            put narrow; touch narrow; await 'grep -q "narrow: end" talk.txt'
            cat talk.txt
            """,
            beside: [
                "client.py": Self.client,
                "both.yaml": Self.site(services: "web, queue"),
                "wider.yaml": Self.site(services: "web, queue", more: Self.back),
                "narrow.yaml": Self.site(services: "web", more: Self.back),
            ]
        )
        let said = result.output
        #expect(said.contains("both 0\n") && said.contains("wider 0\n") && said.contains("narrow 0\n"), "\(result)")
        let talk =
            "start: both talk\nwider: 8080 talks\nwider: 9090 talks\nwider: end\n"
            + "narrow: 8080 talks\nnarrow: 9090 is silent\nnarrow: end\n"
        #expect(said.contains(talk), "\(result)")
        // Of three loads the last alone ended a connection, and one.
        let ended = said.split(separator: "\n").filter { $0.contains("that the rules closed was ended") }
        #expect(ended.count == 1 && ended[0].contains("1 connection that the rules closed was ended"), "\(result)")
        let wider = said.split(separator: "wider 0\n", maxSplits: 1)
        #expect(!wider[0].contains("ended"), "\(result)")
    }

    @Test("a forwarded port leads to the host behind, whose own port is shut, and goes on under another ruleset")
    func forwarded() throws {
        let forward = "  forward: [{ from: lan, in: people, service: way, to: 10.2.0.5, port: 8080 }]\n"
        let deny = Self.back + ", { from: 10.1.0.9, to: gate, services: way }"
        let result = try Self.script(
            """
            put one
            nsenter -t $dmz --net python3 server.py & server=$!
            nsenter -t $lan --net python3 caller.py > talk.txt & talker=$!
            await 'grep -q "direct" talk.txt'
            put other; touch other; await 'grep -q "end" talk.txt'
            cat talk.txt; put denied
            """,
            beside: [
                "caller.py": Self.caller,
                "one.yaml": Self.site(services: "queue") + forward,
                "other.yaml": Self.site(services: "queue", more: Self.back) + forward,
                "denied.yaml": Self.site(services: "queue", more: deny) + forward,
            ]
        )
        #expect(result.output.contains("one 0\n") && result.output.contains("other 0\n"), "\(result)")
        #expect(result.output.hasSuffix("1 connection that the rules closed was ended\ndenied 0\n"), "\(result)")
        #expect(result.output.contains("forwarded: talks\ndirect: shut\nother: talks\nend\n"), "\(result)")
    }

    /// What is denied besides: none of it is asked here, so that it is another ruleset alone.
    private static let back = ", { from: dmz, to: lan }"

    private static func site(services: String, more: String = "") -> String {
        """
        site: foobar.com
        networks: { lan: 10.1.0.0/24, dmz: 10.2.0.0/24 }
        hosts:
          gate:
            roles: [router]
            interfaces:
              lan: { zone: people, addresses: [10.1.0.1/24] }
              dmz: { zone: servers, addresses: [10.2.0.1/24] }
        services: { ssh: tcp/22, web: tcp/8080, queue: tcp/9090, way: tcp/2222 }
        firewall:
          allow:
            - { from: lan, to: gate, services: [ssh], in: people }
            - { from: lan, to: dmz, services: [\(services)], in: people, out: servers }
          deny: [{ from: 10.1.0.66, to: dmz }\(more)]

        """
    }

    private static let server = """
        import socketserver, threading
        class Echo(socketserver.BaseRequestHandler):
            def handle(self):
                while data := self.request.recv(100):
                    self.request.sendall(data)
        socketserver.ThreadingTCPServer.allow_reuse_address = True
        for port in (8080, 9090):
            server = socketserver.ThreadingTCPServer(("10.2.0.5", port), Echo)
            threading.Thread(target=server.serve_forever).start()

        """

    /// Calls the router's port, then the host's own, and talks once more when it is told to by a file.
    private static let caller = """
        import os, socket, time
        def talk(one, word):
            one.sendall(word)
            return "talks" if one.recv(100) == word else "ended"
        for _ in range(600):
            try:
                one = socket.create_connection(("10.1.0.1", 2222), 60)
                break
            except OSError:
                time.sleep(0.1)
        print("forwarded:", talk(one, b"one"), flush=True)
        try:
            socket.create_connection(("10.2.0.5", 8080), 2)
            print("direct: open", flush=True)
        except TimeoutError:
            print("direct: shut", flush=True)
        for _ in range(2400):
            if os.path.exists("other"):
                break
            time.sleep(0.05)
        print("other:", talk(one, b"other"), flush=True)
        print("end", flush=True)

        """

    /// Talks over both connections at the start, and again each time that it is told to by a file.
    private static let client = """
        import os, socket, sys, time
        def connect(port):
            for _ in range(600):
                try:
                    return socket.create_connection(("10.2.0.5", port), 60)
                except OSError:
                    time.sleep(0.1)
        both = {port: connect(port) for port in (8080, 9090)}
        for one in both.values():
            one.sendall(b"start")
            assert one.recv(100) == b"start"
        print("start: both talk", flush=True)
        for word in ("wider", "narrow"):
            end = time.monotonic() + 120
            while not os.path.exists(word):
                if time.monotonic() > end:
                    sys.exit("nobody told it to go on")
                time.sleep(0.05)
            for port, one in both.items():
                one.settimeout(2 if (word, port) == ("narrow", 9090) else 60)
                try:
                    one.sendall(word.encode())
                    print(f"{word}: {port}", "talks" if one.recv(100) == word.encode() else "ended", flush=True)
                except TimeoutError:
                    print(f"{word}: {port} is silent", flush=True)
            print(f"{word}: end", flush=True)

        """
}
