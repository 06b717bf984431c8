import Site

/// The table that a rule stands in: reads the rule's statements, whose names mean what that table has.
struct HeldScope {
    let family: String
    let table: String
    let reader: HeldReader
    /// Whether packets take another way when their mark changes.
    let reroutes: Bool

    func statements(_ statement: JSONValue) -> [HeldStatement] {
        if case .string(let word) = statement { return [known(word, .null) ?? .unknown(word)] }
        guard let member = statement.only else { return [.unknown(statement.excerpt)] }
        switch member.name {
        case "log", "last": return []
        case "counter", "ct helper", "ct timeout", "ct expectation", "secmark":
            // Which of several objects a map says: for a packet that is not in it the rule ends.
            return member.value["map"] == nil ? [] : [.condition(.unknown(statement.excerpt))]
        case "notrack": return [.untracking]
        case "unread":
            let words = member.value["expressions"]?.items.compactMap(\.text).joined(separator: ", ") ?? ""
            return [.unknown("a rule that libnftables does not list, of \(words)")]
        case "match": return match(member.value).map { .condition($0) }
        case "limit", "ct count": return excess(statement, for: nil).map { .condition($0) }
        case "set", "map": return counted(member.value["elem"], member.value["stmt"], statement)
        case "meter": return counted(member.value["key"], member.value["stmt"], statement)
        case "mangle": return mangle(member.value)
        case "vmap": return [verdictMap(member.value) ?? .unknown(statement.excerpt)]
        case "quota": return [.condition(.unknown(statement.excerpt))]
        case "xt" where member.value["type"]?.text == "match": return [.condition(.unknown(statement.excerpt))]
        case "dnat", "snat": return translation(member.name, member.value)
        case "xt" where member.value["type"]?.text == "target": return [target(statement, member.value["name"]?.text)]
        default: return [known(member.name, member.value) ?? .unknown(statement.excerpt)]
        }
    }

    /// What iptables-nft hides from nft, of which the list has the name alone.
    private func target(_ statement: JSONValue, _ name: String?) -> HeldStatement {
        switch name {
        case "REJECT": .verdict(.reject)
        case "DNAT", "MASQUERADE", "NETMAP", "REDIRECT", "SNAT": .translation(.other(statement.excerpt))
        default: .unknown(statement.excerpt)
        }
    }

    private func known(_ word: String, _ value: JSONValue) -> HeldStatement? {
        switch word {
        case "masquerade": .translation(value.isEmpty ? .masquerade : .other(value.excerpt))
        case "redirect": .translation(.redirect(Self.target(value)))
        default: verdict(.object([.init(word, value)])).map { .verdict($0) }
        }
    }

    /// In a table of both families packets of the other family go on (`nft_nat_inet_eval`).
    private func translation(_ word: String, _ value: JSONValue) -> [HeldStatement] {
        let target = Self.target(value)
        let change = HeldStatement.translation(word == "dnat" ? .destination(target) : .source(target))
        guard let family = value["family"]?.text else { return [change] }
        guard let number = HeldWords.families[family] else { return [.unknown(value.excerpt)] }
        return [.condition(.fields([.family], entries: [[IntervalSet(number)]], isNegated: false)), change]
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
        // Marks and classes of service are never known here, so that nothing hangs on them but the way that a packet takes.
        case "meta" where !reroutes: return []
        case "ct", "tcp option": return []
        case "payload" where !reroutes && ["dscp", "ecn"].contains(member.value["field"]?.text): return []
        default: return [.unknown(value.excerpt)]
        }
    }

    /// What holds when a packet is above a limit. How much others take for too much is theirs: of their limits nothing is
    /// known.
    ///
    /// - Parameter key: by what a set tells apart what is counted.
    private func excess(_ statement: JSONValue, for key: HeldLimit.Key?) -> [HeldCondition] {
        guard isOwn, let member = statement.only, let limit = HeldLimit(member, key: key) else {
            return [.unknown(statement.excerpt)]
        }
        return [.excess(limit, isAbove: member.value["inv"]?.boolean ?? false)]
    }

    private var isOwn: Bool { family == TableName.own.family && table == TableName.own.name }

    /// A set that packets add to: the packet has what is added, and the element's own conditions hold.
    private func counted(_ key: JSONValue?, _ inner: JSONValue?, _ statement: JSONValue) -> [HeldStatement] {
        let counted = key?["elem"]?["val"] ?? key
        // A packet has a field whichever bits of it are counted.
        let element = counted?["&"]?.items.first ?? counted
        guard let element, let fields = fields(element) else { return [.condition(.unknown(statement.excerpt))] }
        let all = fields.map { IntervalSet([0...$0.last]) }
        let mask = counted?["&"]?.items.last?.text
        let isKnown = fields.count == 1 && (mask != nil) == (counted?["&"] != nil)
        let key = isKnown ? HeldLimit.Key(fields[0], mask: mask) : nil
        let held = (inner?.listed ?? []).flatMap { $0.only?.name == "counter" ? [] : excess($0, for: key) }
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
        guard let element = element.lastingElement else { return nil }
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
        // With anything else it is another thing: a direction of a connection, a header inside a tunnel.
        guard case .object(let parts) = value, parts.allSatisfy({ ["key", "protocol", "field"].contains($0.name) })
        else { return nil }
        switch (member.name, value["protocol"]?.text ?? value["key"]?.text, value["field"]?.text) {
        case ("meta", "iifname"?, _), ("meta", "iif"?, _): return .inputInterface
        case ("meta", "oifname"?, _), ("meta", "oif"?, _): return .outputInterface
        case ("meta", "l4proto"?, _): return .transport
        case ("meta", "nfproto"?, _), ("meta", "protocol"?, _): return .family
        case ("ct", "state"?, _): return .state
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
    /// An element without what is said of it; nil when something makes that it counts now and not later, or only for some
    /// packets: an end, a limit.
    fileprivate var lastingElement: JSONValue? {
        guard let element = self["elem"] else { return self }
        guard case .object(let parts) = element,
            parts.allSatisfy({ ["val", "comment", "counter", "last"].contains($0.name) })
        else { return nil }
        return element["val"]
    }

    /// Whether there is nothing in it.
    fileprivate var isEmpty: Bool { self == .null || self == .object([]) }
}
