import HTTPWire
import Testing

@Suite struct AuthorityTests {
    @Test(
        arguments: [
            ("foobar.com", 10, nil), ("FooBar.com:8443", 10, 8443), ("192.0.2.1:0", 9, 0), ("a:65535", 1, 65535),
            ("[::]", 4, nil), ("[::1]:443", 5, 443), ("[2001:db8::1]", 13, nil), ("[1:2:3:4:5:6:7:8]", 17, nil),
            ("[::ffff:192.0.2.1]", 18, nil), ("[1::]", 5, nil), ("[1:2:3:4:5:6:1.2.3.4]", 21, nil), ("a_b-c~d", 7, nil),
            ("a%41!$&'()*+,;=", 15, nil), ("[1:2:3:4:5:6:7::]", 17, nil), ("[::2:3:4:5:6:7:8]", 17, nil),
        ] as [(String, Int, UInt16?)]
    )
    func valid(_ text: String, _ hostEnd: Int, _ port: UInt16?) throws {
        let bytes = Array(text.utf8)
        let read = Authority(bytes.span)
        let authority = try #require(read)
        #expect(authority.host == 0..<hostEnd && authority.port == port)
    }

    @Test(arguments: [
        "", ":80", "a:", "a:x", "a:65536", "a:000080", "a:-1", "a:80:80", "u@a", "u:p@a", "a b", "a/b", "a?b", "a#b",
        "a\\b", "a%4", "a%zz", "a%", "\u{E9}", "a\"", "<a>", "::1", "[", "[]", "[::1", "[::1]x", "[::1]:", "[:1]",
        "[1:]", "[1::2::3]", "[12345::]", "[1:2:3:4:5:6:7]", "[1:2:3:4:5:6:7:8:9]", "[1:2:3:4:5:6:7:8::]", "[::g]",
        "[::1%eth0]", "[v1.x]", "[1.2.3.4]", "[::1.2.3]", "[::256.1.1.1]", "[::01.1.1.1]", "[::1.2.3.4.5]", "[:::]",
        "[1:2:3:4:5:6:7:1.2.3.4]", "[::1]]", "a]",
    ])
    func invalid(_ text: String) {
        let bytes = text.unicodeScalars.map { UInt8($0.value) }
        let read = Authority(bytes.span)
        #expect(read == nil)
    }
}
