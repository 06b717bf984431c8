import Firewall
import Testing

@Suite("The clock at a boot")
struct BootClockTests {
    @Test("a clock behind the moment of the confirmation is warned of, and no other")
    func behind() {
        var ruleset = StoredRuleset(
            generation: 7,
            host: "h",
            hash: "",
            siteHash: "",
            siteModified: 0,
            applied: 1_000
        )
        #expect(Applier.Boot.clockWarning(ruleset, now: 1_000) == nil)
        #expect(Applier.Boot.clockWarning(ruleset, now: 999)?.contains("1 s behind") == true)
        ruleset.confirmed = 1_500
        #expect(Applier.Boot.clockWarning(ruleset, now: 1_500) == nil)
        let warning = Applier.Boot.clockWarning(ruleset, now: 1_000)
        #expect(warning?.contains("500 s behind") == true && warning?.contains("generation 7") == true)
    }
}
