import Site

/// The words that nft writes in place of numbers.
enum HeldWords {
    static let protocols: [String: UInt128] = [
        "hopopt": 0, "ip": 0, "icmp": 1, "igmp": 2, "ggp": 3, "ipencap": 4, "ipv4": 4, "st": 5, "tcp": 6, "egp": 8,
        "igp": 9, "pup": 12, "udp": 17, "hmp": 20, "xns-idp": 22, "rdp": 27, "iso-tp4": 29, "dccp": 33, "xtp": 36,
        "ddp": 37, "idpr-cmtp": 38, "ipv6": 41, "ipv6-route": 43, "ipv6-frag": 44, "idrp": 45, "rsvp": 46, "gre": 47,
        "esp": 50, "ipsec-esp": 50, "ah": 51, "ipsec-ah": 51, "skip": 57, "icmpv6": 58, "ipv6-icmp": 58,
        "ipv6-nonxt": 59, "ipv6-opts": 60, "comp": 108, "ipcomp": 108, "eigrp": 88, "ospf": 89, "ospfigp": 89,
        "ax.25": 93, "ipip": 94, "etherip": 97, "encap": 98, "pim": 103, "vrrp": 112, "l2tp": 115, "isis": 124,
        "sctp": 132, "fc": 133, "mobility-header": 135, "udplite": 136, "mpls-in-ip": 137, "manet": 138, "hip": 139,
        "shim6": 140, "wesp": 141, "rohc": 142, "ethernet": 143,
    ]

    static let families: [String: UInt128] = ["ipv4": 0, "ipv6": 1, "ip": 0, "ip6": 1]

    /// By address family (`meta nfproto`: AF_INET, AF_INET6) and by EtherType (`meta protocol`).
    static let familyNumbers: [Int: UInt128] = [2: 0, 10: 1, 0x0800: 0, 0x86DD: 1]

    static let states: [String: UInt128] = [
        "new": 0, "established": 1, "related": 2, "invalid": 3, "untracked": 4,
    ]

    /// A state as the kernel's bit for it (`ip_conntrack_info`), by which a listing without names has it.
    static let stateBits: [Int: UInt128] = [8: 0, 2: 1, 4: 2, 1: 3, 64: 4]

    /// Of the kinds of routes (rtnetlink(7)) those that a listing without names has by number.
    static let routeTypes: [Int: String] = [2: "local", 3: "broadcast", 5: "multicast"]

    static let flags: [String: UInt8] = [
        "fin": 1, "syn": 2, "rst": 4, "psh": 8, "ack": 16, "urg": 32, "ecn": 64, "cwr": 128,
    ]

    static let icmpTypes: [String: UInt128] = [
        "echo-reply": 0, "destination-unreachable": 3, "source-quench": 4, "redirect": 5, "echo-request": 8,
        "router-advertisement": 9, "router-solicitation": 10, "time-exceeded": 11, "parameter-problem": 12,
        "timestamp-request": 13, "timestamp-reply": 14, "info-request": 15, "info-reply": 16,
        "address-mask-request": 17, "address-mask-reply": 18,
    ]

    static let icmpCodes: [String: UInt128] = [
        "net-unreachable": 0, "host-unreachable": 1, "prot-unreachable": 2, "port-unreachable": 3, "frag-needed": 4,
        "net-prohibited": 9, "host-prohibited": 10, "admin-prohibited": 13,
    ]

    static let icmpv6Types: [String: UInt128] = [
        "destination-unreachable": 1, "packet-too-big": 2, "time-exceeded": 3, "parameter-problem": 4,
        "echo-request": 128, "echo-reply": 129, "mld-listener-query": 130, "mld-listener-report": 131,
        "mld-listener-done": 132, "mld-listener-reduction": 132, "nd-router-solicit": 133, "nd-router-advert": 134,
        "nd-neighbor-solicit": 135, "nd-neighbor-advert": 136, "nd-redirect": 137, "router-renumbering": 138,
        "ind-neighbor-solicit": 141, "ind-neighbor-advert": 142, "mld2-listener-report": 143,
    ]

    static let icmpv6Codes: [String: UInt128] = [
        "no-route": 0, "admin-prohibited": 1, "addr-unreachable": 3, "port-unreachable": 4, "policy-fail": 5,
        "reject-route": 6,
    ]
}

extension HeldField {
    /// Whether it is an interface, by name or index.
    var isInterface: Bool {
        switch self {
        case .inputInterface, .outputInterface, .inputIndex, .outputIndex: true
        default: false
        }
    }

    /// Whether the numbers here are in the kernel's order: states are bits there, and interfaces have indices that no list
    /// shows.
    var isOrdered: Bool { self != .state && !isInterface }

    /// The largest number that the field can hold.
    var last: UInt128 {
        switch self {
        case .family: 1
        case .inputInterface, .outputInterface, .inputIndex, .outputIndex, .source6, .destination6: .max
        case .source4, .destination4: 0xFFFF_FFFF
        case .sourcePort, .destinationPort, .anySourcePort, .anyDestinationPort: 0xFFFF
        case .transport, .icmpType, .icmpCode, .icmpv6Type, .icmpv6Code, .tcpFlags: 0xFF
        case .state: 4
        }
    }

    /// The numbers that one word, number, prefix or range of nft's JSON means for the field; nil when it is not known.
    func numbers(_ value: JSONValue) -> IntervalSet<UInt128>? {
        switch value {
        case .integer(let number) where self == .state: return HeldWords.stateBits[Int(number)].map { IntervalSet($0) }
        case .integer(let number) where self == .family:
            return HeldWords.familyNumbers[Int(number)].map { IntervalSet($0) }
        case .integer(let number):
            guard number >= 0, UInt128(number) <= last, !isInterface else { return nil }
            return IntervalSet(UInt128(number))
        case .string(let text): return numbers(text)
        case .object:
            if let bounds = value["range"]?.items, bounds.count == 2 {
                guard isOrdered, let low = numbers(bounds[0])?.single, let high = numbers(bounds[1])?.single,
                    low <= high
                else {
                    return nil
                }
                return IntervalSet([low...high])
            }
            if let prefix = value["prefix"], let first = prefix["addr"]?.integer, let length = prefix["len"]?.integer {
                return numbers(first, length)
            }
            if let prefix = value["prefix"], let text = prefix["addr"]?.text, let length = prefix["len"]?.integer {
                guard let address = IPAddress(text), (0...address.width).contains(length) else { return nil }
                let network = IPNetwork(containing: address, prefixLength: length)
                // `ip saddr & 255.255.0.0 == 10.1.2.0`, which never holds, is listed as the prefix 10.1.2.0/16.
                return network.address == address ? numbers(network) : nil
            }
            return nil
        default: return nil
        }
    }

    /// Ports that begin alike, which nft writes as it writes networks.
    private func numbers(_ first: Int, _ length: Int) -> IntervalSet<UInt128>? {
        guard last == 0xFFFF, (0...16).contains(length), (0...0xFFFF).contains(first) else { return nil }
        let free = UInt128(1) << UInt128(16 - length) - 1
        return UInt128(first) & free == 0 ? IntervalSet([UInt128(first)...UInt128(first) | free]) : nil
    }

    private func numbers(_ text: String) -> IntervalSet<UInt128>? {
        switch self {
        case .inputInterface, .outputInterface: return Self.interfaces(text)
        case .inputIndex, .outputIndex: return Self.interface(withIndex: text)
        case .source4, .destination4, .source6, .destination6:
            return IPAddress(text).flatMap { numbers(IPNetwork(containing: $0, prefixLength: $0.width)) }
        default: break
        }
        let words: [String: UInt128] =
            switch self {
            case .family: HeldWords.families
            case .transport: HeldWords.protocols
            case .icmpType: HeldWords.icmpTypes
            case .icmpCode: HeldWords.icmpCodes
            case .icmpv6Type: HeldWords.icmpv6Types
            case .icmpv6Code: HeldWords.icmpv6Codes
            case .state: HeldWords.states
            default: [:]
            }
        if let number = words[text] { return IntervalSet(number) }
        if self == .tcpFlags { return HeldWords.flags[text].map { IntervalSet(UInt128($0)) } }
        // Names of services are resolved by whoever listed the rules, if at all.
        guard let number = UInt128(text), number <= last else { return nil }
        return IntervalSet(number)
    }

    private func numbers(_ network: IPNetwork) -> IntervalSet<UInt128>? {
        switch (self, network.address, network.last) {
        case (.source4, .v4(let first), .v4(let last)), (.destination4, .v4(let first), .v4(let last)):
            IntervalSet([UInt128(first)...UInt128(last)])
        case (.source6, .v6(let first), .v6(let last)), (.destination6, .v6(let first), .v6(let last)):
            IntervalSet([first...last])
        default: nil
        }
    }

    /// The interface that has an index, by its name. For an index that no interface has a list has the number itself, also
    /// for 0, which is the index of those that a packet does not have; and there may be an interface of such a name.
    private static func interface(withIndex text: String) -> IntervalSet<UInt128>? {
        guard (1...15).contains(text.utf8.count), !text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return IntervalSet(InterfaceName.number(text))
    }

    /// A name, or the names that begin alike: a `*` at the end that no backslash stands before.
    private static func interfaces(_ text: String) -> IntervalSet<UInt128>? {
        // `*` alone stands for what no other element of the set holds.
        guard text.utf8.count <= 16, !text.isEmpty, text != "*" else { return nil }
        if text.hasSuffix("\\*") {
            let name = text.dropLast(2) + "*"
            return IntervalSet(InterfaceName.number(String(name)))
        }
        if text.hasSuffix("*") { return IntervalSet([InterfaceName.range(beginning: String(text.dropLast()))]) }
        return IntervalSet(InterfaceName.number(text))
    }
}

extension IntervalSet {
    /// The only number of the set; nil when there are none or several.
    var single: Bound? {
        guard ranges.count == 1, let range = ranges.first, range.lowerBound == range.upperBound else { return nil }
        return range.lowerBound
    }
}
