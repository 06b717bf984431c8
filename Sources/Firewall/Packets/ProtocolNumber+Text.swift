import Site

extension ProtocolNumber {
    /// As a site file names it, but for ICMP, which is one word there for both families.
    package var text: String {
        switch self {
        case .tcp: "tcp"
        case .udp: "udp"
        case .icmp: "icmp"
        case .icmpv6: "icmpv6"
        default: SiteService.whole(rawValue).description
        }
    }

    /// As names of chains have it, in which no slash may be.
    var word: String { text.replacing("ip/", with: "protocol_") }

    /// A protocol as `text` writes it, or its number.
    package init?(word: String) {
        let known: [ProtocolNumber] = [.tcp, .udp, .icmp, .icmpv6]
        let digits = word.hasPrefix("ip/") ? word.dropFirst(3) : word[...]
        if let named = known.first(where: { $0.text == word }) {
            self = named
        } else if let number = SiteService.protocols[word] ?? UInt8(digits) {
            self.init(rawValue: number)
        } else {
            return nil
        }
    }
}
