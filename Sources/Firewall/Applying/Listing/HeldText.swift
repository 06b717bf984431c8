package import Site

/// What a kernel holds, by names, in a form in which two listings can be compared: without handles, counters and the
/// time that elements have left, and with elements in one order. On which lines of the site file our rules stand is left
/// out, too: comments keep the line by which a rule came into the kernel.
package struct HeldText: Sendable, Equatable {
    package struct Table: Sendable, Equatable {
        /// For chains, sets and other objects what they are, and for a chain its rules in order.
        package var parts: [String: [String]] = [:]
        /// Elements of sets and maps.
        package var elements: [String: Set<String>] = [:]
        /// Of our table: elements of sets that packets fill which count otherwise than rules have packets count;
        /// sentences.
        package var miscounting: Set<String> = []
    }

    /// By `FAMILY NAME`.
    package private(set) var tables: [String: Table] = [:]

    /// Nothing at all.
    package init() {}

    /// - Parameter listing: what `list ruleset` or `list table` prints as JSON.
    /// - Returns: nil when it is no such listing.
    package init?(listing: JSONValue) {
        guard case .array(let entries)? = listing["nftables"] else { return nil }
        for entry in entries {
            guard case .object(let members) = entry, let member = members.first, member.name != "metainfo" else {
                continue
            }
            add(kind: member.name, member.value)
        }
        let own = TableName.own.description
        tables[own]?.miscounting = CountingSets(entries).miscounting
    }

    private mutating func add(kind: String, _ value: JSONValue) {
        guard case .object(let members) = value, let family = value["family"]?.text else { return }
        let name = value["name"]?.text ?? value["chain"]?.text ?? ""
        let table = "\(family) \(kind == "table" ? name : value["table"]?.text ?? "")"
        if kind == "table" {
            tables[table, default: Table()].parts["table"] = [Self.line(members.map(Self.legible))]
            return
        }
        let part = kind == "rule" ? "chain \(name)" : "\(kind) \(name)"
        let isOwn = table == TableName.own.description
        let plain = { (line: String) in isOwn ? RuleLabel.withoutLines(line) : line }
        tables[table, default: Table()].parts[part, default: []].append(plain(Self.line(members)))
        guard kind == "set" || kind == "map" else { return }
        let elements = (value["elem"]?.items ?? []).map { plain($0.withoutState.line) }
        tables[table, default: Table()].elements[part] = Set(elements)
    }

    /// Flags of a table that nft 1.0.6 lists are other memory, each time another: that there are some is all that they say.
    private static func legible(_ member: JSONValue.Member) -> JSONValue.Member {
        guard member.name == "flags" else { return member }
        let isKnown = member.value.listed.allSatisfy { $0.text.map(HeldReader.tableFlags.contains) ?? false }
        return isKnown ? member : .init("flags", .string("not legible"))
    }

    private static func line(_ members: [JSONValue.Member]) -> String {
        JSONValue.object(members.filter { !["handle", "elem", "index"].contains($0.name) }).withoutState.line
    }
}

extension JSONValue {
    /// Without what changes while the meaning does not.
    fileprivate var withoutState: JSONValue {
        switch self {
        case .object(let members):
            if members.count == 1, members[0].name == "counter", case .object = members[0].value {
                return .object([.init("counter", .null)])
            }
            return .object(
                members.filter { !["expires", "used", "last"].contains($0.name) }
                    .filter { !(["packets", "bytes"].contains($0.name) && $0.value.integer != nil) }
                    .map { .init($0.name, $0.value.withoutState) }
            )
        case .array(let items): return .array(items.map(\.withoutState))
        default: return self
        }
    }
}
