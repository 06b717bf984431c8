import Bytes
import Testing

@testable import DemoApp

@Suite("What a target asks for")
struct EndpointTests {
    @Test(
        arguments: [
            ("/", Endpoint.page), ("/?x", .page), ("/healthz", .health), ("/echo?a=b", .echo), ("/upload", .upload),
            ("/ws", .webSocket), ("/bytes/0", .bytes(0)), ("/bytes/10000000000", .bytes(10_000_000_000)),
            ("/bytes/9223372036854775807", .bytes(UInt64(Int64.max))),
            ("/bytes/9223372036854775808", .wrong(.bytes)), ("/bytes/99999999999999999999999", .wrong(.bytes)),
            ("/bytes/", .wrong(.bytes)), ("/bytes/-1", .wrong(.bytes)), ("/bytes/1x", .wrong(.bytes)),
            ("/status/200", .status(200)), ("/status/599", .status(599)), ("/status/199", .wrong(.status)),
            ("/status/600", .wrong(.status)), ("/status/", .wrong(.status)),
            ("/slow", .slow(milliseconds: 1000)), ("/slow?ms=0", .slow(milliseconds: 0)),
            ("/slow?x=1&ms=60000", .slow(milliseconds: 60_000)), ("/slow?ms=60001", .wrong(.milliseconds)),
            ("/slow?ms=", .wrong(.milliseconds)), ("/slow?ms", .wrong(.milliseconds)),
            ("/slow?ms=1&ms=2", .slow(milliseconds: 1)), ("/slow?&&ms=7&", .slow(milliseconds: 7)),
            ("/drip", .drip(lines: 10, milliseconds: 100)), ("/drip?ms=5&n=3", .drip(lines: 3, milliseconds: 5)),
            ("/drip?n=100001", .wrong(.lines)), ("/drip?ms=x", .wrong(.milliseconds)),
            ("", .unknown), ("*", .unknown), ("/healthz/", .unknown), ("/Echo", .unknown), ("/wss", .unknown),
        ]
    )
    func reads(target: String, endpoint: Endpoint) {
        #expect(Endpoint(Array(target.utf8).span) == endpoint)
    }

    @Test("a name is safe in a header field, a page and JSON")
    func names() {
        #expect(AppName("app-01")?.description == "app-01")
        for text in ["", "a b", "a\"", "<b>", "é", "a\r\nx: y", String(repeating: "a", count: 65)] {
            #expect(AppName(text) == nil, "\(text)")
        }
    }
}

@Suite("JSON strings")
struct JSONTests {
    @Test(
        arguments: [
            ("", #""""#), ("plain é 😀", #""plain é 😀""#), ("a\"b\\c", #""a\"b\\c""#),
            ("\u{0}\u{1F}\u{7F}", #""\u0000\u001f\u007f""#), ("\n\r\t", #""\n\r\t""#), ("</script>", #""</script>""#),
        ]
    )
    func escapes(text: String, json: String) {
        let buffer = ByteBuffer(capacity: 16)
        JSON.append(Array(text.utf8).span, to: buffer)
        #expect(buffer.text == json)
    }

    @Test("ill-formed UTF-8 becomes U+FFFD")
    func repairs() {
        let buffer = ByteBuffer(capacity: 16)
        JSON.append([0x61, 0xFF, 0x62].span, to: buffer)
        #expect(buffer.text == "\"a\u{FFFD}b\"")
    }
}
