import Foundation
import Testing

/// What a limit lets through of real packets, and what `policy status` tells of it.
@Suite("Limits and connections", .patient, .enabled(if: NetworkOfOneHost.isPossible))
struct LimitedConnectionTests {
    @Test("a connection counts once, also where nobody answers, and what the limit drops is counted apart")
    func oneWay() throws {
        let network = try NetworkOfOneHost()
        try network.directory.write(Self.site, to: "limited.yaml")
        try network.directory.write(Self.receiver, to: "receiver.py")
        try network.directory.write(Self.sender, to: "sender.py")
        let result = try network.script(
            """
            own=$(readlink /proc/$$/ns/net); ip link del eth0; trap 'kill $there $receiver 2>/dev/null' EXIT
            unshare --net sleep 600 & there=$!
            await 'test "$(readlink /proc/$there/ns/net)" != "$own"'
            ip link add lan type veth peer name near netns $there; ip link set lan address 02:00:00:00:00:01 up; ip addr add 10.1.0.1/24 dev lan
            nsenter -t $there --net sh -ec "ip link set near up; ip addr add 10.1.0.9/24 dev near
                ip neigh add 10.1.0.1 lladdr 02:00:00:00:00:01 dev near"
            apply limited.yaml --keep 10.1.0.9 --confirm-within 0s; echo "limited $?"
            python3 receiver.py > arrived.txt & receiver=$!
            await 'grep -q ready arrived.txt'
            nsenter -t $there --net python3 sender.py one; await 'grep -q "one: end" arrived.txt'
            nsenter -t $there --net python3 sender.py many; await 'grep -q "many: end" arrived.txt'
            cat arrived.txt; policy status | grep '^flow'
            """
        )
        func number(_ prefix: String, _ suffix: String) throws -> Int {
            let line = try #require(result.output.split(separator: "\n").first { $0.hasPrefix(prefix) }, "\(result)")
            let rest = try #require(line.components(separatedBy: suffix).first, "\(result)")
            return try #require(rest.split(separator: " ").last.flatMap { Int($0) }, "\(result)")
        }
        #expect(result.output.contains("limited 0\n"), "\(result)")
        #expect(try number("one:", " arrived") == 40, "\(result)")
        // A token comes back every six seconds.
        let many = try number("many:", " arrived")
        #expect((9..<30).contains(many), "\(result)")
        #expect(try number("flow:", " packets") == 40 + many, "\(result)")
        #expect(try number("flow:", " above its rate") == 40 - many, "\(result)")
    }

    private static let site = """
        site: foobar.com
        hosts:
          h: { interfaces: { lan: { zone: inside, addresses: [10.1.0.1/24] } } }
        services: { ssh: tcp/22, flow: udp/99, end: udp/98 }
        firewall:
          allow:
            - { from: any, to: h, services: [ssh, end] }
            - { id: flow, from: any, to: h, services: flow, limit: 10/m }

        """

    /// Counts what comes, and answers nobody; what comes to the other port is told.
    private static let receiver = """
        import select, socket
        flow, end = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        flow.bind(("10.1.0.1", 99))
        end.bind(("10.1.0.1", 98))
        print("ready", flush=True)
        while True:
            word = end.recv(100).decode()
            count = 0
            while select.select([flow], [], [], 0)[0]:
                flow.recv(100)
                count += 1
            print(word + ":", count, "arrived", flush=True)
            print(word + ": end", flush=True)

        """

    /// Forty datagrams by one socket, or by one each; the last word goes the same way after them.
    private static let sender = """
        import socket, sys
        def udp():
            return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        one = udp()
        sockets = []
        for _ in range(40):
            socket_ = one if sys.argv[1] == "one" else udp()
            sockets.append(socket_)
            socket_.sendto(b"x", ("10.1.0.1", 99))
        udp().sendto(sys.argv[1].encode(), ("10.1.0.1", 98))

        """
}
