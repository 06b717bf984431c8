import Bytes

/// Upgrade (RFC 9110 section 7.8): honoured when Connection names it and the message is HTTP/1.1.
enum UpgradeField {
    /// Keeps the first Upgrade field's list whole. A list that holds another version of HTTP, or TLS,
    /// is ignored, as any server may: after such a switch requests would pass by the gateway unread.
    static func apply(to head: MessageHead, _ options: ConnectionOptions, _ census: FieldCensus) {
        guard options.upgrade, census.has(.upgrade), head.version == .http11, let value = head.first(.upgrade) else {
            return
        }
        let bytes = head.bytes
        let list = bytes.span(value)
        var elements = ListElements()
        while let element = elements.next(in: list) {
            let whole = list.extracting(element)
            let name = whole.extracting(0..<(whole.firstIndex(of: UInt8(ascii: "/")) ?? whole.count))
            if carriesRequests(name) { return }
        }
        head.upgrade = value
    }

    /// Whether requests would pass by the gateway unread once this protocol, named without its version, is spoken.
    static func carriesRequests(_ name: Span<UInt8>) -> Bool {
        name.equalsIgnoringCase("h2c") || name.equalsIgnoringCase("h2") || name.equalsIgnoringCase("http")
            || name.equalsIgnoringCase("tls")
    }
}
