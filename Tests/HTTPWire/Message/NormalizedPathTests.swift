import Bytes
import HTTPWire
import Testing

@Suite struct NormalizedPathTests {
    @Test(arguments: [
        ("/", "/"), ("/a/b", "/a/b"), ("/a/b/", "/a/b/"), ("/a?b=/../c", "/a"), ("/?a", "/"), ("*", "*"),
        ("//a///b//", "/a/b/"), ("/./a/./b/.", "/a/b/"), ("/a/../b", "/b"), ("/a/b/..", "/a/"), ("/a/b/../", "/a/"),
        ("/..", "/"), ("/../../a", "/a"), ("/a/../..", "/"), ("/a//../b", "/b"), ("/...", "/..."),
        ("/.a/..b", "/.a/..b"),
        ("/%61%2Dz%7e", "/a-z~"), ("/%2e%2E/a", "/a"), ("/x/.%2e/a", "/a"), ("/x/%2e/a", "/x/a"),
        ("/a%2fb", "/a%2Fb"), ("/a%5cb", "/a%5Cb"), ("/x/..%2fa", "/x/..%2Fa"), ("/%252e%252e/a", "/%252e%252e/a"),
        ("/%zz%4", "/%zz%4"), ("/%", "/%"), ("/%00%c3%a9", "/%00%C3%A9"), ("/a/%2", "/a/%2"), ("/a\\b", "/a\\b"),
    ])
    func normalForm(_ target: String, _ expected: String) {
        let buffer = ByteBuffer(capacity: 4)
        buffer.append("what was there before")
        NormalizedPath.write(Array(target.utf8).span, to: buffer)
        #expect(buffer.text == expected)
    }

    @Test func isItsOwnNormalForm() {
        var random = SeededGenerator()
        let letters = Array("//..%2eE5ca?".utf8)
        for _ in 0..<5000 {
            let target = [UInt8(ascii: "/")] + (0..<20).map { _ in letters.randomElement(using: &random) ?? 0x2F }
            let once = ByteBuffer(capacity: 32)
            NormalizedPath.write(target.span, to: once)
            // Decoding happens once, so a path that decodes twice is not stable, and need not be.
            guard !once.text.contains("%") else { continue }
            let twice = ByteBuffer(capacity: 32)
            NormalizedPath.write(once.readable, to: twice)
            #expect(once.text == twice.text, "seed \(random.seed): \(target.span.text)")
            #expect(!once.text.contains("//") && !"\(once.text)/".contains("/../") && !"\(once.text)/".contains("/./"))
        }
    }
}
