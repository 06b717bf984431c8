/// A name server, by its address.
package struct NameServer: Sendable, Hashable {
    package var address: IPAddress
    package var port: UInt16

    package init(address: IPAddress, port: UInt16 = 53) {
        self.address = address
        self.port = port
    }
}

extension NameServer: CustomStringConvertible {
    /// Reads `10.0.0.53`, `10.0.0.53:5353`, `2001:db8::53` or `[2001:db8::53]:5353`.
    init(text: String) throws(ValueFault) {
        let colons = text.utf8.count { $0 == UInt8(ascii: ":") }
        guard text.hasPrefix("[") || colons == 1, let colon = text.lastIndex(of: ":") else {
            self.init(address: try IPAddress(text: text))
            return
        }
        guard let port = UInt16(text[text.index(after: colon)...]), port > 0 else {
            throw ValueFault("has no port after its last colon", help: "write it like `10.0.0.53:53`")
        }
        var host = text[..<colon]
        if host.hasPrefix("[") {
            guard host.hasSuffix("]") else { throw ValueFault("has no `]`", help: "write it like `[2001:db8::53]:53`") }
            host = host.dropFirst().dropLast()
        }
        self.init(address: try IPAddress(text: String(host)), port: port)
    }

    /// With its port, as c-ares reads it.
    package var description: String {
        switch address {
        case .v4: "\(address):\(port)"
        case .v6: "[\(address)]:\(port)"
        }
    }
}
