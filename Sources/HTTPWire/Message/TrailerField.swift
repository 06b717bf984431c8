import Bytes

/// Which fields may stand in a trailer section that is passed on (RFC 9110 section 6.5.1).
///
/// What frames a message, routes it, says who asks or controls how it is handled belongs to the head: behind the body it comes
/// too late for the gateway, and a server that merges trailers into its head would believe it of the client. Such
/// fields are dropped, the others go through, still as trailers.
package enum TrailerField {
    /// Whether a field of this name is dropped.
    ///
    /// - Parameter name: in lower case.
    static func isForbidden(_ name: Span<UInt8>, known: FieldName) -> Bool {
        // Whatever the gateway acts upon, it acts upon in the head alone.
        if known != .other { return true }
        for prefix in prefixes where starts(name, with: prefix) { return !isDigest(name) }
        for forbidden in names where name.equals(forbidden) { return true }
        return false
    }

    /// Marks those trailers that the head's Connection names, so that they are not passed on.
    package static func mark(_ trailers: MessageHead, of head: MessageHead) {
        let text = trailers.bytes
        for index in trailers.fields.indices {
            if ConnectionOptions.names(text.span(trailers.fields[index].name), in: head) {
                trailers.fields[index].isHopByHop = true
            }
        }
    }

    private static let prefixes: [StaticString] = ["content-", "if-", "proxy-", "x-forwarded-"]

    private static let names: [StaticString] = [
        "age", "cache-control", "expires", "http2-settings", "max-forwards", "pragma", "range", "vary", "warning",
        "www-authenticate",
    ]

    /// Content-Digest is made for trailers (RFC 9530 section 2).
    private static func isDigest(_ name: Span<UInt8>) -> Bool { name.equals("content-digest") }

    private static func starts(_ name: Span<UInt8>, with prefix: StaticString) -> Bool {
        let length = prefix.utf8CodeUnitCount
        return name.count >= length && name.extracting(first: length).equals(prefix)
    }
}
