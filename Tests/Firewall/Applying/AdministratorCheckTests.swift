import Firewall
import Site
import Testing

@Suite("Administrator check")
struct AdministratorCheckTests {
    private let own: [IPAddress] = [.v4(0x0A0A_0015)]

    /// Loopback, and SSH from 203.0.113.0/24.
    private func host(named interface: String? = nil, expires: Int64? = nil) throws -> HostIntent {
        var loopback = PacketMatch()
        loopback.inputInterfaces = .among(["lo"])
        loopback.outputInterfaces = .among(["lo"])
        var office = PacketMatch()
        office.sources = AddressSet([IPNetwork(containing: .v4(0xCB00_7100), prefixLength: 24)])
        office.traffic = TrafficSet(.tcp, details: 22...22)
        if let interface { office.inputInterfaces = .among([interface]) }
        var ssh = IntentRule(id: "office-ssh", .written, .accept, matches: [office])
        ssh.expires = expires
        var host = HostIntent(host: "app-01")
        host.input = [IntentRule(id: "loopback", .baseline("loopback"), .accept, matches: [loopback]), ssh]
        host.output = [IntentRule(id: "loopback", .baseline("loopback"), .accept, matches: [loopback])]
        return host
    }

    private func verdict(_ source: UInt32, _ host: HostIntent) -> AdministratorCheck.Verdict {
        AdministratorCheck.verdict(.init(source: .v4(source)), host, addresses: own, until: 1_000)
    }

    @Test("who is let in is told the rule, who is not is refused")
    func verdicts() throws {
        #expect(verdict(0xCB00_7107, try host()) == .admitted(rule: "office-ssh"))
        // A host whose interfaces are not described: the rule for loopback must not let everybody in.
        #expect(verdict(0xC612_0001, try host()) == .refused(rule: nil))
        #expect(verdict(0xCB00_7107, try host(named: "eth0")) == .refused(rule: nil))
        #expect(verdict(0xCB00_7107, try host(expires: 999)) == .refused(rule: "office-ssh"))
        let v6 = AdministratorCheck.Access(source: .v6(1 << 120))
        #expect(AdministratorCheck.verdict(v6, try host(), addresses: own, until: 0) == .unreachable)
    }

    @Test("SSH_CONNECTION is read, or refused")
    func connection() throws {
        let access = try #require(AdministratorCheck.Access(sshConnection: "203.0.113.7 50000 10.10.0.21 2222"))
        #expect(access.source == .v4(0xCB00_7107) && access.destination == .v4(0x0A0A_0015) && access.port == 2222)
        let mapped = AdministratorCheck.Access(sshConnection: "::ffff:203.0.113.7 1 fe80::1%eth0 22")
        #expect(mapped?.source == .v4(0xCB00_7107))
        for bad in ["", "a b c d", "203.0.113.7 1 10.0.0.1", "203.0.113.7 1 10.0.0.1 0", "203.0.113.7 1 10.0.0.1 x"] {
            #expect(AdministratorCheck.Access(sshConnection: bad) == nil, "\(bad)")
        }
    }

    @Test("what was open and is not any more is closed, and nothing else")
    func closed() throws {
        let connection = { (source: UInt32, port: UInt16) in
            TrackedConnection(from: .v4(source), to: .v4(0x0A0A_0015), .tcp, sourcePort: 5, detail: port)
        }
        let nothing = HostIntent(host: "app-01")
        let revoked = ClosedConnections(before: try host(), after: nothing, addresses: own)
        #expect(revoked.contains(connection(0xCB00_7107, 22)))
        #expect(!revoked.contains(connection(0xC612_0001, 22)), "it was not open before")
        let opened = ClosedConnections(before: nothing, after: try host(), addresses: own)
        #expect(!opened.contains(connection(0xCB00_7107, 22)))
        let first = ClosedConnections(before: nil, after: try host(), addresses: own)
        #expect(first.contains(connection(0xCB00_7107, 80)))
        #expect(!first.contains(connection(0xCB00_7107, 22)))
        #expect(!first.contains(connection(0x0A0A_0015, 80)), "between the machine's own addresses")
    }
}
