import Testing

@testable import Site

/// Bytes that nobody would write: whatever they are, there is an outcome, and it is consistent.
@Suite struct MutationTests {
    private func inspect(_ bytes: [UInt8], seed: UInt64) {
        let outcome = SiteFile.parse(bytes: bytes, name: "x")
        let hasErrors = outcome.diagnostics.contains { $0.severity == .error } || outcome.omitted > 0
        if (outcome.model == nil) != hasErrors {
            Issue.record("a model and errors, or neither; seed \(seed)")
        }
        for diagnostic in outcome.diagnostics where diagnostic.description.unicodeScalars.contains("\u{1B}") {
            Issue.record("an escape would reach the terminal: \(diagnostic.code); seed \(seed)")
        }
        if outcome.json.isEmpty { Issue.record("no JSON; seed \(seed)") }
    }

    @Test func randomBytes() {
        let seed = UInt64.random(in: .min ... .max)
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<500 {
            let count = Int.random(in: 0...300, using: &generator)
            inspect((0..<count).map { _ in .random(in: .min ... .max, using: &generator) }, seed: seed)
        }
    }

    @Test func randomYAML() {
        let seed = UInt64.random(in: .min ... .max)
        var generator = SeededGenerator(seed: seed)
        let pieces = [
            "site", "hosts", "gateway", "listen", "pools", "port", "tls", ": ", ":", "\n", "\n  ", "\n    - ", "- ",
            "[", "]", "{", "}",
            ", ", "'", "\"", "#", "&a ", "*a", "!t ", "|\n", ">\n", "~", "true", "443", "10.0.0.0/8", "\u{85}",
            "\u{2028}", "\t", "? ",
            "---\n", "...\n", "%YAML 1.1\n", "<<", "é", "\r",
        ]
        for _ in 0..<2000 {
            let count = Int.random(in: 0...40, using: &generator)
            let text = (0..<count).map { _ in pieces[Int.random(in: 0..<pieces.count, using: &generator)] }.joined()
            inspect(Array(text.utf8), seed: seed)
        }
    }

    @Test func mutatedReferenceSite() throws {
        let original = try FileBytes.read(repository + "/Policies/foobar.com.yaml").bytes
        let seed = UInt64.random(in: .min ... .max)
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<500 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let index = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
                case 1: bytes.remove(at: index)
                case 2: bytes.insert(.random(in: .min ... .max, using: &generator), at: index)
                default: bytes.removeSubrange(index..<min(bytes.count, index + 30))
                }
            }
            inspect(bytes, seed: seed)
        }
    }

    @Test func everyPrefixOfTheReferenceSite() throws {
        let original = try FileBytes.read(repository + "/Policies/foobar.com.yaml").bytes
        for count in stride(from: 0, to: original.count, by: 7) {
            inspect(Array(original.prefix(count)), seed: UInt64(count))
        }
    }
}
