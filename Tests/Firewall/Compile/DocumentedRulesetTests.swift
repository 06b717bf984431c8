import Firewall
import Testing

/// docs/policy.md prints a ruleset in parts, to explain it: what `gatehouse policy compile --site Policies/foobar.com.yaml
/// --host db-01` writes.
@Suite("The ruleset in docs/policy.md")
struct DocumentedRulesetTests {
    @Test("the parts are all of it, in its order")
    func parts() throws {
        let intent = try #require(Intent(of: policySite("foobar.com.yaml")).host("db-01"))
        // Empty lines are between the parts as well.
        let compiled = Compiler.compile(intent).text().text.split(separator: "\n")
        let printed = Self.blocks(of: "nft", in: try repositoryText("docs/policy.md"))
        let difference = zip(printed, compiled).first { $0 != $1 }.map { "\($0.0) is printed, \($0.1) is compiled" }
        #expect(difference == nil)
        #expect(printed.count == compiled.count)
    }

    /// The lines of all blocks of a language, without empty ones.
    private static func blocks(of language: String, in document: String) -> [Substring] {
        var (lines, isInside): ([Substring], Bool) = ([], false)
        for line in document.split(separator: "\n") {
            if line.hasPrefix("```") {
                isInside = line == "```\(language)"
            } else if isInside {
                lines.append(line)
            }
        }
        return lines
    }
}
