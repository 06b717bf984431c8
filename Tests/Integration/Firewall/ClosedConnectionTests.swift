import Testing

/// What becomes of open connections when rules change, with a neighbour that talks to two ports.
@Suite("Connections that rules close", .enabled(if: NetworkOfOneHost.isPossible))
struct ClosedConnectionTests {
    @Test("connections inside what was closed are ended, and only those")
    func applied() throws {
        let result = try run(
            """
            apply web.yaml --keep 203.0.113.7 --confirm-within 0s
            talk
            apply one.yaml --keep 203.0.113.7 --confirm-within 0s
            """
        )
        #expect(result.output.contains("1 connection that the rules closed ended"), "\(result)")
        #expect(result.output.contains("22 talks\n8080 is silent\nend"), "\(result)")
    }

    @Test("what only the undone ruleset let in is ended with it")
    func undone() throws {
        let result = try run(
            """
            apply one.yaml --keep 203.0.113.7 --confirm-within 0s
            apply web.yaml --keep 203.0.113.7 --confirm-within 600s
            talk
            policy rollback
            """
        )
        #expect(result.output.contains("1 connection that the rules closed ended"), "\(result)")
        #expect(result.output.contains("22 talks\n8080 is silent\nend"), "\(result)")
    }

    @Test("a connection by an interface that a line names no more is ended")
    func narrowed() throws {
        let result = try run(
            """
            apply zones.yaml --keep 203.0.113.7 --confirm-within 0s
            talk
            sed 's/services: \\[web\\]/&, in: inside/' zones.yaml > narrow.yaml
            apply narrow.yaml --keep 203.0.113.7 --confirm-within 0s
            """
        )
        #expect(result.output.contains("1 connection that the rules closed ended"), "\(result)")
        #expect(result.output.contains("22 talks\n8080 is silent\nend"), "\(result)")
    }

    private static let zones = """
        site: foobar.com
        networks: { office: [203.0.113.0/24] }
        hosts:
          app-01:
            roles: [app]
            interfaces:
              eth0: { zone: outside, addresses: [10.10.0.21/24] }
              eth9: { zone: inside, addresses: [10.20.0.21/24] }
        services: { ssh: tcp/22, web: tcp/8080 }
        firewall:
          defences: { bogons: false }
          allow:
            - { from: office, to: all, services: [ssh] }
            - { from: office, to: all, services: [web] }

        """

    /// Runs a script beside a neighbour, 203.0.113.7. `talk` has it open its connections; at the end it says which of them
    /// still talk.
    private func run(_ script: String) throws -> ToolResult {
        let network = try NetworkOfOneHost()
        try network.directory.write(Self.server, to: "server.py")
        try network.directory.write(Self.client, to: "client.py")
        try network.directory.write(Self.zones, to: "zones.yaml")
        return try network.script(
            """
            own=$(readlink /proc/$$/ns/net)
            unshare --net sleep 600 & peer=$!
            trap 'kill $peer $server $client 2>/dev/null' EXIT
            await 'test "$(readlink /proc/$peer/ns/net)" != "$own"'
            ip link set eth1 netns $peer
            nsenter -t $peer --net bash -c 'ip addr add 203.0.113.7/24 dev eth1; ip link set eth1 up; ip route add default dev eth1'
            python3 server.py & server=$!
            talk() { nsenter -t $peer --net python3 client.py > talk.txt & client=$!; await 'grep -q "both talk" talk.txt'; }
            \(script)
            touch go; await 'grep -q end talk.txt'; cat talk.txt
            """
        )
    }

    private static let server = """
        import socketserver, threading
        class Echo(socketserver.BaseRequestHandler):
            def handle(self):
                while data := self.request.recv(100):
                    self.request.sendall(data)
        socketserver.ThreadingTCPServer.allow_reuse_address = True
        for port in (22, 8080):
            server = socketserver.ThreadingTCPServer(("10.10.0.21", port), Echo)
            threading.Thread(target=server.serve_forever).start()

        """

    private static let client = """
        import os, socket, sys, time
        def connect(port):
            for _ in range(600):
                try:
                    return socket.create_connection(("10.10.0.21", port), 60)
                except OSError:
                    time.sleep(0.1)
        both = {port: connect(port) for port in (22, 8080)}
        for one in both.values():
            one.sendall(b"before")
            assert one.recv(100) == b"before"
        print("both talk", flush=True)
        end = time.monotonic() + 120
        while not os.path.exists("go"):
            if time.monotonic() > end:
                sys.exit("nobody told it to go on")
            time.sleep(0.05)
        for port, one in both.items():
            one.settimeout(60 if port == 22 else 2)
            try:
                one.sendall(b"after")
                print(port, "talks" if one.recv(100) == b"after" else "ended", flush=True)
            except TimeoutError:
                print(port, "is silent", flush=True)
        print("end", flush=True)

        """
}
