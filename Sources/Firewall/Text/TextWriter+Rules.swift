import Site

extension TextWriter {
    mutating func write(_ set: NamedSet) {
        var flags: [String] = []
        if set.isInterval { flags.append("interval") }
        put(set.kind == .verdicts ? "\tmap " : "\tset ")
        line("\(set.name) {", set.label)
        line("\t\ttype \(set.selector.typeName)\(set.kind == .verdicts ? " : verdict" : "")", set.label)
        if case .dynamic(let size, let timeout) = set.kind {
            flags.append("dynamic")
            line("\t\tsize \(size)", set.label)
            if timeout != nil { flags.append("timeout") }
        }
        if !flags.isEmpty { line("\t\tflags \(flags.joined(separator: ","))", set.label) }
        if case .dynamic(_, let timeout?) = set.kind { line("\t\ttimeout \(timeout)s", set.label) }
        if !set.elements.isEmpty {
            line("\t\telements = {", set.label)
            write(set.elements)
            line("\t\t}", set.label)
        }
        line("\t}", set.label)
    }

    mutating func write(_ chain: Chain) {
        line("\tchain \(chain.name) {")
        if let hook = chain.hook { line("\t\t\(hook.rawValue)") }
        for index in chain.rules.indices {
            put("\t\t")
            write(chain.rules[index])
            end(chain.rules[index].label)
        }
        line("\t}")
    }

    private mutating func write(_ rule: Rule) {
        var words = false
        let separate = { (writer: inout TextWriter) in
            if words { writer.put(" ") }
            words = true
        }
        for index in rule.matches.indices {
            separate(&self)
            write(rule.matches[index])
        }
        if rule.hasCounter {
            separate(&self)
            put("counter")
        }
        if let prefix = rule.logPrefix {
            separate(&self)
            put("log prefix \"\(Word.safe(prefix)): \"")
        }
        if rule.action != .proceed {
            separate(&self)
            write(rule.action)
        }
        let comment = [rule.label?.text, rule.note].compactMap(\.self)
        if !comment.isEmpty { put(" comment \"\(Word.comment(comment.joined(separator: ", ")))\"") }
    }

    private mutating func write(_ action: Action) {
        switch action {
        case .proceed: break
        case .verdict(let verdict): write(verdict)
        case .rejectByReset: put("reject with tcp reset")
        case .rejectByMessage: put("reject with icmpx admin-prohibited")
        case .lookup(let selector, let elements):
            put("\(selector.text) vmap { ")
            list(elements, ", ") { writer, element in
                writer.write(element.key)
                guard let verdict = element.verdict else { return }
                writer.put(" : ")
                writer.write(verdict)
            }
            put(" }")
        case .lookupNamed(let selector, let name): put("\(selector.text) vmap @\(name)")
        case .masquerade: put("masquerade")
        case .translateSource(let address):
            put("snat \(address.width == 32 ? "ip" : "ip6") to ")
            write(address)
        case .translateDestination(let address, let port):
            put("dnat \(address.width == 32 ? "ip" : "ip6") to ")
            // With a port an IPv6 address needs brackets.
            if address.width == 128, port != nil { put("[") }
            write(address)
            if address.width == 128, port != nil { put("]") }
            if let port { put(":\(port)") }
        }
    }

    private mutating func write(_ match: Match) {
        switch match {
        case .among(let selector, let keys): compare(selector, "", keys)
        case .outside(let selector, let keys): compare(selector, "!= ", keys)
        case .amongNamed(let selector, let name): put("\(selector.text) @\(name)")
        case .outsideNamed(let selector, let name): put("\(selector.text) != @\(name)")
        case .family(let family): put("meta nfproto \(family.rawValue)")
        case .flags(let mask, let value): compareFlags(mask, "==", value)
        case .otherFlags(let mask, let value): compareFlags(mask, "!=", value)
        case .before(let second): put("meta time < \(second)")
        case .oddity(let oddity): put(oddity.text)
        case .unconfirmed: put("ct status ! confirmed")
        case .above(let measure, let family, let set):
            switch measure {
            case .rate(let rate):
                put("update @\(set) { \(family.sourceKey) limit rate over \(rate.text) }")
            case .connections(let count):
                put("add @\(set) { \(family.sourceKey) ct count over \(count) }")
            }
        case .within(let rate, let family, let set):
            put("update @\(set) { \(family.sourceKey) limit rate \(rate.text) }")
        }
    }

    private mutating func compareFlags(_ mask: UInt8, _ sign: String, _ value: UInt8) {
        put("tcp flags ")
        if mask != 0xFF { put("& (\(TCPFlags.text(mask))) ") }
        put("\(sign) \(TCPFlags.text(value))")
    }

    private mutating func compare(_ selector: Selector, _ sign: String, _ keys: [ElementKey]) {
        put("\(selector.text) \(sign)")
        // A concatenation is compared with sets alone.
        if keys.count == 1, !selector.isConcatenation { return write(keys[0]) }
        put("{ ")
        list(keys, ", ") { $0.write($1) }
        put(" }")
    }
}

extension Selector {
    fileprivate var isConcatenation: Bool {
        switch self {
        case .service, .icmpCode: true
        default: false
        }
    }

    /// The expression.
    var text: String {
        switch self {
        case .inputInterface: "iifname"
        case .outputInterface: "oifname"
        case .source(.v4): "ip saddr"
        case .source(.v6): "ip6 saddr"
        case .destination(.v4): "ip daddr"
        case .destination(.v6): "ip6 daddr"
        case .service: "meta l4proto . th dport"
        case .port(.tcp): "tcp dport"
        case .port(.udp): "udp dport"
        case .port(.sctp): "sctp dport"
        case .port(let number): "meta l4proto \(number.rawValue) th dport"
        case .sourcePort: "th sport"
        case .protocolNumber: "meta l4proto"
        case .icmpType(.v4): "icmp type"
        case .icmpType(.v6): "icmpv6 type"
        case .icmpCode(.v4): "icmp type . icmp code"
        case .icmpCode(.v6): "icmpv6 type . icmpv6 code"
        case .state: "ct state"
        }
    }

    /// The type of a set's elements.
    var typeName: String {
        switch self {
        case .inputInterface, .outputInterface: "ifname"
        case .source(.v4), .destination(.v4): "ipv4_addr"
        case .source(.v6), .destination(.v6): "ipv6_addr"
        case .service: "inet_proto . inet_service"
        case .port, .sourcePort: "inet_service"
        case .protocolNumber: "inet_proto"
        case .icmpType(.v4): "icmp_type"
        case .icmpType(.v6): "icmpv6_type"
        case .icmpCode(.v4): "icmp_type . icmp_code"
        case .icmpCode(.v6): "icmpv6_type . icmpv6_code"
        case .state: "ct_state"
        }
    }
}

extension PacketOddities {
    /// The expression of a single oddity that the packet shows.
    fileprivate var text: String {
        switch self {
        case .withoutReturnPath: "fib saddr . iif oif missing"
        case .broadcastSource: "fib saddr type { broadcast, multicast }"
        case .smallSegments: "tcp option maxseg size < 536"
        case .throughRouter: "ip6 hoplimit != 255"
        case .toOwnAddress: "fib daddr type local"
        case .redirected: "ct status dnat"
        // `Match.oddity` promises it.
        default: fatalError("a match names one oddity, and limits have matches of their own")
        }
    }
}

extension AddressFamily {
    /// What a limit takes for one source: an IPv4 address, and in IPv6 the 64 bits before the interface's identifier,
    /// because a host may have every address below them (RFC 4291, section 2.5.4).
    fileprivate var sourceKey: String {
        switch self {
        case .v4: "ip saddr"
        case .v6: "ip6 saddr & ffff:ffff:ffff:ffff::"
        }
    }
}

extension RuleLimit.Rate {
    fileprivate var text: String {
        let unit =
            switch perSeconds {
            case ..<60: "second"
            case ..<3600: "minute"
            case ..<86_400: "hour"
            default: "day"
            }
        return "\(count)/\(unit) burst \(burst) packets"
    }
}

/// The bits of TCP's byte of flags (RFC 9293, section 3.1).
enum TCPFlags {
    private static let names = ["fin", "syn", "rst", "psh", "ack", "urg", "ecn", "cwr"]

    static func text(_ bits: UInt8, separator: String = " | ") -> String {
        guard bits != 0 else { return "0x0" }
        return names.indices.filter { bits & 1 << UInt8($0) != 0 }.map { names[$0] }.joined(separator: separator)
    }

    /// Of the flags in `mask` those that are set, as nft lists it: `syn / fin,syn`.
    static func text(mask: UInt8, value: UInt8) -> String {
        mask == 0xFF ? text(value, separator: ",") : "\(text(value, separator: ",")) / \(text(mask, separator: ","))"
    }
}
