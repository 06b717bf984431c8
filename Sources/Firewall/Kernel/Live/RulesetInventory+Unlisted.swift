import Linux
import Site

/// Conditions that libnftables 1.0.6 leaves out of its lists, taking them for what a later one implies, and pairs of which it
/// makes one that means something else.
extension RulesetInventory.Rule {
    /// Why the rule may ask for more, or for something else, than its list says; nil when the list says all.
    ///
    /// - Parameters:
    ///   - family: the table's.
    ///   - listed: the rule as libnftables lists it.
    func unlisted(in family: String, listed: JSONValue) -> String? {
        // Rules of bridges and devices ask for the link by right, and of theirs little is taken for known.
        guard ["inet", "ip", "ip6"].contains(family) else { return nil }
        let parts = parts
        if Self.hasSplitRange(parts) { return "two comparisons that nft may list as one range" }
        for (index, part) in parts.enumerated() {
            let attributes = NetlinkAttributes(part.data)
            switch (part.name, attributes.number(2)) {
            // NFTA_META_KEY: NFT_META_IIFTYPE and _OIFTYPE.
            case ("meta", 8?), ("meta", 9?): return "`meta iiftype`, which nft may have left out of its list"
            // NFT_META_PROTOCOL.
            case ("meta", 1?) where !listed.names("protocol", of: "meta"):
                return "`meta protocol`, which nft left out of its list"
            // NFTA_CT_KEY: NFT_CT_L3PROTOCOL.
            case ("ct", 7?): return "`ct l3proto`, which nft may have left out of its list"
            // NFTA_PAYLOAD_BASE: NFT_PAYLOAD_LL_HEADER.
            case ("payload", 0?): return "the header of the link, which nft may have left out of its list"
            // NFT_META_L4PROTO, for which the next expression asks, before ports.
            case ("meta", 16?) where index + 1 < parts.count && Self.isOfNoPorts(parts[index + 1]):
                // NFT_PAYLOAD_TRANSPORT_HEADER.
                let isBefore = parts[index...].contains {
                    $0.name == "payload" && NetlinkAttributes($0.data).number(2) == 2
                }
                if isBefore { return "`meta l4proto`, which nft may have left out of its list" }
            default: continue
            }
        }
        return nil
    }

    /// NFTA_CMP_OP of an expression.
    private static func comparison(_ part: (name: String, data: ArraySlice<UInt8>)) -> UInt64? {
        part.name == "cmp" ? NetlinkAttributes(part.data).number(2) : nil
    }

    /// Whether there are comparisons with a first and a last value that do not follow each other, as those of one range do
    /// (`nft_cmp_ops`).
    private static func hasSplitRange(_ parts: [(name: String, data: ArraySlice<UInt8>)]) -> Bool {
        let (less, lessOrEqual, greater, greaterOrEqual): (UInt64, UInt64, UInt64, UInt64) = (2, 3, 4, 5)
        var open: Set<UInt64> = []
        var last: UInt64?
        for part in parts {
            let now = comparison(part)
            switch now {
            case less: open.insert(less)
            case greater where open.contains(less): return true
            case lessOrEqual:
                if last == greaterOrEqual { open.remove(greaterOrEqual) }
                if open.contains(greaterOrEqual) { return true }
            case greaterOrEqual:
                // One that stays open makes a pair with any later one, that of a range excepted.
                if open.contains(greaterOrEqual) { return true }
                open.insert(greaterOrEqual)
            default: break
            }
            last = now
        }
        return false
    }

    /// Whether it is a comparison with a single protocol that nft does not write before ports or types (`tcp dport`).
    private static func isOfNoPorts(_ part: (name: String, data: ArraySlice<UInt8>)) -> Bool {
        // NFT_CMP_EQ; NFTA_CMP_DATA with NFTA_DATA_VALUE.
        guard comparison(part) == 0, let number = NetlinkAttributes(part.data).nested(3)?.number(1) else {
            return false
        }
        let asked = ProtocolNumber(rawValue: UInt8(truncatingIfNeeded: number))
        return !asked.hasPorts && asked != .icmp && asked != .icmpv6
    }
}

extension JSONValue {
    /// A rule's object with the mark that its list does not say all.
    func marked(unlisted reason: String) -> JSONValue {
        guard case .object(let objects) = self, let rule = objects.first, case .object(let members) = rule.value else {
            return self
        }
        let mark = JSONValue.object([.init("unlisted", .string(reason))])
        let marked = members.map { member in
            member.name == "expr" ? JSONValue.Member("expr", .array([mark] + member.value.listed)) : member
        }
        return .object([.init(rule.name, .object(marked))])
    }

    /// Whether an expression of the kind with this key stands in it: `{"meta":{"key":"protocol"}}`.
    fileprivate func names(_ key: String, of kind: String) -> Bool {
        switch self {
        case .array(let items): items.contains { $0.names(key, of: kind) }
        case .object(let members):
            members.contains { $0.name == kind && $0.value["key"]?.text == key || $0.value.names(key, of: kind) }
        default: false
        }
    }
}
