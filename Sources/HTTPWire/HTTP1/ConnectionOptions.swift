import Bytes

/// What the Connection fields say (RFC 9110 section 7.6.1).
///
/// A field that Connection names is for this hop alone and is marked so. That would let a client
/// strip what the app server relies upon: `Connection: authorization`, `cookie`, `x-forwarded-for`.
/// The RFC forbids senders to name a field meant for all recipients, so a message that names an
/// end-to-end field of those the gateway knows is refused. Naming Transfer-Encoding, which servers
/// in the field do, is harmless: it is hop-by-hop by itself, and read before it is dropped.
struct ConnectionOptions {
    var close = false
    var keepAlive = false
    var upgrade = false

    /// Whether the sender keeps the connection open (RFC 9112 section 9.3).
    func persists(in version: Version) -> Bool {
        !close && (version == .http10 ? keepAlive : true)
    }

    /// Reads every Connection field and marks the fields that they name.
    static func read(_ head: MessageHead, _ census: FieldCensus) -> Result<ConnectionOptions, RefusalReason> {
        var options = ConnectionOptions()
        guard census.has(.connection) else { return .success(options) }
        let bytes = head.bytes
        for field in head.fields where field.known == .connection {
            let value = bytes.span(field.value)
            var elements = ListElements()
            while let element = elements.next(in: value) {
                let option = value.extracting(element)
                if option.equalsIgnoringCase("keep-alive") {
                    options.keepAlive = true
                } else if option.equalsIgnoringCase("close") {
                    options.close = true
                } else if option.equalsIgnoringCase("upgrade") {
                    options.upgrade = true
                } else if !mark(option, in: head) {
                    return .failure(.connectionNamesEndToEndField)
                }
            }
        }
        return .success(options)
    }

    /// Whether a Connection field of `head` names `name`, which is in lower case.
    static func names(_ name: Span<UInt8>, in head: MessageHead) -> Bool {
        let bytes = head.bytes
        for field in head.fields where field.known == .connection {
            let value = bytes.span(field.value)
            var elements = ListElements()
            while let element = elements.next(in: value) {
                if value.extracting(element).equalsIgnoringCase(name) { return true }
            }
        }
        return false
    }

    /// Marks the fields of that name; false when it is one that must not be stripped.
    private static func mark(_ name: Span<UInt8>, in head: MessageHead) -> Bool {
        let bytes = head.bytes
        for index in head.fields.indices {
            let field = head.fields[index]
            guard bytes.span(field.name).equalsIgnoringCase(name) else { continue }
            if field.known != .other && !field.known.isHopByHop { return false }
            head.fields[index].isHopByHop = true
        }
        return true
    }
}
