import Bytes

/// The request ids that are taken over from a peer (X-Request-Id). They end in logs, error pages and
/// the app server's fields, so they hold nothing that one of these would have to escape.
package enum RequestID {
    /// Bytes that an id may have.
    package static let longest = 128

    /// 1 to 128 characters of UUIDs, ULIDs, base64 and trace ids: letters, digits, `-._~+/=:@`.
    package static func isValid(_ id: Span<UInt8>) -> Bool {
        guard !id.isEmpty && id.count <= longest else { return false }
        for index in id.indices {
            switch id[index] {
            case UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "="), UInt8(ascii: ":"), UInt8(ascii: "@"): continue
            case let byte: guard byte.isUnreserved else { return false }
            }
        }
        return true
    }
}
