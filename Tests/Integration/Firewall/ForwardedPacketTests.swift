import Testing

/// What else belongs to a forwarded port, with real packets: errors that come back by ICMP, and connections from the
/// network of the host that the port leads to.
@Suite("Packets of forwarded ports", .patient, .enabled(if: NetworkOfOneHost.isPossible))
struct ForwardedPacketTests {
    @Test("an error of the host behind, or of the way there, comes back with the addresses that the client knows")
    func errors() throws {
        let result = try run(
            """
              forward: [{ from: lan, in: people, service: ask, to: 10.2.0.5, port: 5353 }]
            """,
            """
            ip link set dmz mtu 1300
            at $lan python3 client.py mtu 10.1.0.1 53; at $lan python3 client.py refused 10.1.0.1 53
            at $lan python3 client.py refused 10.2.0.5 5353
            """
        )
        // Whose port nobody forwarded is let through to by nobody, and so hears nothing.
        let expected = "10.1.0.1 53: 1300\n10.1.0.1 53: refused\n10.2.0.5 5353: silent\n"
        #expect(result.output.hasSuffix(expected), "\(result)")
    }

    @Test("who is in the network of the host behind comes by the router's address, where a masquerade leads back")
    func hairpin() throws {
        let forward = "  forward: [{ from: lan, in: people, service: way, to: 10.1.0.5, port: 8080 }]\n"
        let talk = """
            nsenter -t $lan --net python3 server.py > server.txt & server=$!; await 'grep -q ready server.txt'
            at $lan python3 client.py talk 10.1.0.1 2222; cat server.txt
            """
        let alone = try run(forward, talk)
        #expect(alone.output.hasSuffix("10.1.0.1 2222: silent\nready\n"), "\(alone)")
        let both = try run(forward + "  masquerade: [{ from: lan, to: 10.1.0.5, out: people }]\n", talk)
        #expect(both.output.hasSuffix("10.1.0.1 2222: talks\nready\nfrom 10.1.0.1\n"), "\(both)")
    }

    @Test("a deny of the router's port keeps whom it names from the host behind, and nobody else")
    func denied() throws {
        let result = try run(
            """
              forward: [{ from: lan, in: people, service: way, to: 10.2.0.5, port: 8080 }]
              deny: [{ id: rude, from: 10.1.0.9, to: gate, services: way }]
            """,
            """
            sed s/10.1.0.5/10.2.0.5/ server.py > behind.py; sed s/10.1.0.9/10.1.0.5/ client.py > other.py
            nsenter -t $dmz --net python3 behind.py > server.txt & server=$!; await 'grep -q ready server.txt'
            table | grep -c 'counter packets 0 .*comment "rude'
            at $lan python3 client.py talk 10.1.0.1 2222; at $lan python3 other.py talk 10.1.0.1 2222; cat server.txt
            table | grep -c 'counter packets 0 .*comment "rude'
            """
        )
        let expected = "1\n10.1.0.1 2222: silent\n10.1.0.1 2222: talks\nready\nfrom 10.1.0.5\n0\n"
        #expect(result.output.hasSuffix(expected), "\(result)")
    }

    /// A router between two networks; what it is to forward is applied, and proved of the kernel's rules.
    private func run(_ lines: String, _ script: String) throws -> ToolResult {
        let network = try NetworkOfOneHost()
        try network.directory.write(Self.site + lines + "\n", to: "gate.yaml")
        try network.directory.write(Self.client, to: "client.py")
        try network.directory.write(Self.server, to: "server.py")
        return try network.script(
            """
            ip link del eth0; sysctl -qw net.ipv4.ip_forward=1
            trap 'kill $lan $dmz $server 2>/dev/null' EXIT
            at() { nsenter -t $1 --net "${@:2}"; }
            neighbour() {
                beside $1
                ip link add $1 type veth peer name near netns $there; ip link set $1 up; ip addr add $2.1/24 dev $1
                at $there sh -ec "ip link set lo up; ip link set near up; ip addr add $2.5/24 dev near
                    ip addr add $2.9/24 dev near; ip route add default via $2.1 src $2.9"
            }
            neighbour lan 10.1.0
            neighbour dmz 10.2.0
            apply gate.yaml --keep 10.1.0.9 --confirm-within 0s || echo "not applied: $?"
            policy drift
            \(script)
            """
        )
    }

    private static let site = """
        site: foobar.com
        networks: { lan: 10.1.0.0/24, dmz: 10.2.0.0/24 }
        hosts:
          gate:
            roles: [router]
            interfaces:
              lan: { zone: people, addresses: [10.1.0.1/24] }
              dmz: { zone: servers, addresses: [10.2.0.1/24] }
        services: { ssh: tcp/22, way: tcp/2222, ask: udp/53 }
        firewall:
          allow: [{ from: lan, to: gate, services: [ssh], in: people }]

        """

    /// Tells the port's answer, the way's greatest packet, or whether a connection talks.
    private static let client = """
        import errno, socket, sys, time
        what, to, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
        IP_MTU_DISCOVER, IP_PMTUDISC_DO, IP_MTU = 10, 2, 14
        def asked():
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
                one.bind(("10.1.0.9", 0))
                one.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO)
                one.settimeout(0.2)
                one.connect((to, port))
                for _ in range(20):
                    try:
                        one.send(bytes(1400 if what == "mtu" else 10))
                        one.recv(10)
                    except ConnectionRefusedError:
                        return "refused"
                    except TimeoutError:
                        pass
                    except OSError as error:
                        if error.errno == errno.EMSGSIZE:
                            return one.getsockopt(socket.IPPROTO_IP, IP_MTU)
                        raise
                return "silent"
        def talks():
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as one:
                one.bind(("10.1.0.9", 0))
                one.settimeout(3)
                try:
                    one.connect((to, port))
                    one.sendall(b"word")
                    return "talks" if one.recv(10) == b"word" else "ended"
                except TimeoutError:
                    return "silent"
        print(f"{to} {port}: {talks() if what == 'talk' else asked()}", flush=True)

        """

    /// Says who comes, and says again what he says.
    private static let server = """
        import socket
        listener = socket.create_server(("10.1.0.5", 8080))
        print("ready", flush=True)
        while True:
            peer, place = listener.accept()
            print("from", place[0], flush=True)
            peer.sendall(peer.recv(10))

        """
}
