import Testing

/// Real packets through rules that nobody here wrote: what becomes of a packet is among what is said of it, and where only
/// one thing is said, it is that. So nothing is called proved that a kernel does otherwise.
///
/// `GATEHOUSE_SOAK_RULESETS` and `GATEHOUSE_SOAK_SENT` make it longer, `GATEHOUSE_SOAK_SEED` repeats a run.
@Suite("Real packets through rules of others", .enabled(if: WiredHost.isPossible))
struct ForeignRulesTests {
    @Test("what becomes of a packet is what is said of it, or it is said that it is not known")
    func fates() throws {
        let seed = Soak.seed
        print("rules of others: seed \(seed)")
        var (rules, packets) = (ForeignRules(seed: seed), RealPackets(seed: seed))
        let count = Soak.setting("GATEHOUSE_SOAK_SENT", usual: 60)
        let rounds = (0..<Soak.setting("GATEHOUSE_SOAK_RULESETS", usual: 24)).map { _ in
            ForeignRound(.ruleset("flush ruleset\n" + rules.text()), (0..<count).map { _ in packets.packet() })
        }
        guard let results = try ForeignRound.results(of: rounds, seed: seed) else { return }
        let taken = results.compactMap(\.self)
        let (known, sum) = (taken.reduce(0) { $0 + $1.known }, taken.count * count)
        print("rules of others: \(taken.count) of \(rounds.count) rulesets taken, \(known) of \(sum) packets known")
        #expect(taken.count > rounds.count / 4 && known > sum / 4, "seed \(seed)")
    }
}
