import Testing

@testable import Site

/// What of YAML is refused, and where each refusal points.
@Suite struct RefusalTests {
    @Test func anchorsAliasesAndTags() {
        let outcome = check(
            """
            site: &name foobar.com
            networks:
              a: *name
              b: !!seq [10.0.0.0/8]
              *name : [10.0.0.0/8]
            hosts:
              h: { <<: *name, roles: [app] }

            """
        )
        #expect(
            summary(outcome.diagnostics) == [
                "1:7 error anchor", "3:6 error alias", "4:6 error tag", "5:3 error alias", "7:12 error alias",
            ]
        )
        #expect(outcome.model == nil)
    }

    @Test(arguments: ["%YAML 1.2\n---\nsite: a.example\n", "%TAG ! tag:example.com,2000:\n---\nsite: a.example\n"])
    func directives(text: String) {
        #expect(summary(check(text).diagnostics) == ["1:1 error directive"])
        #expect(summary(check("site: a.example\n...\n" + text).diagnostics) == ["3:1 error directive"])
    }

    @Test func duplicateKeysNameTheFirst() {
        let outcome = check("site: a.example\nservices:\n  http: tcp/80\n  https: tcp/443\n  http: tcp/81\n")
        #expect(summary(outcome.diagnostics) == ["5:3 error duplicate-key"])
        #expect(outcome.diagnostics.first?.help?.contains("line 3") == true)
    }

    @Test func keysThatAreNoWords() {
        #expect(summary(check("site: a.example\n? [a, b]\n: c\n").diagnostics) == ["2:3 error complex-key"])
    }

    @Test func aSecondDocument() {
        #expect(summary(check("site: a.example\n---\nsite: b.example\n").diagnostics) == ["2:1 error documents"])
    }

    @Test(arguments: ["", "\n\n", "# nothing\n", "\u{FEFF}"])
    func emptyFiles(text: String) {
        #expect(summary(check(text).diagnostics) == ["0:0 error empty"])
    }

    @Test(arguments: ["---\n", "foobar.com", "- site", "~", "site"])
    func rootsThatAreNoMapping(text: String) {
        #expect(check(text).diagnostics.map(\.code) == [.wrongType])
    }

    /// The text, and where libyaml finds that it is none of its own.
    @Test(arguments: [
        ("site: a.example\nhosts:\n\tx: 1\n", "3:1"), ("site: a: b\n", "1:8"), ("site: [a\n", "2:1"),
        ("site: \"a\n", "2:1"),
        ("site: a.example\n  hosts: {}\n", "2:8"), ("site: @a\n", "1:7"),
    ])
    func brokenSyntax(text: String, position: String) {
        let diagnostics = check(text).diagnostics
        #expect(summary(diagnostics) == ["\(position) error syntax"])
    }

    @Test func bytesThatAreNoText() {
        let prefix = Array("site: a.example\nnetworks: # ü\n  x: ".utf8)
        for bad: [UInt8] in [[0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0x00], [0x1B]] {
            let outcome = SiteFile.parse(bytes: prefix + bad + Array(" y\n".utf8), name: "x")
            #expect(summary(outcome.diagnostics) == ["3:6 error syntax"], "\(bad)")
        }
    }

    @Test func otherEncodings() {
        let utf16: [UInt8] =
            [0xFF, 0xFE] + "site: a.example\n".utf16.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
        #expect(summary(SiteFile.parse(bytes: utf16, name: "x").diagnostics) == ["1:1 error syntax"])
    }

    @Test(arguments: ["\n", "\r\n", "\r"])
    func lineEndsOfAllKinds(end: String) {
        let text = ["site: a.example", "networks:", "  x: [10.0.0.1/8]", ""].joined(separator: end)
        let outcome = check(text)
        #expect(summary(outcome.diagnostics) == ["3:7 error invalid-value"])
        #expect(outcome.diagnostics.first?.excerpt?.text == "  x: [10.0.0.1/8]")
    }

    @Test func aByteOrderMarkIsNoColumn() {
        let outcome = check("\u{FEFF}sit: a.example\n")
        #expect(summary(outcome.diagnostics).contains("1:1 error unknown-key"))
        #expect(check("\u{FEFF}site: a.example\n").model?.name == "a.example")
    }
}

/// Files that are made to hurt end at once, with one error.
@Suite struct HostileFileTests {
    @Test func billionsOfAliases() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
        for level in 1..<40 {
            text +=
                "a\(level): &a\(level) [" + Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", ") + "]\n"
        }
        let outcome = check(text)
        #expect(outcome.model == nil)
        #expect(outcome.diagnostics.count == 100)
        #expect(outcome.omitted > 0)
        #expect(outcome.text.hasSuffix("and \(outcome.omitted) more"))
    }

    @Test func anAliasBombAsKey() {
        #expect(check("a: &a [x]\nb: &b [*a, *a]\n? *b\n: 1\n").diagnostics.contains { $0.code == .alias })
    }

    @Test(arguments: [(64, false), (65, true), (100_000, true)])
    func depth(levels: Int, isRefused: Bool) {
        // The root mapping is a level too.
        let text = "a: " + String(repeating: "[", count: levels - 1) + String(repeating: "]", count: levels - 1)
        #expect(check(text).diagnostics.contains { $0.code == .tooDeep } == isRefused)
        let block = (0..<min(levels, 2000)).map { String(repeating: " ", count: $0) + "a:\n" }.joined()
        // The innermost key has nothing as its value, and both are a level deeper.
        #expect(check(block).diagnostics.contains { $0.code == .tooDeep } == (levels + 1 > 64))
    }

    @Test func tooManyValues() {
        let outcome = check("a: [" + String(repeating: "1,", count: 2_000_000) + "]")
        #expect(outcome.diagnostics.map(\.code) == [.tooManyNodes])
    }

    @Test func tooManyBytes() {
        let outcome = SiteFile.parse(bytes: [UInt8](repeating: 0x20, count: (16 << 20) + 1), name: "x")
        #expect(summary(outcome.diagnostics) == ["0:0 error too-large"])
    }

    @Test func oneHugeLine() {
        let outcome = check("site: " + String(repeating: "x", count: 3 << 20) + " @")
        #expect(outcome.diagnostics.count == 1)
        #expect(outcome.text.utf8.count < 2000)
    }

    /// libyaml would compare each with all before it.
    @Test func manyDirectives() {
        let outcome = check((0..<500_000).map { "%TAG !a\($0)! b\n" }.joined())
        #expect(outcome.diagnostics.map(\.code) == [.directive])
    }

    @Test func manyUnknownKeys() {
        let outcome = check((0..<100_000).map { "k\($0): 1\n" }.joined())
        #expect(outcome.diagnostics.count == 100)
        // All but the 100 kept, and the missing `site`.
        #expect(outcome.omitted == 99_901)
    }
}
