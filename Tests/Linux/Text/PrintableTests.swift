import Testing

@testable import Linux

@Suite("Text from outside, before a person reads it")
struct PrintableTests {
    @Test("nothing in it steers a terminal, hides or reorders, and what is plain stays")
    func printable() {
        #expect("plain ~ text".printable == "plain ~ text")
        #expect("ümläut 漢字 😀\tx\ny".printable == "ümläut 漢字 😀\tx\ny")
        #expect("a\u{1B}[31mb\u{7}\r\u{9B}".printable == #"a\u{1B}[31mb\u{7}\u{D}\u{9B}"#)
        #expect("\u{202E}evil\u{2028}\u{200B}".printable == #"\u{202E}evil\u{2028}\u{200B}"#)
        #expect("\u{E0041}\u{FEFF}".printable == #"\u{E0041}\u{FEFF}"#)
        #expect("".printable == "")
    }

    @Test("in one line, there is one")
    func line() {
        #expect("a\nb\tc\r\nd".printableLine == #"a\u{A}b\u{9}c\u{D}\u{A}d"#)
    }

    @Test("no line of a log's entry but the first looks like the beginning of one")
    func entry() {
        #expect(StandardError.entry("gatehouse: one\n") == "gatehouse: one\n")
        let entry = StandardError.entry("gatehouse: one\ngatehouse: two\n\nthree")
        #expect(entry == "gatehouse: one\n    gatehouse: two\n    three\n")
        #expect(StandardError.entry("") == "")
    }
}
