/// A name server on a port of 127.0.0.1 that answers from a file of lines `NAME ADDRESS TTL`, read at each question.
final class NameServerTool {
    let port: UInt16
    private let directory: TemporaryDirectory
    private let process: ChildProcess

    init(_ names: String, in directory: TemporaryDirectory) throws {
        self.directory = directory
        port = try Ports.free()
        try directory.write(names, to: "names")
        try directory.write(Self.script, to: "dns.py")
        process = try ChildProcess(
            "/usr/bin/python3",
            [directory.path("dns.py"), "\(port)", directory.path("names")],
            in: directory,
            name: "dns"
        )
        try eventually("the name server is there") { process.standardOutput.contains("ready") }
    }

    func write(_ names: String) throws { try directory.write(names, to: "names") }

    private static let script = """
        import ipaddress, socket, struct, sys
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        server.bind(("127.0.0.1", int(sys.argv[1])))
        print("ready", flush=True)
        while True:
            query, peer = server.recvfrom(2048)
            labels, at = [], 12
            while query[at]:
                labels.append(query[at + 1:at + 1 + query[at]].decode())
                at += 1 + query[at]
            kind = struct.unpack("!H", query[at + 1:at + 3])[0]
            lines = [line.split() for line in open(sys.argv[2]) if line.strip()]
            known = [line for line in lines if line[0] == ".".join(labels).lower()]
            records = b""
            count = 0
            for _, text, ttl in known:
                address = ipaddress.ip_address(text)
                if kind == {4: 1, 6: 28}[address.version]:
                    count += 1
                    records += struct.pack("!HHHIH", 0xC00C, kind, 1, int(ttl), len(address.packed)) + address.packed
            code = 0 if known else 3
            head = query[:2] + struct.pack("!HHHHH", 0x8180 | code, 1, count, 0, 0)
            server.sendto(head + query[12:at + 5] + records, peer)
        """
}
