import Firewall
import Site
import Testing

/// The site files of the repository with words put where others were: most still parse, and mean what nobody meant.
@Suite("Mutated policies")
struct MutationTests {
    @Test(
        "are looked up and checked without a trap, and every rule has a name",
        arguments: ["foobar.com.yaml", "every-key.yaml", "office-router.yaml", "egress.yaml"]
    )
    func mutated(file: String) throws {
        let seed = Soak.drawnSeed(of: "mutated \(file)")
        var generator = Seeded(state: seed)
        let lines = try policyText(file).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let start = try #require(lines.firstIndex { $0.hasPrefix("firewall:") })
        let words = lines[start...].flatMap(Self.words)
        var parsed = 0
        for _ in 0..<150 {
            var mutated = lines
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let index = Int.random(in: start..<mutated.count, using: &generator)
                guard let old = Self.words(mutated[index]).randomElement(using: &generator),
                    let new = words.randomElement(using: &generator)
                else { continue }
                mutated[index] = mutated[index].replacing(old, with: new, maxReplacements: 1)
            }
            let text = mutated.joined(separator: "\n")
            guard let site = SiteFile.parse(bytes: Array(text.utf8), name: file).model else { continue }
            parsed += 1
            for host in Intent(of: site).hosts {
                for rule in PacketPath.allCases.flatMap(host.rules) {
                    #expect((1...48).contains(rule.id.utf8.count) && !rule.matches.isEmpty, "seed \(seed): \(rule.id)")
                }
            }
            for finding in PolicyCheck.findings(site, file: file, now: 0) {
                #expect(finding.line > 0 && !finding.message.contains("\n"), "seed \(seed): \(finding)")
            }
        }
        #expect(parsed > 5, "seed \(seed)")
    }

    private static func words(_ line: String) -> [String] {
        line.prefix { $0 != "#" }.split { !($0.isLetter || $0.isNumber || "-./".contains($0)) }.map(String.init)
    }
}
