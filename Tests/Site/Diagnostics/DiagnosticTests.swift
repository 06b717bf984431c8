import Testing

@testable import Site

@Suite struct DiagnosticTests {
    @Test func readsLikeACompilersError() {
        let outcome = check("site: a.example\ngateway:\n  listen:\n    - { prot: 443, port: 80 }\n")
        #expect(
            outcome.text == """
                site.yaml:4:9: error: unknown key `prot` in `gateway.listen[0]` [unknown-key]
                    4 |     - { prot: 443, port: 80 }
                      |         ^^^^
                      = help: did you mean `port`?
                """
        )
    }

    @Test(arguments: [
        ("hosts: 3", "`hosts` must be a mapping, not `3`"),
        ("hosts: { a: { roles: [[x]] } }", "an item of `hosts.a.roles` must be a name, not a list"),
        (
            "gateway: { listen: [{ port: 1, address: [{}] }] }",
            "an item of `gateway.listen[0].address` must be an IP address, not a mapping"
        ),
        ("gateway: { listen: [{}] }", "`port` is missing in `gateway.listen[0]`"),
        ("x: 1", "unknown key `x` at the top"),
        ("services: { a: }", "`a` must be a service such as tcp/443 or esp, not nothing"),
    ])
    func saysWhatAndWhere(line: String, message: String) {
        #expect(check("site: a.b\n" + line + "\n").diagnostics.map(\.message) == [message])
    }

    @Test func isJSONForScripts() {
        let outcome = check("site: \"a b\\t\"\n")
        #expect(
            outcome.json == #"""
                {
                  "valid": false,
                  "omitted": 0,
                  "diagnostics": [
                    {
                      "file": "site.yaml",
                      "line": 1,
                      "column": 7,
                      "width": 7,
                      "severity": "error",
                      "code": "invalid-value",
                      "message": "`a b ` is no name: parts are letters, digits and inner hyphens",
                      "text": "site: \"a b\\t\""
                    }
                  ]
                }
                """#
        )
        #expect(Diagnostic.json([]) == "[]")
    }

    @Test func comesInTheOrderOfTheFile() {
        let outcome = check("gateway: { listen: [] }\nsite: a.example\nhosts: 3\nnetworks: { x: [1.2.3.4/8] }\n")
        #expect(outcome.diagnostics.map(\.line) == [1, 3, 4])
    }

    @Test func quotesNothingThatMovesTheCursor() {
        let outcome = check("site: \"\\e[2Jx\\u202ey\"\n")
        #expect(outcome.diagnostics.count == 1)
        #expect(outcome.text.unicodeScalars.allSatisfy { $0 == "\n" || $0.properties.generalCategory != .control })
        #expect(!outcome.text.unicodeScalars.contains("\u{202E}"))
    }

    @Test func showsTheRightPartOfALongLine() {
        let text =
            "site: a.example\nnetworks: { " + (0..<200).map { "n\($0): [10.0.0.0/8], " }.joined()
            + "x: [10.0.0.1/8] }\n"
        let diagnostic = check(text).diagnostics.first
        #expect(diagnostic?.code == .invalidValue)
        let excerpt = diagnostic?.excerpt
        #expect(excerpt.map { String($0.text.dropFirst($0.offset)).hasPrefix("10.0.0.1/8") } == true)
        #expect(excerpt?.text.first == "…")
    }

    @Test func countsColumnsInCharacters() {
        #expect(
            summary(check("site: a.example\nnetworks: { \"ü\": [10.0.0.0/8] }\n").diagnostics) == [
                "2:13 error invalid-value"
            ]
        )
        #expect(
            summary(check("networks: { x: ['é', 10.0.0.1/8] }\nsite: a.b").diagnostics).last
                == "1:22 error invalid-value"
        )
    }
}

@Suite struct NearestWordTests {
    private let words = ["port", "protocols", "address", "redirect", "tls"]

    @Test(arguments: [
        ("prot", "port"), ("ports", "port"), ("protocol", "protocols"), ("adress", "address"), ("redirct", "redirect"),
        ("TLS", "tls"),
        ("tsl", "tls"),
    ])
    func isFound(word: String, nearest: String) {
        #expect(NearestWord.to(word, among: words) == nearest)
    }

    @Test(arguments: ["", "t", "certificate", "xyz", String(repeating: "p", count: 65)])
    func isNotGuessed(word: String) {
        #expect(NearestWord.to(word, among: words) == nil)
    }

    @Test func isTheSameWhateverTheOrder() {
        #expect(NearestWord.to("ab", among: ["ac", "aa"]) == "aa")
        #expect(NearestWord.to("ab", among: ["aa", "ac"]) == "aa")
    }
}
