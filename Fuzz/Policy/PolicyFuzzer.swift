import Firewall
import Site

/// What the section may name.
private let head = """
    site: a.b
    networks: { office: 203.0.113.0/24, lan: [10.2.0.0/24, "fd00:2::/64"] }
    hosts:
      gate:
        roles: [router]
        interfaces:
          wan: { zone: outside }
          lan: { zone: inside, addresses: [10.2.0.1/24, "fd00:2::1/64"] }
      app: { roles: [app], addresses: [10.2.0.5/24, "fd00:2::5/64"] }
      db: { roles: [db], addresses: [10.2.0.6/24] }
    services: { http: tcp/80, mysql: tcp/3306, dns: [udp/53, tcp/53] }
    firewall:

    """

/// One input: the section `firewall` of a site file, from its second line on.
///
/// What must hold, or it traps: a section that is taken is compiled, the same way each time, to printable text in which
/// nothing of the file is anything but a word; the checks end; and the rules as a list and as a diagram decide alike.
@c(LLVMFuzzerTestOneInput)
public func fuzzPolicy(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    // Sound: libFuzzer lends `count` bytes for the length of this call.
    let bytes = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    let outcome = SiteFile.parse(bytes: Array(head.utf8) + bytes, name: "site.yaml")
    guard let site = outcome.model, !outcome.hasErrors else { return 0 }
    for finding in PolicyCheck.findings(site, file: "site.yaml", now: 0) {
        precondition(!finding.message.contains("\n"), "a message of several lines")
    }
    let intent = Intent(of: site)
    for host in intent.hosts {
        let text = Compiler.compile(host).text().text
        precondition(text == Compiler.compile(host).text().text, "the same intent, and other bytes")
        precondition(
            text.utf8.allSatisfy { $0 == 0x0A || $0 == 0x09 || (0x20...0x7E).contains($0) },
            "nftables would read something that is not printable"
        )
        for path in PacketPath.allCases { decideAlike(host, path) }
    }
    let prover = ClaimProver(SiteHosts(intent, of: site), limit: 200_000, steps: 2_000_000)
    for proof in prover.prove(Array(intent.claims.prefix(20))) {
        precondition(proof.answer == .proved || proof.reason != nil, "an answer without a reason")
    }
    return 0
}

/// Holds the list of rules against the diagram that is made of it, by a few packets.
private func decideAlike(_ host: HostIntent, _ path: PacketPath) {
    let store = DiagramStore(limit: 200_000, steps: 2_000_000)
    // More pieces than the store holds is an honest answer.
    guard let function = try? IntentSpace(in: store).outcomes(host.rules(path), path) else { return }
    for port in [UInt16(80), 3306, 53, 4000] {
        for source in [UInt32(0x0A02_0005), 0xCB00_7107, 0x0808_0808] {
            let route = PacketRoute(path, by: "lan", to: "wan")
            var packet = Packet(route, from: .v4(source), to: .v4(0x0A02_0006), .tcp, detail: port)
            packet.sourcePort = 40000
            let rule = host.rule(for: packet)
            let expected: Outcomes = rule?.verdict == .accept ? .accept : .drop
            precondition(store.value(function, at: Coordinates(packet)) == expected.rawValue, "the two disagree")
        }
    }
}
