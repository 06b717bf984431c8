extension SiteService: CustomStringConvertible {
    /// The protocols that have a name here, with IANA's numbers. `ipip` is none: it is 4 to Linux's tunnels, and 94 to
    /// `/etc/protocols` and so to nft.
    package static let protocols: [String: UInt8] = [
        "ah": 51, "esp": 50, "gre": 47, "igmp": 2, "ospf": 89, "sctp": 132, "vrrp": 112,
    ]

    /// What no service of a site may be called.
    static let reserved = Set(protocols.keys).union([FirewallRule.icmp])

    /// What may be written where a service is meant.
    static let form = "write the name of a service, a port such as `tcp/443`, or a protocol such as `esp` or `ip/112`"

    private static let names = Dictionary(uniqueKeysWithValues: protocols.map { ($1, $0) })

    /// What a protocol is called here; nil for those that go by their number, and for TCP, UDP and ICMP.
    package static func name(ofProtocol number: UInt8) -> String? { names[number] }

    /// Whether a word is an attempt at a service written out rather than at a name.
    static func isMeant(by word: String) -> Bool {
        word.contains("/") || word.utf8.allSatisfy { (0x30...0x39).contains($0) }
            || protocols[word] != nil || Transport(rawValue: word) != nil
    }

    /// Reads `tcp/443`, `udp/60000-61000`, `esp` or `ip/112`.
    package init(text: String) throws(ValueFault) {
        if let number = Self.protocols[text] {
            self = .whole(number)
            return
        }
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let word = String(parts[0])
        guard parts.count == 2 else {
            guard Transport(rawValue: word) != nil else { throw ValueFault("is no service", help: Self.form) }
            throw ValueFault("has no port", help: "write `\(word)/443`, or `\(word)/1-65535` for every port")
        }
        if word == "ip" {
            self = .whole(try Self.number(parts[1]))
        } else if let transport = Transport(rawValue: word) {
            self = .ports(transport, try Self.range(parts[1]))
        } else if Self.reserved.contains(word) {
            throw ValueFault("names a port, and `\(word)` has none", help: "write `\(word)`")
        } else {
            throw ValueFault("has an unknown transport", help: "write `tcp/443`, `udp/53`, `sctp/2905` or `ip/112`")
        }
    }

    private static func range(_ text: Substring) throws(ValueFault) -> ClosedRange<UInt16> {
        let bounds = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        let ports = bounds.compactMap(Self.port)
        guard ports.count == bounds.count, let first = ports.first, let last = ports.last else {
            throw ValueFault("has no good port", help: "ports are numbers from 1 to 65535")
        }
        guard first <= last else {
            throw ValueFault("has its range the wrong way round", help: "write the smaller first")
        }
        return first...last
    }

    private static func port(_ text: Substring) -> UInt16? {
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), text.first != "0", let port = UInt16(text) else {
            return nil
        }
        return port
    }

    /// The number of a protocol that a line may be about as a whole.
    private static func number(_ text: Substring) throws(ValueFault) -> UInt8 {
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), text == "0" || text.first != "0",
            let number = UInt8(text)
        else { throw ValueFault("has no good number", help: "protocols are numbers from 0 to 255, as in `ip/112`") }
        switch number {
        case 6: throw ValueFault("is TCP", help: "write its ports: `tcp/443`, or `tcp/1-65535` for every one")
        case 17: throw ValueFault("is UDP", help: "write its ports: `udp/53`, or `udp/1-65535` for every one")
        case 1, 58: throw ValueFault("is ICMP", help: "a line's `services` and a test have `icmp` for it")
        // RFC 8200, section 4: hop-by-hop options, routing, fragment, destination options.
        case 0, 43, 44, 60:
            throw ValueFault(
                "is a header of IPv6, which rules look past",
                help: "write the protocol that stands behind it"
            )
        default: return number
        }
    }

    /// As a site file writes it.
    package var description: String {
        switch self {
        case .ports(let transport, let ports):
            "\(transport.rawValue)/\(ports.lowerBound)" + (ports.count > 1 ? "-\(ports.upperBound)" : "")
        case .whole(let number): Self.name(ofProtocol: number) ?? "ip/\(number)"
        }
    }
}
