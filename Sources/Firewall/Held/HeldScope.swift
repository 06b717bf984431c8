import Site

/// The table that a rule stands in: reads the rule's statements, whose names mean what that table has.
struct HeldScope {
    let family: String
    let table: String
    let reader: HeldReader
    /// Whether packets take another way when their mark changes.
    let reroutes: Bool
    /// Whether what nft lists of the rule is what the kernel asks for: its expressions were looked at, or it is one of the
    /// compiler's. Else nft may have left out a condition, or made one of two.
    let isChecked: Bool

    func statements(_ statement: JSONValue) -> [HeldStatement] {
        if case .string(let word) = statement { return [known(word, .null) ?? .unknown(word)] }
        guard let member = statement.only else { return [.unknown(statement.excerpt)] }
        switch member.name {
        case "log", "last": return []
        // For a packet that does not begin a connection the rule ends (`nft_ct_expect_obj_eval`).
        case "ct expectation": return [.condition(.unknown(statement.excerpt))]
        case "counter", "ct helper", "ct timeout", "secmark":
            // Which of several objects a map says: for a packet that is not in it the rule ends.
            return member.value["map"] == nil ? [] : [.condition(.unknown(statement.excerpt))]
        case "notrack": return [.untracking]
        case "unlisted": return [.condition(.unknown(member.value.text ?? statement.excerpt))]
        case "unread":
            let words = member.value["expressions"]?.items.compactMap(\.text).joined(separator: ", ") ?? ""
            return [.unknown("a rule that libnftables does not list, of \(words)")]
        case "match":
            let conditions = match(member.value)
            let fields = conditions.flatMap { if case .fields(let fields, _, _) = $0 { fields } else { [HeldField]() } }
            return conditions.map { .condition($0) } + unlisted(fields)
        case "limit", "ct count": return excess(statement).map { .condition($0) }
        case "set", "map":
            let set = (member.value["set"] ?? member.value["map"])?.text.map { String($0.drop { $0 == "@" }) }
            return counted(member.value["elem"], member.value["stmt"], in: set, member.value["op"]?.text, statement)
        case "meter": return counted(member.value["key"], member.value["stmt"], in: nil, nil, statement)
        case "mangle": return mangle(member.value)
        case "vmap": return verdictMap(member.value) ?? [.unknown(statement.excerpt)]
        case "reject": return reject(member.value)
        case "quota": return [.condition(.unknown(statement.excerpt))]
        case "xt" where member.value["type"]?.text == "match":
            // iptables' `-m comment` holds of every packet (`comment_mt`).
            return member.value["name"]?.text == "comment" ? [] : [.condition(.unknown(statement.excerpt))]
        case "dnat", "snat": return lookups(in: member) + translation(member.name, member.value)
        case "masquerade", "redirect":
            return lookups(in: member) + [known(member.name, member.value) ?? .unknown(statement.excerpt)]
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
        guard value["flags"] == nil || value["flags"]?.listed.isEmpty == true else { return value.line }
        let address: String
        switch value["addr"] {
        case nil: address = ""
        case .string(let text)?: address = text.contains(":") && port != nil ? "[\(text)]" : text
        default: return value.line
        }
        switch port {
        case nil: return address
        case .integer(let number)?: return "\(address):\(number)"
        default: return value.line
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

    /// A refusal for packets of one family or protocol asks for it first, which nft does not list.
    private func reject(_ value: JSONValue) -> [HeldStatement] {
        switch value["type"]?.text {
        case nil, "icmpx"?: return [.verdict(.reject)]
        case "icmp"?: return [Self.only(.family, 0), .verdict(.reject)]
        case "icmpv6"?: return [Self.only(.family, 1), .verdict(.reject)]
        case "tcp reset"?: return [Self.only(.transport, Self.tcp)] + unlisted([.tcpFlags]) + [.verdict(.reject)]
        default: return [.unknown(JSONValue.object([.init("reject", value)]).excerpt)]
        }
    }

    /// A condition that nft leaves out of its list.
    private static func only(_ field: HeldField, _ number: UInt128) -> HeldStatement {
        .condition(.fields([field], entries: [[IntervalSet(number)]], isNegated: false))
    }

    private static let tcp = UInt128(ProtocolNumber.tcp.rawValue)

    /// In tables of IPv6 alone nft does not list by what the kernel asks for the protocol that has these fields: by `meta
    /// l4proto`, or by `ip6 nexthdr`, which packets with extension headers do not fulfil. Nor does it list a protocol without
    /// ports before ports of any.
    func unlisted(_ fields: [HeldField]) -> [HeldStatement] {
        if !isChecked, fields.contains(.anySourcePort) || fields.contains(.anyDestinationPort) {
            return [.condition(.unknown("`meta l4proto`, which nft may have left out of its list"))]
        }
        guard family == HeldFamily.ip6.rawValue, fields.contains(where: \.isBehindHeader) else { return [] }
        return [.condition(.unknown("`ip6 nexthdr`, which nft may have left out of its list"))]
    }

    /// A change of what rules may ask for, or one that no rule here sees. Where what is set is looked up or read from the
    /// packet, a packet without it ends the rule.
    private func mangle(_ value: JSONValue) -> [HeldStatement] {
        let text = JSONValue.object([.init("mangle", value)]).excerpt
        guard let member = value["key"]?.only, let new = value["value"] else { return [.unknown(text)] }
        let unknown = HeldStatement.condition(.unknown(text))
        let asked = Self.isAlwaysThere(new) ? [] : [unknown]
        let field = (member.value["key"] ?? member.value["field"])?.text ?? ""
        switch member.name {
        // Marks and classes of service are never known here, so that nothing hangs on them but the way that a packet takes.
        case "meta" where !reroutes && ["mark", "priority", "nftrace"].contains(field): return asked
        // Zones are for the whole ruleset: see `HeldRuleset.zoning`.
        case "ct" where ["mark", "label", "event", "secmark", "zone"].contains(field): return asked
        case "payload" where !reroutes && ["dscp", "ecn"].contains(field):
            guard let number = HeldWords.families[member.value["protocol"]?.text ?? ""] else { break }
            return [Self.only(.family, number)] + asked
        case "tcp option":
            // nft lists neither that it asks for TCP nor by which family's header.
            let asked = [Self.only(.transport, Self.tcp), unknown]
            let isLarge = new.integer.map { $0 >= 536 } ?? (new["rt"]?["key"]?.text == "mtu")
            return member.value["name"]?.text == "maxseg" && isLarge ? asked : asked + [.unknown(text)]
        default: break
        }
        return asked + [.unknown(text)]
    }

    /// Whether every packet has a value: it is a number or a word, or made of such and of the packet's mark.
    private static func isAlwaysThere(_ value: JSONValue) -> Bool {
        switch value {
        case .integer, .string, .boolean: return true
        case .array(let items): return items.allSatisfy(isAlwaysThere)
        case .object:
            guard let member = value.only else { return false }
            if member.name == "meta" { return member.value["key"]?.text == "mark" }
            return ["|", "&", "^", "<<", ">>"].contains(member.name) && isAlwaysThere(member.value)
        default: return false
        }
    }

    /// The condition that addresses and ports are found, when a change of addresses looks them up.
    private func lookups(in member: JSONValue.Member) -> [HeldStatement] {
        let isFound = ["addr", "port"].compactMap { member.value[$0] }.allSatisfy { part in
            guard case .object = part else { return true }
            return ["range", "prefix"].contains(part.only?.name)
        }
        return isFound ? [] : [.condition(.unknown(JSONValue.object([member]).excerpt))]
    }

    /// What holds when a packet is above a limit. How much others take for too much is theirs: of their limits nothing is
    /// known.
    ///
    /// - Parameter counting: the set that counts, by what it does so, and how it remembers; nil for all packets together.
    private func excess(
        _ statement: JSONValue,
        _ counting: (set: String, key: HeldLimit.Key?, memory: HeldLimit.Memory?)? = nil
    ) -> [HeldCondition] {
        guard isOwn, let member = statement.only, let measure = LimitMeasure(member) else {
            return [.unknown(statement.excerpt)]
        }
        let limit = HeldLimit(measure, set: counting?.set ?? "", key: counting?.key, memory: counting?.memory)
        return [.excess(limit, isAbove: member.value["inv"]?.boolean ?? false)]
    }

    /// Whether the table is ours.
    var isOwn: Bool { TableName.isOwn(family, table) }

    /// A set that packets add to: the packet has what is added, and the element's own conditions hold. A set that is full
    /// ends the rule: for those that count that is known (docs/proofs.md), for others nobody knows it.
    ///
    /// - Parameters:
    ///   - inner: what counts in the element.
    ///   - set: its name; nil when it is no set by name.
    ///   - operation: `add` or `update`.
    private func counted(
        _ key: JSONValue?,
        _ inner: JSONValue?,
        in set: String?,
        _ operation: String?,
        _ statement: JSONValue
    ) -> [HeldStatement] {
        let counted = key?["elem"]?["val"] ?? key
        // A packet has a field whichever bits of it are counted.
        let element = counted?["&"]?.items.first ?? counted
        guard let element, let fields = fields(element) else { return [.condition(.unknown(statement.excerpt))] }
        let all = fields.map { IntervalSet([0...$0.last]) }
        let mask = counted?["&"]?.items.last?.text
        let isKnown = fields.count == 1 && (mask != nil) == (counted?["&"] != nil)
        let counter = isKnown ? HeldLimit.Key(fields[0], mask: mask) : nil
        // An element may have an end of its own, which is not the set's.
        let isPlain = key?["elem"].map { $0.only?.name == "val" } ?? true
        let held = (inner?.listed ?? []).flatMap { (statement: JSONValue) -> [HeldCondition] in
            if statement.only?.name == "counter" { return [] }
            let memory = isPlain ? set.flatMap { reader.memory($0, self, operation, statement) } : nil
            return excess(statement, (set ?? "", counter, memory))
        }
        let room = held.isEmpty ? [HeldCondition.unknown(statement.excerpt)] : held
        return ([.fields(fields, entries: [all], isNegated: false)] + room).map { .condition($0) } + unlisted(fields)
    }

    private func verdictMap(_ value: JSONValue) -> [HeldStatement]? {
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
        return unlisted(fields) + [.verdictMap(fields: fields, entries: entries)]
    }

    /// The elements of an anonymous set or map, or of the one that is named.
    ///
    /// - Parameter isEnding: whether also elements that end by themselves are asked for; so for `key`.
    func elements(_ value: JSONValue, _ word: String, ending isEnding: Bool = false) -> [JSONValue]? {
        if case .string(let text) = value, text.hasPrefix("@") {
            return reader.elements(String(text.dropFirst()), self, ending: isEnding)
        }
        return value[word]?.listed
    }

    /// The numbers of an element, one set for each field.
    func key(_ element: JSONValue, _ fields: [HeldField], ending isEnding: Bool = false) -> HeldKey? {
        guard let element = element.element(ending: isEnding) else { return nil }
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
        case ("meta", "iifname"?, _): return .inputInterface
        case ("meta", "oifname"?, _): return .outputInterface
        case ("meta", "iif"?, _): return .inputIndex
        case ("meta", "oif"?, _): return .outputIndex
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
    /// An element without what is said of it; nil when something makes that it counts only for some packets, such as a
    /// limit, or, where that is not asked for, that it counts now and not later.
    fileprivate func element(ending isEnding: Bool) -> JSONValue? {
        guard let element = self["elem"] else { return self }
        let plain = ["val", "comment", "counter", "last"] + (isEnding ? ["timeout", "expires"] : [])
        guard case .object(let parts) = element, parts.allSatisfy({ plain.contains($0.name) }) else { return nil }
        return element["val"]
    }

    /// Whether there is nothing in it.
    fileprivate var isEmpty: Bool { self == .null || self == .object([]) }
}
