import Firewall
import Site
import Testing

@Suite("Connections that a change of the rules closed")
struct ClosedConnectionsTests {
    /// What `ClosedConnections` is to answer, by every interface and the whole of the rules.
    private struct EveryPair {
        let before: HostIntent?
        let after: HostIntent
        let own: Set<IPAddress>
        let ways: (IPAddress) -> [String]?

        func contains(_ connection: TrackedConnection) -> Bool {
            if let isClosed = closes(connection) { return isClosed }
            guard case .v6 = connection.source else { return false }
            return closes(TrackedConnection(from: connection.source, to: connection.destination, .ah)) ?? false
        }

        private func closes(_ connection: TrackedConnection) -> Bool? {
            let path: PacketPath
            switch (own.contains(connection.source), own.contains(connection.destination)) {
            case (true, true): return false
            case (false, true): path = .input
            case (true, false): path = .output
            case (false, false): path = .forward
            }
            let names = ((before?.interfaces ?? []) + after.interfaces).map(\.name) + ["/"]
            let everywhere = fates(connection, path, names, names)
            if !everywhere.contains(where: { $0.before }) { return nil }
            if !everywhere.contains(where: { $0.before && !$0.after }) { return false }
            if everywhere.allSatisfy({ $0.before && !$0.after }) { return true }
            let inputs = path == .output ? ["/"] : ways(connection.source)
            let outputs = path == .input ? ["/"] : ways(connection.destination)
            guard let inputs, let outputs else { return true }
            let fates = fates(connection, path, inputs, outputs)
            return fates.contains { $0.before } && !fates.contains { $0.after }
        }

        private func fates(
            _ connection: TrackedConnection,
            _ path: PacketPath,
            _ inputs: [String],
            _ outputs: [String]
        ) -> [(before: Bool, after: Bool)] {
            inputs.flatMap { input in
                outputs.map { output in
                    var packet = Packet(
                        PacketRoute(path, by: input, to: output),
                        from: connection.source,
                        to: connection.destination,
                        connection.protocolNumber,
                        detail: connection.detail
                    )
                    packet.sourcePort = connection.sourcePort
                    return (
                        before.map { $0.rule(for: packet)?.verdict == .accept } ?? true,
                        after.rule(for: packet)?.verdict == .accept
                    )
                }
            }
        }
    }

    @Test("a forwarded connection is closed when a line of deny keeps what comes to the port")
    func kept() throws {
        func gate(_ deny: String) throws -> HostIntent {
            let site = try site(
                """
                site: a.b
                hosts:
                  gate:
                    roles: [router]
                    interfaces:
                      wan: { zone: outside, addresses: [198.51.100.2/24] }
                      lan: { zone: lan, addresses: [10.1.0.1/24] }
                  files: { interfaces: { eth0: { zone: lan, addresses: [10.1.0.5/24] } } }
                services: { ssh: tcp/22, way-in: tcp/2222 }
                firewall:
                  deny: [\(deny)]
                  forward: [{ from: internet, service: way-in, to: files, port: 22 }]
                """
            )
            return try #require(Intent(of: site).host("gate"))
        }
        let (open, denied) = (try gate(""), try gate("{ from: 9.9.9.9, to: gate, services: way-in }"))
        func isClosed(_ source: UInt32, from before: HostIntent, to after: HostIntent, port: UInt16 = 2222) -> Bool {
            let own: [IPAddress] = [.v4(0xC633_6402), .v4(0x0A01_0001)]
            var one = TrackedConnection(from: .v4(source), to: .v4(0x0A01_0005), .tcp, sourcePort: 50_000, detail: 22)
            one.sent = .init(own[0], detail: port)
            return ClosedConnections(before: before, after: after, addresses: own).contains(one)
        }
        #expect(isClosed(0x0909_0909, from: open, to: denied))
        #expect(!isClosed(0x0909_0909, from: denied, to: denied) && !isClosed(0x0909_0909, from: denied, to: open))
        #expect(!isClosed(0x0909_090A, from: open, to: denied))
        #expect(!isClosed(0x0909_0909, from: open, to: denied, port: 2223))
    }

    @Test("what came behind an authentication header of IPv6 is closed with its line, whatever it is tracked as")
    func authenticated() throws {
        func gate(_ services: String) throws -> HostIntent {
            let site = try site(
                """
                site: a.b
                hosts: { gate: { addresses: [10.0.0.2/24, "2001:db8::2/64"] } }
                services: { ssh: tcp/22, both: [ah, tcp/22] }
                firewall: { allow: [{ from: [10.0.0.9, "2001:db8::9"], to: gate, services: \(services) }] }

                """
            )
            return try #require(Intent(of: site).host("gate"))
        }
        let (both, one) = (try gate("both"), try gate("ssh"))
        func isClosed(_ peer: String, _ number: ProtocolNumber, _ port: UInt16, to after: HostIntent) throws -> Bool {
            let source = try #require(IPAddress(peer))
            let own = try ["10.0.0.2", "2001:db8::2"].map { try #require(IPAddress($0)) }
            let connection = TrackedConnection(
                from: source,
                to: own[source.width == 32 ? 0 : 1],
                number,
                sourcePort: number.hasPorts ? 50_000 : 0,
                detail: port
            )
            return ClosedConnections(before: both, after: after, addresses: own).contains(connection)
        }
        let (peer, esp) = ("2001:db8::9", ProtocolNumber(rawValue: 50))
        #expect(try isClosed(peer, .tcp, 443, to: one) && isClosed(peer, esp, 0, to: one))
        // A line lets it in as what it is.
        #expect(try !isClosed(peer, .tcp, 22, to: one) && !isClosed(peer, .tcp, 443, to: both))
        #expect(try !isClosed("2001:db8::8", .tcp, 443, to: one))
        // Over IPv4 the header is what is tracked.
        #expect(try isClosed("10.0.0.9", .ah, 0, to: one) && !isClosed("10.0.0.9", .tcp, 443, to: one))
    }

    @Test("the answer is that of all rules by each pair of interfaces")
    func everyPair() {
        let seed = Soak.drawnSeed(of: "closed connections")
        var random = RandomIntent(seed: seed)
        var choice = Seeded(state: ~seed)
        var asked = 0
        var closed = 0
        for _ in 0..<60 {
            var before = random.intent(rules: 6)
            before.interfaces = ["eth0", "eth2", "lo"].map { HostInterface(name: $0) }
            var after = random.intent(rules: 6)
            after.interfaces = ["eth0", "eth1", "wlan7"].map { HostInterface(name: $0) }
            let first: HostIntent? = Bool.random(using: &choice) ? before : nil
            for _ in 0..<40 {
                let packet = random.packet()
                let own: Set<IPAddress> =
                    switch packet.path {
                    case .input: [packet.destination]
                    case .forward: []
                    case .output: [packet.source]
                    }
                let known = [nil, [], ["eth0"], ["eth1", "eth9"], ["lo"]].randomElement(using: &choice) ?? nil
                let connection = TrackedConnection(
                    from: packet.source,
                    to: packet.destination,
                    packet.protocolNumber,
                    sourcePort: packet.sourcePort,
                    detail: packet.detail
                )
                let short = ClosedConnections(before: first, after: after, addresses: own) { _ in
                    asked += 1
                    return known
                }
                let long = EveryPair(before: first, after: after, own: own) { _ in known }
                let isClosed = long.contains(connection)
                #expect(short.contains(connection) == isClosed, "seed \(seed): \(connection) by \(known ?? [])")
                if isClosed { closed += 1 }
            }
        }
        #expect(asked > 0 && closed > 0, "seed \(seed)")
    }
}
