package import Site

/// A new connection, as an example of many.
package struct Connection: Sendable, Hashable {
    package let source: IPAddress
    package let destination: IPAddress
    package let protocolNumber: ProtocolNumber
    /// As `TrafficSet` says: a port, or a type and code of ICMP.
    package let detail: UInt16

    package init(from source: IPAddress, to destination: IPAddress, _ number: ProtocolNumber, detail: UInt16) {
        self.source = source
        self.destination = destination
        protocolNumber = number
        self.detail = detail
    }

    /// The one that a packet begins.
    init(_ packet: Packet) {
        self.init(from: packet.source, to: packet.destination, packet.protocolNumber, detail: packet.detail)
    }
}

extension Connection: CustomStringConvertible {
    /// `tcp from 8.8.8.8 to 10.10.0.31 port 3306`, `esp from 8.8.8.8 to 10.10.0.31`
    package var description: String {
        let ends = "from \(source) to \(destination)"
        switch protocolNumber {
        case .icmp, .icmpv6: return "\(protocolNumber.text) type \(detail >> 8) \(ends)"
        default: return "\(protocolNumber.text) \(ends)" + (protocolNumber.hasPorts ? " port \(detail)" : "")
        }
    }
}
