import Site

/// The table that a rule stands in: reads the rule's statements, whose names mean what that table has.
struct HeldScope {
    let family: String
    let table: String
    let reader: HeldReader

    func statements(_ statement: JSONValue) -> [HeldStatement] {
        if case .string(let word) = statement { return [known(word, .null) ?? .unknown(word)] }
        guard let member = statement.only else { return [.unknown(statement.excerpt)] }
        switch member.name {
        case "counter", "log", "last", "dup", "ct helper", "ct timeout", "ct expectation", "secmark": return []
        // The state that a packet is in once it is not tracked is one of those that every proof goes through.
        case "notrack": return []
        case "match": return match(member.value).map { .condition($0) }
        case "limit", "ct count": return excess(statement).map { .condition($0) }
        case "set", "map": return counted(member.value["elem"], member.value["stmt"], statement)
        case "meter": return counted(member.value["key"], member.value["stmt"], statement)
        case "mangle": return mangle(member.value)
        case "vmap": return [verdictMap(member.value) ?? .unknown(statement.excerpt)]
        case "quota": return [.condition(.unknown(statement.excerpt))]
        default: return [known(member.name, member.value) ?? .unknown(statement.excerpt)]
        }
    }

    private func known(_ word: String, _ value: JSONValue) -> HeldStatement? {
        switch word {
        case "masquerade": .translation(value.isEmpty ? .masquerade : .other(value.excerpt))
        case "snat": .translation(.source(Self.target(value)))
        case "dnat": .translation(.destination(Self.target(value)))
        case "redirect": .translation(.redirect(Self.target(value)))
        default: verdict(.object([.init(word, value)])).map { .verdict($0) }
        }
    }

    /// `10.0.0.5`, `10.0.0.5:80`, `:80`, or the JSON itself where it is anything else.
    private static func target(_ value: JSONValue) -> String {
        let port = value["port"]
        guard value["flags"] == nil || value["flags"]?.listed.isEmpty == true else { return value.excerpt }
        let address: String
        switch value["addr"] {
        case nil: address = ""
        case .string(let text)?: address = text.contains(":") && port != nil ? "[\(text)]" : text
        default: return value.excerpt
        }
        switch port {
        case nil: return address
        case .integer(let number)?: return "\(address):\(number)"
        default: return value.excerpt
        }
    }

    private func verdict(_ value: JSONValue) -> HeldVerdict? {
        guard let member = value.only else { return nil }
        switch member.name {
        case "accept": return .accept
        case "drop": return .drop
        case "reject": return .reject
        case "continue": return .next
        case "return": return .back
        case "jump", "goto":
            guard let name = member.value["target"]?.text, let chain = reader.chain(name, self) else {
                return .unknown(value.excerpt)
            }
            return member.name == "jump" ? .jump(chain) : .goto(chain)
        default: return nil
        }
    }

    /// A change of what rules may ask for, or one that no rule here sees.
    private func mangle(_ value: JSONValue) -> [HeldStatement] {
        guard let member = value["key"]?.only else { return [.unknown(value.excerpt)] }
        switch member.name {
        // Marks are never known here, so that nothing hangs on them.
        case "meta", "ct", "tcp option": return []
        case "payload" where ["dscp", "ecn"].contains(member.value["field"]?.text): return []
        default: return [.unknown(value.excerpt)]
        }
    }

    /// What holds when a packet is above a limit.
    private func excess(_ statement: JSONValue) -> [HeldCondition] {
        guard let member = statement.only, case .object = member.value,
            ["limit", "ct count"].contains(member.name)
        else { return [.unknown(statement.excerpt)] }
        return [.oddity(.overLimit, isPresent: member.value["inv"]?.boolean ?? false)]
    }

    /// A set that packets add to: the packet has what is added, and the element's own conditions hold.
    private func counted(_ key: JSONValue?, _ inner: JSONValue?, _ statement: JSONValue) -> [HeldStatement] {
        let counted = key?["elem"]?["val"] ?? key
        // Which bits of the address are counted does not matter here.
        let element = counted?["&"]?.items.first ?? counted
        guard let element, let fields = fields(element) else { return [.condition(.unknown(statement.excerpt))] }
        let all = fields.map { IntervalSet([0...$0.last]) }
        let held = (inner?.listed ?? []).flatMap { $0.only?.name == "counter" ? [] : excess($0) }
        return ([.fields(fields, entries: [all], isNegated: false)] + held).map { .condition($0) }
    }

    private func verdictMap(_ value: JSONValue) -> HeldStatement? {
        guard let key = value["key"], let fields = fields(key), let data = value["data"],
            let pairs = elements(data, "set")
        else { return nil }
        var entries: [(key: HeldKey, verdict: HeldVerdict)] = []
        var places: [HeldVerdict: Int] = [:]
        var alike: [(ranges: [ClosedRange<UInt128>], verdict: HeldVerdict)] = []
        for pair in pairs {
            guard case .array(let parts) = pair, parts.count == 2, let verdict = verdict(parts[1]),
                let numbers = self.key(parts[0], fields)
            else { return nil }
            if fields.count > 1 {
                entries.append((numbers, verdict))
            } else if let place = places[verdict] {
                alike[place].ranges += numbers[0].ranges
            } else {
                places[verdict] = alike.count
                alike.append((numbers[0].ranges, verdict))
            }
        }
        entries += alike.map { ([IntervalSet($0.ranges)], $0.verdict) }
        return .verdictMap(fields: fields, entries: entries)
    }

    /// The elements of an anonymous set or map, or of the one that is named.
    func elements(_ value: JSONValue, _ word: String) -> [JSONValue]? {
        if case .string(let text) = value, text.hasPrefix("@") {
            return reader.elements(String(text.dropFirst()), self)
        }
        return value[word]?.listed
    }

    /// The numbers of an element, one set for each field.
    func key(_ element: JSONValue, _ fields: [HeldField]) -> HeldKey? {
        let element = element["elem"]?["val"] ?? element
        let parts = element["concat"]?.items ?? [element]
        guard parts.count == fields.count else { return nil }
        var key: HeldKey = []
        for (field, part) in zip(fields, parts) {
            guard let numbers = field.numbers(part) else { return nil }
            key.append(numbers)
        }
        return key
    }

    // MARK: - Fields

    /// The fields that an expression loads; nil when one of them is not known.
    func fields(_ value: JSONValue) -> [HeldField]? {
        guard let member = value.only else { return nil }
        if member.name == "concat" {
            var list: [HeldField] = []
            for part in member.value.items {
                guard let fields = fields(part), fields.count == 1 else { return nil }
                list += fields
            }
            return list.isEmpty ? nil : list
        }
        return field(member).map { [$0] }
    }

    private func field(_ member: JSONValue.Member) -> HeldField? {
        let value = member.value
        switch (member.name, value["protocol"]?.text ?? value["key"]?.text, value["field"]?.text) {
        case ("meta", "iifname"?, _), ("meta", "iif"?, _): return .inputInterface
        case ("meta", "oifname"?, _), ("meta", "oif"?, _): return .outputInterface
        case ("meta", "l4proto"?, _): return .transport
        case ("meta", "nfproto"?, _), ("meta", "protocol"?, _): return .family
        // With a direction it is another thing.
        case ("ct", "state"?, _) where value["dir"] == nil: return .state
        case ("payload", "ip"?, "saddr"?): return .source4
        case ("payload", "ip"?, "daddr"?): return .destination4
        case ("payload", "ip6"?, "saddr"?): return .source6
        case ("payload", "ip6"?, "daddr"?): return .destination6
        case ("payload", "th"?, "sport"?): return .anySourcePort
        case ("payload", "th"?, "dport"?): return .anyDestinationPort
        case ("payload", "tcp"?, "flags"?): return .tcpFlags
        case ("payload", "icmp"?, "type"?): return .icmpType
        case ("payload", "icmp"?, "code"?): return .icmpCode
        case ("payload", "icmpv6"?, "type"?): return .icmpv6Type
        case ("payload", "icmpv6"?, "code"?): return .icmpv6Code
        case ("payload", let word?, "sport"?): return ProtocolNumber.withPorts(word).map { .sourcePort($0) }
        case ("payload", let word?, "dport"?): return ProtocolNumber.withPorts(word).map { .destinationPort($0) }
        default: return nil
        }
    }
}

extension ProtocolNumber {
    /// A protocol that has ports, by nft's word.
    static func withPorts(_ word: String) -> ProtocolNumber? {
        switch word {
        case "tcp": .tcp
        case "udp": .udp
        case "sctp": .sctp
        case "dccp": .dccp
        case "udplite": .udpLite
        default: nil
        }
    }
}

extension JSONValue {
    /// Whether there is nothing in it.
    fileprivate var isEmpty: Bool { self == .null || self == .object([]) }
}
