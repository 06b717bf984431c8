import Site
import Testing

@Suite("JSON")
struct JSONValueTests {
    @Test("what is written is read back, on one line or indented")
    func roundTrip() throws {
        let document = JSONValue.object([
            .init("text", .string("\"\\/\n\t\u{1}\u{9B}ü\u{1F600}\u{2028}")),
            .init("list", .array([.integer(-7), .number(0.25), .boolean(true), .null, .array([]), .object([])])),
            .init("large", .integer(.max)),
        ])
        #expect(JSONValue(parsing: document.line) == document)
        #expect(JSONValue(parsing: document.indented) == document)
        #expect(!document.line.contains("\n"))
        #expect(!document.line.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x9B })
    }

    @Test("what hides or reorders text is escaped, also beyond the first plane")
    func misleading() {
        let text = JSONValue.string("\u{202E}a\u{200B}\u{E0041}é")
        #expect(text.line == #""\u202ea\u200b\udb40\udc41é""#)
        #expect(JSONValue(parsing: text.line) == text)
    }

    @Test("escapes and numbers as RFC 8259 has them")
    func reading() {
        #expect(JSONValue(parsing: #" "\u00fc\ud83d\ude00\/\b\f\r" "#) == .string("ü\u{1F600}/\u{8}\u{C}\r"))
        #expect(
            JSONValue(parsing: "[-0, 1e2, 2.5E-1, 99999999999999999999]")?.items.map(\.number) == [
                0, 100, 0.25, 1e20,
            ]
        )
    }

    @Test(
        "what is not JSON is refused",
        arguments: [
            "", "{", "[1,]", "{\"a\":1,}", "01", "1.", ".5", "+1", "1e", "nul", "\"a", "\"\\x\"", "\"\\ud800\"",
            "\"\\udc00\"", "\"\u{1}\"", "1 2", "{a:1}", "[1 2]", "\"\\u12\"", "\"\\u+123\"",
        ]
    )
    func refused(text: String) {
        #expect(JSONValue(parsing: text) == nil)
    }

    @Test("nesting is bounded")
    func depth() {
        let deep = String(repeating: "[", count: 100_000)
        #expect(JSONValue(parsing: deep) == nil)
        #expect(JSONValue(parsing: String(repeating: "[", count: 60) + String(repeating: "]", count: 60)) != nil)
    }
}
