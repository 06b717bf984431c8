import Testing

/// The office's router of Policies/office-router.yaml with real packets: the provider gives it an address of which the
/// site file knows nothing, in a network that nobody on the internet has.
@Suite("A router by DHCP", .patient, .enabled(if: NetworkOfOneHost.isPossible))
struct RouterByDHCPTests {
    @Test("what comes to its own addresses is forwarded, and nothing else; answers come in, bogons begin nothing")
    func office() throws {
        let network = try NetworkOfOneHost()
        try network.directory.write(Self.server, to: "server.py")
        try network.directory.write(Self.client, to: "client.py")
        let result = try network.script(
            """
            ip link del eth0
            trap 'kill $internet $lan $wifi $servers 2>/dev/null' EXIT
            neighbour() {
                beside $1
                ip link add $2 type veth peer name near netns $there; ip link set $2 up; ip addr add $3 dev $2; shift 3
                nsenter -t $there --net sh -ec '
                    ip link set lo up; ip link set near up; via=$1; shift
                    for address; do ip addr add $address dev near; done
                    ip route add default via $via' - "$@"
            }
            neighbour internet wan 198.18.5.1/24 198.18.5.1 198.18.5.2/24 198.51.100.8/32 8.8.8.8/32
            neighbour lan lan 192.168.10.1/24 192.168.10.1 192.168.10.5/24 192.168.10.50/24
            neighbour wifi wifi 192.168.20.1/24 192.168.20.1 192.168.20.50/24
            ip route add default via 198.18.5.2; sysctl -qw net.ipv4.ip_forward=1
            $gatehouse policy compile --site \(Self.site) --host router > router.nft && nft -f router.nft
            at() { nsenter -t $1 --net "${@:2}"; }
            python3 server.py router 51820 & servers=$!
            at $internet python3 server.py internet 443 & servers="$servers $!"
            at $lan python3 server.py files 22 & servers="$servers $!"
            try() { at $1 python3 client.py "${@:2}"; }
            try $internet tcp 198.51.100.8 198.18.5.1 2222
            try $internet tcp 198.51.100.8 192.168.10.1 2222
            try $lan tcp 192.168.10.50 198.18.5.2 443
            python3 client.py tcp 198.18.5.1 198.18.5.2 443
            try $internet udp 8.8.8.8 198.18.5.1 51820
            try $internet tcp 198.51.100.8 192.168.20.50 2222 once & one=$!
            try $internet tcp 8.8.8.8 198.18.5.1 2222 once & two=$!
            try $internet udp 198.18.5.2 198.18.5.1 51820 once & three=$!
            wait $one $two $three
            TZ=UTC nft -j list ruleset > held.json
            explain() { $gatehouse policy explain --site \(Self.site) --host router --held held.json "$@"; }
            explain --from 198.51.100.8 --to 198.18.5.1 --port 2222 > words; echo "explain $?"
            grep -oE 'sent to .* port 22|the kernel: .*|changes the destination .*|files input' words
            explain --from 8.8.8.8 --to 198.18.5.1 --port 2222 --json | grep -cE '"let-through": false|"kernel": "dropped"'
            """
        )
        let expected = [
            "198.51.100.8 to 198.18.5.1 tcp 2222: files", "198.51.100.8 to 192.168.10.1 tcp 2222: files",
            "192.168.10.50 to 198.18.5.2 tcp 443: internet", "198.18.5.1 to 198.18.5.2 tcp 443: internet",
            "8.8.8.8 to 198.18.5.1 udp 51820: router", "198.51.100.8 to 192.168.20.50 tcp 2222: silent",
            "8.8.8.8 to 198.18.5.1 tcp 2222: silent", "198.18.5.2 to 198.18.5.1 udp 51820: silent",
            "explain 0", "sent to 192.168.10.5 port 22", "the kernel: accepted",
            "changes the destination to 192.168.10.5:22", "files input", "2",
        ]
        let found = result.output.split(separator: "\n").map(String.init)
        #expect(found.sorted() == expected.sorted(), "\(result)")
    }

    private static let site =
        #filePath.split(separator: "/").dropLast(4).reduce("") { $0 + "/" + $1 } + "/Policies/office-router.yaml"

    /// Says its name to whoever comes to the port, by TCP and by UDP.
    private static let server = """
        import socket, sys, threading
        name, port = sys.argv[1].encode(), int(sys.argv[2])
        stream = socket.create_server(("0.0.0.0", port), backlog=50)
        datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        datagrams.bind(("0.0.0.0", port))
        def answer():
            while True:
                datagrams.sendto(name, datagrams.recvfrom(100)[1])
        threading.Thread(target=answer).start()
        while True:
            peer, _ = stream.accept()
            peer.sendall(name)
            peer.close()

        """

    /// Asks again and again, or once when nobody is to answer.
    private static let client = """
        import socket, sys, time
        kind, source, to, port = *sys.argv[1:4], int(sys.argv[4])
        def ask():
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM) as one:
                one.settimeout(2)
                one.bind((source, 0))
                one.connect((to, port))
                if kind == "udp":
                    one.sendall(b"who")
                return one.recv(100).decode()
        answer = "silent"
        for _ in range(1 if sys.argv[5:] else 25):
            try:
                answer = ask()
                break
            except ConnectionError:
                time.sleep(0.1)
            except OSError:
                pass
        print(f"{source} to {to} {kind} {port}: {answer}", flush=True)

        """
}
