import Foundation
import Testing

/// What `log` and `log-dropped` leave behind of real packets.
@Suite("Lines of the log", .patient, .enabled(if: NetworkOfOneHost.isPossible))
struct LogTests {
    /// A host of which one line lets in to port 22 and logs that, and a neighbour that knocks at ports.
    private static let knocking = """
        trap 'kill $peer $listener 2>/dev/null' EXIT; office
        there() { nsenter -t $peer --net "$@"; }
        sed -i 's/services: \\[ssh, web\\] }/services: [ssh], log: true }/' web.yaml
        echo '    - { from: office, to: all, services: [web] }' >> web.yaml
        apply web.yaml --keep 203.0.113.7 --confirm-within 0s
        knock() { there timeout 1 bash -c "< /dev/tcp/10.10.0.21/$1" 2> /dev/null; }

        """

    @Test("what a line with `log` is about, and what nothing lets through, is logged by name, and nothing else")
    func names() throws {
        let network = try NetworkOfOneHost()
        try network.directory.write(Self.listener, to: "listener.py")
        // The same statements, but for where they write to.
        let result = try network.script(
            Self.knocking + """
                (echo 'delete table inet gatehouse'; nft -s list table inet gatehouse) > logged.nft
                sed -i 's/log prefix "[^"]*"/& group 7/' logged.nft
                nft -f logged.nft || { echo "no group"; exit; }
                python3 listener.py > log.txt & listener=$!; await 'grep -q ready log.txt'
                knock 22; knock 8080; knock 9090; await 'grep -q 9090 log.txt'; sort -u log.txt
                """
        )
        if result.output.hasSuffix("no group\n") { return print("not tried: this kernel has no log groups") }
        #expect(result.output.hasSuffix("\ndefault: to port 9090\noffice-in: to port 22\nready\n"), "\(result)")
    }

    /// Prints the prefix and the port of each packet of TCP over IPv4 that is logged to group 7 (nfnetlink_log).
    private static let listener = """
        import socket, struct, sys
        one = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
        def attribute(kind, data):
            return struct.pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)
        def configure(data):
            body = struct.pack("!BBH", 0, 0, 7) + data
            one.send(struct.pack("=IHHII", 16 + len(body), 4 << 8 | 1, 5, 1, 0) + body)
            code = struct.unpack_from("=i", one.recv(4096), 16)[0]
            if code:
                sys.exit(f"error {code}")
        BIND, COPY_PACKET = b"\\x01", struct.pack("!IBB", 100, 2, 0)
        configure(attribute(1, BIND))
        configure(attribute(2, COPY_PACKET) + attribute(5, struct.pack("!I", 1)))
        print("ready", flush=True)
        while True:
            data = one.recv(1 << 16)
            while len(data) >= 20:
                length, kind = struct.unpack_from("=IH", data)
                rest, found, data = data[20:length], {}, data[(length + 3) & ~3:]
                while kind == 4 << 8 and len(rest) >= 4:
                    size, name = struct.unpack_from("=HH", rest)
                    found[name] = rest[4:size]
                    rest = rest[(size + 3) & ~3:]
                packet = found.get(9, b"")
                if packet[:1] == b"\\x45" and packet[9] == 6:
                    port = struct.unpack_from("!H", packet, 22)[0]
                    print(found[10].rstrip(b"\\0").decode() + f"to port {port}", flush=True)

        """

    @Test("such a line arrives in the kernel's log", .enabled(if: LogTests.isLogged))
    func kernelLog() throws {
        let result = try NetworkOfOneHost().script(
            "id=office-$$; sed -i s/office-in/$id/ web.yaml\n" + Self.knocking + """
                knock 22; await 'dmesg | grep -q "$id: .*DPT=22 "'; echo "there $?"
                """
        )
        #expect(result.output.hasSuffix("there 0\n"), "\(result)")
    }

    /// Whether the kernel writes a line for packets of a namespace; only the machine's owner may switch that on.
    static let isLogged: Bool = {
        let setting = try? String(contentsOfFile: "/proc/sys/net/netfilter/nf_log_all_netns", encoding: .utf8)
        guard setting != "1\n" else { return true }
        print("skipped: the kernel's log has no line of a namespace (net.netfilter.nf_log_all_netns)")
        return false
    }()
}
