/// The name of an app server, which stands in a header field, a page and JSON: so it needs no escaping anywhere.
package struct AppName: Equatable, Sendable, CustomStringConvertible {
    package let description: String
    internal let bytes: [UInt8]

    /// - Parameter text: 1 to 64 letters, digits, dots, hyphens and underscores of ASCII; otherwise nil.
    package init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard (1...64).contains(bytes.count), bytes.allSatisfy(Self.isUsable) else { return nil }
        description = text
        self.bytes = bytes
    }

    private static func isUsable(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
