import Bytes
import HTTPWire
import Testing

/// The small readers of field values.
@Suite struct ValueTests {
    @Test(
        arguments: [
            ("0", 0), ("12", 12), ("007", 7), ("9223372036854775807", 9_223_372_036_854_775_807),
        ] as [(String, UInt64)]
    )
    func contentLength(_ text: String, _ number: UInt64) {
        let bytes = Array(text.utf8)
        let found = ContentLength.parse(bytes.span)
        #expect(found == .success(number))
    }

    @Test(arguments: [
        ("", ContentLength.Failure.malformed), ("-1", .malformed), ("1 ", .malformed), ("0x1", .malformed),
        ("1,1", .list), ("9223372036854775808", .overflow), ("99999999999999999999999999999", .overflow),
        ("99999999999999999999999999999x", .malformed),
    ])
    func wrongContentLength(_ text: String, _ failure: ContentLength.Failure) {
        let bytes = Array(text.utf8)
        let found = ContentLength.parse(bytes.span)
        #expect(found == .failure(failure))
    }

    @Test(
        arguments: [
            ("", []), (",, ,", []), ("a", ["a"]), (" a ,\tb\t,,c,", ["a", "b", "c"]), ("a b,c", ["a b", "c"]),
        ] as [(String, [String])]
    )
    func listElements(_ text: String, _ expected: [String]) {
        let bytes = Array(text.utf8)
        var elements = ListElements()
        var found: [String] = []
        while let element = elements.next(in: bytes.span) { found.append(bytes.span.extracting(element).text) }
        #expect(found == expected)
    }

    @Test(arguments: [
        ("", false), ("*/*", false), ("application/json", true), ("text/html", false), ("Application/JSON", true),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", false),
        ("application/json, text/plain, */*", true), ("application/json;q=0.5, text/html", false),
        ("application/json, text/html;q=0.9", true), ("text/*, application/json;q=0.1", false),
        ("application/problem+json", true), ("application/*", true), ("*/*;q=0.5, application/json;q=0", false),
        ("text/html;q=0, */*", true), ("application/json;q=2, text/html", false), ("application/json; Q=0.001", true),
        ("application/json;q=x", false), ("image/png", false), ("text/html;q=0", false), (";;,;q=", false),
        ("application/json;v=1;q=0.3, text/html;q=0.2", true), ("text/html;q=1.0,application/json;q=1.000", false),
    ])
    func acceptPreference(_ accept: String, _ expected: Bool) {
        let bytes = Array(accept.utf8)
        let found = AcceptPreference.prefersJSON(bytes.span)
        #expect(found == expected)
    }

    @Test(arguments: [
        ("a", true), ("550e8400-e29b-41d4-a716-446655440000", true), ("Root=1-5759e988-bd862e3f:x", true),
        ("", false), ("a b", false), ("a\"b", false), ("a<b", false), ("a\\b", false), ("a,b", false), ("é", false),
        (String(repeating: "x", count: 128), true), (String(repeating: "x", count: 129), false),
    ])
    func requestID(_ id: String, _ isValid: Bool) {
        let bytes = Array(id.utf8)
        let found = RequestID.isValid(bytes.span)
        #expect(found == isValid)
    }

    @Test(
        arguments: [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_868_799, "Tue, 29 Feb 2000 23:59:59 GMT"), (951_868_800, "Wed, 01 Mar 2000 00:00:00 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"), (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
            (-1, "Wed, 31 Dec 1969 23:59:59 GMT"), (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"),
            (Int64.max, "Fri, 31 Dec 9999 23:59:59 GMT"), (Int64.min, "Sat, 01 Jan 0000 00:00:00 GMT"),
            (1_795_233_600, "Sat, 21 Nov 2026 04:00:00 GMT"),
        ] as [(Int64, String)]
    )
    func date(_ seconds: Int64, _ expected: String) {
        let buffer = ByteBuffer(capacity: HTTPDate.length)
        HTTPDate.append(unixSeconds: seconds, to: buffer)
        #expect(buffer.text == expected && buffer.count == HTTPDate.length)
    }
}
