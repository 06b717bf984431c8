package import Site

/// Why the kernel's list could not be read at all.
package struct HeldReadingError: Error, Sendable, CustomStringConvertible {
    package let description: String
}

extension HeldRuleset {
    /// Reads what libnftables lists as JSON: version 1.0.6's shapes, and those of newer ones that write some lists as
    /// scalars. Whatever it does not understand stays in the ruleset as something unknown.
    package init(json: [UInt8]) throws(HeldReadingError) {
        guard let document = String(validating: json, as: UTF8.self).flatMap({ JSONValue(parsing: $0) }) else {
            throw HeldReadingError(description: "this is no JSON; it must be what `nft -j list ruleset` writes")
        }
        try self.init(document)
    }

    package init(_ document: JSONValue) throws(HeldReadingError) {
        guard case .array(let objects)? = document["nftables"] else {
            throw HeldReadingError(
                description: "this JSON has no list `nftables`; it must be what `nft -j list ruleset` writes"
            )
        }
        self.init()
        var reader = HeldReader()
        reader.survey(objects)
        chains = reader.chains
        for object in objects { reader.addRule(object["rule"], to: &chains) }
        remarks = reader.remarks
    }
}

/// Turns the objects of a list into chains. It goes over them twice: chains, sets and maps may stand behind the rules
/// that name them.
struct HeldReader {
    /// A chain, set or map by where it is.
    struct Name: Hashable {
        let family: String
        let table: String
        let name: String
    }

    private(set) var chains: [HeldChain] = []
    private(set) var remarks: [String] = []
    private var chainOf: [Name: Int] = [:]
    private var elements: [Name: [JSONValue]] = [:]
    /// Sets that rules add to: what they hold a moment later, nobody knows.
    private var changing: Set<Name> = []
    private var dormant: Set<Name> = []

    mutating func survey(_ objects: [JSONValue]) {
        for object in objects {
            guard case .object(let members) = object, let member = members.first else { continue }
            switch member.name {
            case "table":
                if member.value["flags"]?.listed.contains(where: { $0.text == "dormant" }) == true,
                    let name = Self.name(member.value, table: member.value["name"]?.text)
                {
                    dormant.insert(Name(family: name.family, table: name.table, name: ""))
                }
            case "chain": addChain(member.value)
            case "set", "map":
                if let name = Self.name(member.value) { elements[name] = member.value["elem"]?.listed ?? [] }
            case "rule":
                guard let rule = Self.name(member.value, of: "chain") else { continue }
                for statement in member.value["expr"]?.listed ?? [] {
                    guard let set = (statement["set"] ?? statement["map"])?["set"] ?? statement["map"]?["map"],
                        let text = set.text
                    else { continue }
                    let name = String(text.drop { $0 == "@" })
                    changing.insert(Name(family: rule.family, table: rule.table, name: name))
                }
            case "metainfo", "counter", "quota", "limit", "ct helper", "ct timeout", "ct expectation", "element":
                continue
            default: remarks.append("an object of the kind \(member.name.debugDescription) was left out")
            }
        }
    }

    private static func name(_ object: JSONValue, of key: String = "name", table: String? = nil) -> Name? {
        guard let family = object["family"]?.text, let table = table ?? object["table"]?.text,
            let name = object[key]?.text
        else { return nil }
        return Name(family: family, table: table, name: name)
    }

    private mutating func addChain(_ object: JSONValue) {
        guard let name = Self.name(object), let family = HeldFamily(rawValue: name.family), chainOf[name] == nil else {
            remarks.append("a chain was left out: \(object.excerpt)")
            return
        }
        chainOf[name] = chains.count
        chains.append(HeldChain(family: family, table: name.table, name: name.name, base: base(object, name)))
    }

    private mutating func base(_ object: JSONValue, _ name: Name) -> HeldChain.Base? {
        guard let word = object["hook"]?.text, !dormant.contains(Name(family: name.family, table: name.table, name: ""))
        else { return nil }
        guard let hook = HeldHook(rawValue: word) else {
            remarks.append("chain \(name.name) is at the hook \(word.debugDescription), which is not known here")
            return nil
        }
        return HeldChain.Base(
            hook: hook,
            priority: object["prio"]?.integer ?? 0,
            drops: object["policy"]?.text == "drop",
            isTranslation: object["type"]?.text == "nat",
            devices: object["dev"].map { $0.listed.compactMap(\.text) }
        )
    }

    mutating func addRule(_ rule: JSONValue?, to chains: inout [HeldChain]) {
        guard let rule else { return }
        guard let name = Self.name(rule, of: "chain"), let index = chainOf[name] else {
            remarks.append("a rule was left out, since its chain is not listed: \(rule.excerpt)")
            return
        }
        let scope = HeldScope(family: name.family, table: name.table, reader: self)
        chains[index].rules.append(
            HeldRule(
                comment: rule["comment"]?.text,
                handle: rule["handle"]?.integer ?? 0,
                Self.certain((rule["expr"]?.listed ?? []).flatMap(scope.statements))
            )
        )
    }

    /// Of packets that are no SYN nothing is known of segment sizes: a rule must have left them out.
    private static func certain(_ statements: [HeldStatement]) -> [HeldStatement] {
        var isOpening = false
        return statements.map { statement in
            switch statement {
            case .condition(.fields([.tcpFlags], let entries, false)):
                isOpening = isOpening || entries.allSatisfy { $0[0].isSubset(of: TCPOpening.flags.widened) }
            case .condition(.oddity(.smallSegments, _)) where !isOpening:
                return .condition(.unknown("tcp option maxseg size of other segments than SYN"))
            default: break
            }
            return statement
        }
    }

    // MARK: - What rules name

    func chain(_ name: String, _ scope: HeldScope) -> Int? {
        chainOf[Name(family: scope.family, table: scope.table, name: name)]
    }

    /// The elements of a set or map; nil when it is not listed or changes by itself.
    func elements(_ name: String, _ scope: HeldScope) -> [JSONValue]? {
        let name = Name(family: scope.family, table: scope.table, name: name)
        return changing.contains(name) ? nil : elements[name]
    }
}

extension JSONValue {
    /// The items of a list; of what is no list, itself: newer versions write a list of one as a scalar.
    var listed: [JSONValue] {
        switch self {
        case .array(let items): items
        case .null: []
        default: [self]
        }
    }

    /// The value as text of bounded length, for people.
    var excerpt: String {
        let text = line
        return text.utf8.count <= 300 ? text : String(text.prefix(300)) + "…"
    }

    /// The only member of an object.
    var only: Member? {
        guard case .object(let members) = self, members.count == 1 else { return nil }
        return members.first
    }
}
