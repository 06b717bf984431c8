import Linux
import Site

/// Elements of sets by the kernel's own word.
extension RulesetInventory.Table {
    var isOwn: Bool { TableName.isOwn(family, name) }

    /// NFTA_SET_ELEM_LIST_ELEMENTS: each element of a set; nil when the kernel does not tell.
    func elements(of set: String) -> [NetlinkAttributes]? {
        let place = RulesetDump.attribute(1, name) + RulesetDump.attribute(2, set)
        let messages = try? RulesetDump.objects(.elements, family: number, place)
        return messages?.flatMap { $0.attributes.nested(3)?.all ?? [] }.map { NetlinkAttributes($0.value) }
    }

    /// The elements of a set that count by more than one statement, of which libnftables 1.0.6 lists the first alone: as a
    /// list would have them, with a mark. One without a name where the kernel does not tell its elements.
    func crowdedElements(of set: String) -> [JSONValue] {
        guard let elements = elements(of: set) else {
            return [Self.crowded("some element", "the kernel does not tell what it counts by")]
        }
        return elements.compactMap { element in
            // NFTA_SET_ELEM_EXPRESSIONS, which stands in place of _EXPR where there are several (`nft_set_elem_expr_dump`).
            guard let expressions = element.nested(11)?.all else { return nil }
            // NFTA_SET_ELEM_KEY with NFTA_DATA_VALUE.
            let key = element.nested(1)?[1] ?? []
            let name = IPAddress(bytes: key).map(\.description) ?? key.map { String($0, radix: 16) }.joined()
            let words = expressions.map { NetlinkAttributes($0.value).text(1) ?? "?" }.joined(separator: " and ")
            return Self.crowded(name, "by \(words), of which nft may list one alone")
        }
    }

    private static func crowded(_ name: String, _ reason: String) -> JSONValue {
        .object([.init("elem", .object([.init("val", .string(name)), .init("unlisted", .string(reason))]))])
    }
}
