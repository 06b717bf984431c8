import Testing

/// What becomes of open connections when rules change, with a neighbour that talks to two ports.
@Suite("Connections that rules close", .patient, .enabled(if: NetworkOfOneHost.isPossible))
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
        #expect(result.output.contains("1 connection that the rules closed was ended"), "\(result)")
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
        #expect(result.output.contains("1 connection that the rules closed was ended"), "\(result)")
        #expect(result.output.contains("22 talks\n8080 is silent\nend"), "\(result)")
    }

    @Test("what an `apply` that was killed behind the load did not come to end, `confirm` ends")
    func killed() throws {
        let result = try run(
            """
            apply web.yaml --keep 203.0.113.7 --confirm-within 0s
            cp one.yaml site.yaml
            traced() { strace -qq -e trace=socket "$@" $gatehouse policy apply --site site.yaml --state $PWD/state \
                --keep 203.0.113.7 --confirm-within 600s; }
            talk; traced -o trace; policy rollback; kill $client; talk
            # The last socket is the one by which the connection is ended.
            traced -o /dev/null -e inject=socket:signal=KILL:when=$(grep -c ^socket trace); echo "killed $?"
            policy confirm
            """
        )
        let killed = "killed 137\n1 connection that the rules closed was ended\ngeneration 3 is kept\n"
        #expect(result.output.contains(killed), "\(result)")
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
        #expect(result.output.contains("1 connection that the rules closed was ended"), "\(result)")
        #expect(result.output.contains("22 talks\n8080 is silent\nend"), "\(result)")
    }

    @Test("a line that has ended closes nothing and lets nothing in any more, before and after")
    func ended() throws {
        let result = try run(
            """
            end='expires: 2020-01-01T00:00:00Z'; deny="  deny: [{ from: 203.0.113.7, to: all, $end }]"
            (cat web.yaml; echo "$deny") > before.yaml
            (cat one.yaml; echo "    - { from: office, to: all, services: [web], $end }"; echo "$deny") > after.yaml
            apply before.yaml --keep 203.0.113.7 --confirm-within 0s
            talk
            apply after.yaml --keep 203.0.113.7 --confirm-within 0s
            """
        )
        #expect(result.output.contains("1 connection that the rules closed was ended"), "\(result)")
        #expect(result.output.contains("22 talks\n8080 is silent\nend"), "\(result)")
    }

    @Test("one that the other end goes on with is ended, though the host may send out anything")
    func turned() throws {
        let result = try run(
            """
            allow='- { from: app-01, to: office }'
            for site in web one; do sed "s/  allow:/&\\n    $allow/" $site.yaml > wide-$site.yaml; done
            apply wide-web.yaml --keep 203.0.113.7 --confirm-within 0s
            talk ticks
            apply wide-one.yaml --keep 203.0.113.7 --confirm-within 0s
            """
        )
        #expect(result.output.contains("1 connection that the rules closed was ended"), "\(result)")
        #expect(result.output.contains("22 talks\n8080 is silent\nend"), "\(result)")
    }

    @Test("what was open before the first rules goes on, whoever began it, but for what these close")
    func first() throws {
        let result = try run(
            """
            allow='- { from: app-01, to: office, services: [back] }'
            sed "s/web: tcp.8080/&, back: tcp\\/9000/; s/  allow:/&\\n    $allow/" one.yaml > first.yaml
            talk ticks back
            apply first.yaml --keep 203.0.113.7 --confirm-within 0s
            """
        )
        #expect(result.output.contains("1 connection that the rules closed was ended"), "\(result)")
        #expect(result.output.contains("22 talks\n8080 is silent\n9000 talks\nend"), "\(result)")
    }

    @Test("a session whose server is gone goes on, and is not left alone with rules that bring nobody back in")
    func serverGone() throws {
        let result = try run(
            """
            talk; touch gone; await '! ss -Hltn "sport = :22" | grep -q .'
            export SSH_CONNECTION="203.0.113.7 5000 10.10.0.21 22"
            apply one.yaml --confirm-within 0s; echo "at once $?"; nft list tables
            apply one.yaml --confirm-within 600s; echo "watched $?"
            """
        )
        #expect(result.output.contains("(at 10.10.0.21, by eth0)\nat once 1\n203.0.113.7 would"), "\(result)")
        #expect(result.error.contains("no program listens on port 22 of this machine"), "\(result)")
        #expect(result.output.contains("watched 0\n"), "\(result)")
        #expect(result.output.contains("22 talks\n8080 is silent\nend"), "\(result)")
    }

    @Test("flows of protocols without ports are ended with the line that let them in, and only those")
    func protocols() throws {
        let result = try run(
            """
            services() { sed "s|services: .web.|services: [$1]|" zones.yaml > $2.yaml; }
            services 'esp, gre, ip/112' all; services gre one; services web none
            apply all.yaml --keep 203.0.113.7 --confirm-within 0s
            nsenter -t $peer --net python3 raw.py 50 47 112 99
            apply one.yaml --keep 203.0.113.7 --confirm-within 0s
            echo "of one"
            apply none.yaml --keep 203.0.113.7 --confirm-within 0s
            echo "of none"
            """,
            end: ""
        )
        let first = "2 connections that the rules closed were ended"
        let second = "1 connection that the rules closed was ended"
        let parts = result.output.split(separator: "of one").map(String.init)
        try #require(parts.count == 2, "\(result)")
        #expect(parts[0].contains(first) && parts[1].contains(second), "\(result)")
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
    /// still talk. With `ticks` the host goes on sending on that to 8080, with `back` it opens one to the neighbour's 9000.
    /// Once there is a file `gone`, nobody listens on 22 any more.
    private func run(
        _ script: String,
        end: String = "touch go; await 'grep -q end talk.txt'; cat talk.txt"
    ) throws -> ToolResult {
        let network = try NetworkOfOneHost()
        try network.directory.write(Self.server, to: "server.py")
        try network.directory.write(Self.client, to: "client.py")
        try network.directory.write(Self.raw, to: "raw.py")
        try network.directory.write(Self.zones, to: "zones.yaml")
        return try network.script(
            """
            trap 'kill $peer $server $client 2>/dev/null' EXIT; office
            python3 server.py & server=$!
            talk() { nsenter -t $peer --net python3 client.py $* > talk.txt & client=$!; await 'grep -q "both talk" talk.txt'; }
            \(script)
            \(end)
            """
        )
    }

    /// Sends the host a packet of each protocol.
    private static let raw = """
        import socket, sys
        for number in map(int, sys.argv[1:]):
            socket.socket(socket.AF_INET, socket.SOCK_RAW, number).sendto(bytes(8), ("10.10.0.21", 0))

        """

    private static let server = """
        import os, socket, socketserver, threading, time
        def tick(connection):
            try:
                while True:
                    connection.sendall(b".")
                    time.sleep(0.05)
            except OSError:
                pass
        def echo(connection):
            while data := connection.recv(100):
                connection.sendall(data)
                if data == b"ticks":
                    threading.Thread(target=tick, args=(connection,), daemon=True).start()
        class Echo(socketserver.BaseRequestHandler):
            def handle(self):
                echo(self.request)
        def call():
            while True:
                try:
                    return echo(socket.create_connection(("203.0.113.7", 9000), 60))
                except OSError:
                    time.sleep(0.1)
        threading.Thread(target=call, daemon=True).start()
        socketserver.ThreadingTCPServer.allow_reuse_address = True
        servers = {port: socketserver.ThreadingTCPServer(("10.10.0.21", port), Echo) for port in (22, 8080)}
        for server in servers.values():
            threading.Thread(target=server.serve_forever).start()
        while not os.path.exists("gone"):
            time.sleep(0.05)
        servers[22].shutdown()
        servers[22].socket.close()

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
        ticks, back = "ticks" in sys.argv, "back" in sys.argv
        if back:
            both[9000] = socket.create_server(("203.0.113.7", 9000)).accept()[0]
        for one in both.values():
            one.sendall(b"before")
            assert one.recv(100) == b"before"
        if ticks:
            both[8080].sendall(b"ticks")
            assert both[8080].recv(5) == b"ticks"
        print("both talk", flush=True)
        end = time.monotonic() + 120
        while not os.path.exists("go"):
            if time.monotonic() > end:
                sys.exit("nobody told it to go on")
            time.sleep(0.05)
        for port, one in both.items():
            one.settimeout(2 if port == 8080 else 60)
            try:
                if port == 8080 and ticks:
                    # What came before the rules did.
                    one.recv(1 << 20)
                    print(port, "talks" if one.recv(1 << 20) else "ended", flush=True)
                    continue
                one.sendall(b"after")
                print(port, "talks" if one.recv(100) == b"after" else "ended", flush=True)
            except TimeoutError:
                print(port, "is silent", flush=True)
        print("end", flush=True)

        """
}
