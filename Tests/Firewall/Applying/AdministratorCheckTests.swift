import Firewall
import Site
import Testing

@Suite("Administrator check")
struct AdministratorCheckTests {
    private let own: [IPAddress] = [.v4(0x0A0A_0015)]

    /// Loopback, and SSH from 203.0.113.0/24.
    private func host() -> HostIntent {
        var loopback = PacketMatch()
        loopback.inputInterfaces = .among(["lo"])
        loopback.outputInterfaces = .among(["lo"])
        var office = PacketMatch()
        office.sources = AddressSet([IPNetwork(containing: .v4(0xCB00_7100), prefixLength: 24)])
        office.traffic = TrafficSet(.tcp, details: 22...22)
        var host = HostIntent(host: "app-01")
        host.input = [
            IntentRule(id: "loopback", .baseline("loopback"), .accept, matches: [loopback]),
            IntentRule(id: "office-ssh", .written, .accept, matches: [office]),
        ]
        host.output = [IntentRule(id: "loopback", .baseline("loopback"), .accept, matches: [loopback])]
        return host
    }

    /// As a kernel lists it: loopback, and SSH from 203.0.113.0/24 as `conditions` say; answers get out.
    private func held(_ conditions: String = "", answers: String = "accept", other: String = "") throws -> HeldRuleset {
        func chain(_ hook: String) -> String {
            """
            {"chain":{"family":"inet","table":"gatehouse","name":"\(hook)","handle":1,"type":"filter","hook":"\(hook)",
            "prio":0,"policy":"drop"}}
            """
        }
        func rule(_ chain: String, _ comment: String, _ expressions: String) -> String {
            """
            {"rule":{"family":"inet","table":"gatehouse","chain":"\(chain)","handle":1,"comment":"\(comment)",
            "expr":[\(expressions)]}}
            """
        }
        func match(_ left: String, _ right: String, _ operation: String = "==") -> String {
            #"{"match":{"op":"\#(operation)","left":\#(left),"right":\#(right)}}"#
        }
        let ssh =
            match(
                #"{"payload":{"protocol":"ip","field":"saddr"}}"#,
                #"{"prefix":{"addr":"203.0.113.0","len":24}}"#
            ) + "," + match(#"{"payload":{"protocol":"tcp","field":"dport"}}"#, "22")
        let entries = [
            #"{"table":{"family":"inet","name":"gatehouse","handle":1}}"#, chain("input"), chain("output"),
            rule("input", "loopback", match(#"{"meta":{"key":"iifname"}}"#, #""lo""#) + #",{"accept":null}"#),
            rule("input", "office-ssh line 4", ssh + conditions + #",{"accept":null}"#),
            rule(
                "output",
                "established",
                match(#"{"ct":{"key":"state"}}"#, #""established""#, "in") + #",{"\#(answers)":null}"#
            ),
        ]
        return try HeldRuleset(json: Array(#"{"nftables":[\#(entries.joined(separator: ",") + other)]}"#.utf8))
    }

    private func verdict(_ source: IPAddress, _ held: HeldRuleset) -> AdministratorCheck.Verdict {
        let own: [IPAddress: String] = [.v4(0x0A0A_0015): "eth0"]
        return AdministratorCheck.verdict(.init(source: source), held, own: own, now: 900, until: 1_000)
    }

    @Test(
        "a verdict behind `continue` is one",
        arguments: [
            #"{"continue":null}"#, #"{"vmap":{"key":\#(Listing.port),"data":{"set":[[22,{"continue":null}]]}}}"#,
        ]
    )
    func continued(statement: String) throws {
        let names = #""family":"inet","table":"x""#
        let foreign =
            #",{"chain":{\#(names),"name":"c","type":"filter","hook":"input","prio":-5,"policy":"accept"}}"#
            + #",{"rule":{\#(names),"chain":"c","handle":9,"expr":[\#(statement),{"drop":null}]}}"#
        guard case .refused = verdict(.v4(0xCB00_7107), try held(other: foreign)) else {
            Issue.record("a drop that is not seen")
            return
        }
    }

    @Test("who is let in is told the rule, who is not is refused, and what is not understood is not taken for a yes")
    func verdicts() throws {
        let office = IPAddress.v4(0xCB00_7107)
        #expect(verdict(office, try held()) == .admitted(rule: "office-ssh"))
        let policy = "inet gatehouse input: the chain's policy drops"
        // The rule for loopback must not let everybody in.
        #expect(verdict(.v4(0xC612_0001), try held()) == .refused(by: policy))
        let inside = #",{"match":{"op":"==","left":{"meta":{"key":"iifname"}},"right":"eth1"}}"#
        #expect(verdict(office, try held(inside)) == .refused(by: policy))
        let ending = #",{"match":{"op":"<","left":{"meta":{"key":"time"}},"right":"1970-01-01 00:15:50"}}"#
        #expect(verdict(office, try held(ending)) == .refused(by: policy))
        let mark = #",{"match":{"op":"==","left":{"meta":{"key":"mark"}},"right":7}}"#
        guard case .unknown = verdict(office, try held(mark)) else {
            Issue.record("\(verdict(office, try held(mark)))")
            return
        }
        guard case .refused(let by) = verdict(office, try held(answers: "drop")) else {
            Issue.record("\(verdict(office, try held(answers: "drop")))")
            return
        }
        #expect(by.contains("its answer is stopped"), "\(by)")
        #expect(verdict(.v6(1 << 120), try held()) == .unreachable)
    }

    @Test("a connection that a rule sends elsewhere does not come in")
    func forwarded() throws {
        let names = #""family":"inet","table":"gatehouse""#
        func nat(_ rule: String) -> String {
            #",{"chain":{\#(names),"name":"nat","type":"nat","hook":"prerouting","prio":-100,"policy":"accept"}},"#
                + #"{"rule":{\#(names),"chain":"nat","handle":7,"comment":"way-in line 9","expr":[\#(rule)]}}"#
        }
        let office = IPAddress.v4(0xCB00_7107)
        let elsewhere = #"{"dnat":{"family":"ip","addr":"10.0.0.5","port":22}}"#
        guard case .refused(let by) = verdict(office, try held(other: nat(elsewhere))) else {
            Issue.record("\(verdict(office, try held(other: nat(elsewhere))))")
            return
        }
        #expect(by.contains("way-in") && by.contains("10.0.0.5"), "\(by)")
        let web = #"{"match":{"op":"==","left":{"payload":{"protocol":"tcp","field":"dport"}},"right":80}},"#
        #expect(verdict(office, try held(other: nat(web + elsewhere))) == .admitted(rule: "office-ssh"))
        guard case .unknown = verdict(office, try held(other: nat(#"{"redirect":{"port":2222}}"#))) else {
            Issue.record("a port of this host is not what was asked for")
            return
        }
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
        let revoked = ClosedConnections(before: host(), after: nothing, addresses: own)
        #expect(revoked.contains(connection(0xCB00_7107, 22)))
        #expect(!revoked.contains(connection(0xC612_0001, 22)), "it was not open before")
        let opened = ClosedConnections(before: nothing, after: host(), addresses: own)
        #expect(!opened.contains(connection(0xCB00_7107, 22)))
        let first = ClosedConnections(before: nil, after: host(), addresses: own)
        #expect(first.contains(connection(0xCB00_7107, 80)))
        #expect(!first.contains(connection(0xCB00_7107, 22)))
        #expect(!first.contains(connection(0x0A0A_0015, 80)), "between the machine's own addresses")
    }
}
