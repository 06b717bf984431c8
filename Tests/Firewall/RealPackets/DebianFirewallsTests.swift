import Testing

/// Real packets through what Debian's own firewalld and ufw, and iptables with Docker's rules, put into a kernel.
///
/// `GATEHOUSE_SOAK_SENT` sends more, `GATEHOUSE_SOAK_SEED` repeats a run.
@Suite("Real packets through Debian's firewalls", .enabled(if: DebianFirewalls.isPossible))
struct DebianFirewallsTests {
    @Test("what becomes of a packet is what is said of it, or it is said that it is not known")
    func fates() throws {
        let seed = Soak.seed
        var packets = RealPackets(seed: seed)
        let count = Soak.setting("GATEHOUSE_SOAK_SENT", usual: 300)
        let scripts = [DebianFirewalls.firewalld, DebianFirewalls.ufw, DebianFirewalls.docker]
        let rounds = scripts.map { ForeignRound(.script($0), (0..<count).map { _ in packets.packet() }) }
        guard let results = try ForeignRound.results(of: rounds, seed: seed) else { return }
        for (result, name) in zip(results, ["firewalld", "ufw", "Docker"]) {
            let result = try #require(result, "\(name), seed \(seed)")
            print("\(name): of \(count) packets \(result.passed) passed, and \(result.known) were known")
            // The rules do something, and not everything.
            #expect(result.passed > count / 20 && result.passed < count * 19 / 20, "\(name), seed \(seed)")
            // Each packet comes to a condition of ufw's that nft does not list (`xt`).
            #expect(name == "ufw" || result.known > count / 5, "\(name), seed \(seed)")
        }
    }
}
