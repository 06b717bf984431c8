import Site

/// What nft's text calls the numbers that libnftables lists: those of one field, or of several in a row.
enum ListedNames {
    case one([Int: String])
    case row([ListedNames?])

    /// The names of what is compared, looked up or set; nil where numbers are numbers.
    init?(of field: JSONValue) {
        guard let member = field.only else { return nil }
        let body = member.value
        let part = (body["key"] ?? body["field"] ?? body["result"])?.text ?? ""
        switch ([member.name, body["protocol"]?.text].compactMap(\.self).joined(separator: " "), part) {
        case ("meta", "l4proto"), ("payload ip", "protocol"), ("payload ip6", "nexthdr"): self = .one(Self.protocols)
        case ("meta", "nfproto"): self = .one([2: "ipv4", 10: "ipv6"])
        case ("meta", "pkttype"): self = .one(["host", "broadcast", "multicast", "other"].numbered)
        case ("ct", "state"): self = .one(Self.states)
        case ("ct", "status"): self = .one(Self.statuses)
        case ("ct", "direction"): self = .one(["original", "reply"].numbered)
        case ("payload tcp", "flags"): self = .one(HeldWords.flags.byNumber)
        case ("payload icmp", "type"): self = .one(HeldWords.icmpTypes.byNumber)
        case ("payload icmpv6", "type"): self = .one(HeldWords.icmpv6Types.byNumber)
        case ("payload icmp", "code"): self = .one(HeldWords.icmpCodes.byNumber)
        case ("payload icmpv6", "code"): self = .one(HeldWords.icmpv6Codes.byNumber)
        case ("fib", "type"): self = .one(HeldWords.routeTypes)
        case ("concat", _): self = .row(body.listed.map { ListedNames(of: $0) })
        case ("&", _):
            guard let masked = body.listed.first.flatMap({ ListedNames(of: $0) }) else { return nil }
            self = masked
        default: return nil
        }
    }

    /// The names of a set's elements, by their type; nil where numbers are numbers.
    init?(ofType type: JSONValue) {
        if case .array(let types) = type {
            self = .row(types.map { ListedNames(ofType: $0) })
            return
        }
        switch type.text {
        case "inet_proto": self = .one(Self.protocols)
        case "ct_state": self = .one(Self.states)
        case "ct_status": self = .one(Self.statuses)
        case "tcp_flag": self = .one(HeldWords.flags.byNumber)
        case "icmp_type": self = .one(HeldWords.icmpTypes.byNumber)
        case "icmpv6_type": self = .one(HeldWords.icmpv6Types.byNumber)
        default: return nil
        }
    }

    /// The codes by which a refusal says why.
    init(ofRefusal type: String) {
        switch type {
        case "icmp": self = .one(HeldWords.icmpCodes.byNumber)
        case "icmpv6": self = .one(HeldWords.icmpv6Codes.byNumber)
        default: self = .one(["no-route", "port-unreachable", "host-unreachable", "admin-prohibited"].numbered)
        }
    }

    subscript(number: Int) -> String? {
        if case .one(let names) = self { names[number] } else { nil }
    }

    /// The names of one field in the row.
    func part(_ index: Int) -> ListedNames? {
        if case .row(let parts) = self, parts.indices.contains(index) { parts[index] } else { nil }
    }

    /// As /etc/protocols has them, which nft asks.
    private static let protocols: [Int: String] = [
        1: "icmp", 2: "igmp", 4: "ipencap", 6: "tcp", 17: "udp", 33: "dccp", 41: "ipv6", 46: "rsvp", 47: "gre",
        50: "esp", 51: "ah", 58: "ipv6-icmp", 88: "eigrp", 89: "ospf", 94: "ipip", 103: "pim", 108: "ipcomp",
        112: "vrrp", 115: "l2tp", 132: "sctp", 136: "udplite",
    ]

    private static let states = Dictionary(
        uniqueKeysWithValues: HeldWords.stateBits.compactMap { bit, number in
            HeldWords.states.first { $0.value == number }.map { (bit, $0.key) }
        }
    )

    /// Bits of linux/netfilter/nf_conntrack_common.h.
    private static let statuses: [Int: String] = [
        1: "expected", 2: "seen-reply", 4: "assured", 8: "confirmed", 16: "snat", 32: "dnat", 512: "dying",
    ]

    /// A chain's place on its hook (linux/netfilter_ipv4.h): nft names what is at most ten from one that has a name.
    static func priority(_ number: Int, hook: String, family: String) -> String {
        var known = [(-300, "raw"), (-150, "mangle"), (0, "filter"), (50, "security")]
        if hook == "prerouting" { known.append((-100, "dstnat")) }
        if hook == "postrouting" { known.append((100, "srcnat")) }
        // Those of bridges are others.
        guard family != "bridge", let (place, name) = known.first(where: { abs($0.0 - number) <= 10 }) else {
            return "\(number)"
        }
        let distance = number - place
        return distance == 0 ? name : "\(name) \(distance < 0 ? "-" : "+") \(abs(distance))"
    }

    /// A span as nft writes it: `1d12h`.
    static func span(seconds: Int) -> String {
        var (rest, text) = (max(seconds, 0), "")
        for (unit, length) in [("d", 86_400), ("h", 3_600), ("m", 60)] where rest >= length {
            text += "\(rest / length)\(unit)"
            rest %= length
        }
        return rest > 0 || text.isEmpty ? "\(text)\(rest)s" : text
    }
}

extension [String] {
    /// The words by their places.
    fileprivate var numbered: [Int: String] { [Int: String](uniqueKeysWithValues: enumerated().map { ($0, $1) }) }
}

extension [String: UInt128] {
    /// The words by their numbers; of two with one number the first in the alphabet.
    fileprivate var byNumber: [Int: String] { [Int: String](map { (Int($1), $0) }) { Swift.min($0, $1) } }
}

extension [String: UInt8] {
    fileprivate var byNumber: [Int: String] { mapValues { UInt128($0) }.byNumber }
}
