import Linux
import OpenSSL
import Site

/// What the kernel holds by its own word: tables, chains, sets, and which rules there are.
///
/// libnftables leaves rules out without a word when it does not know one of their expressions, and may crash over a
/// table that a newer version wrote. What stands here and not in its list is what nobody here has read.
package struct RulesetInventory: Sendable {
    struct Rule: Sendable {
        let chain: String
        /// Unique in its table.
        let handle: Int
        fileprivate let expressions: ArraySlice<UInt8>
    }

    struct Table: Sendable {
        let family: String
        let name: String
        fileprivate(set) var object: JSONValue
        /// As libnftables would list them, by name.
        fileprivate(set) var chains: [(name: String, object: JSONValue)] = []
        /// In the order in which each chain has them.
        fileprivate(set) var rules: [Rule] = []
        /// The names of sets and maps that have one.
        fileprivate(set) var sets: [String] = []
        /// Those of them that packets fill.
        fileprivate(set) var filledSets: Set<String> = []
        let number: UInt8

        /// The devices that a chain hangs on, as a list has them; nil when it hangs on none.
        func devices(of chain: String) -> JSONValue? { chains.first { $0.name == chain }?.object["chain"]?["dev"] }
    }

    /// By `FAMILY NAME`.
    private(set) var tables: [String: Table] = [:]
    /// The number of the ruleset that this is.
    let generation: UInt64

    /// Asks the kernel.
    ///
    /// - Throws: `unavailable` without the right to.
    package init() throws(KernelFailure) {
        do throws(SystemError) {
            generation = try Self.currentGeneration()
            for message in try RulesetDump.objects(.tables) { addTable(message) }
            for message in try RulesetDump.objects(.chains) { addChain(message) }
            for message in try RulesetDump.objects(.rules) { addRule(message) }
            for message in try RulesetDump.objects(.sets) { addSet(message) }
        } catch {
            throw .unavailable("the kernel does not tell its rules (\(error)): run it as root")
        }
    }

    /// What it says of one table.
    func only(_ table: String) -> RulesetInventory {
        var one = self
        one.tables = tables.filter { $0.key == table }
        return one
    }

    /// Counts up with each change.
    static func currentGeneration() throws(SystemError) -> UInt64 {
        try RulesetDump.objects(.generation).first?.attributes.number(1) ?? 0
    }

    private static let families: [UInt8: String] = [
        1: "inet", 2: "ip", 3: "arp", 5: "netdev", 7: "bridge", 10: "ip6",
    ]

    /// The table that an object is, or is in: its name is the first attribute of every object.
    private func key(_ message: NetlinkMessage) -> String? {
        message.attributes.text(1).map { "\(Self.family(message)) \($0)" }
    }

    /// One that is not known has a word that no reader knows either, so that what hangs on it is unknown.
    private static func family(_ message: NetlinkMessage) -> String {
        families[message.family] ?? "family-\(message.family)"
    }

    private mutating func addTable(_ message: NetlinkMessage) {
        guard let key = key(message) else { return }
        let family = Self.family(message)
        let name = message.attributes.text(1) ?? ""
        var members: [JSONValue.Member] = [.init("family", .string(family)), .init("name", .string(name))]
        let bits = message.attributes.number(2) ?? 0
        let flags = ["dormant", "owner", "persist"].enumerated().filter { bits >> UInt64($0.offset) & 1 != 0 }
        if !flags.isEmpty { members.append(.init("flags", .strings(flags.map(\.element)))) }
        tables[key] = Table(
            family: family,
            name: name,
            object: .object([.init("table", .object(members))]),
            number: message.family
        )
    }

    /// NFTA_CHAIN_TABLE, _NAME, _HOOK with NFTA_HOOK_HOOKNUM, _PRIORITY, _DEV and _DEVS, NFTA_CHAIN_POLICY, _TYPE.
    private mutating func addChain(_ message: NetlinkMessage) {
        let attributes = message.attributes
        guard let key = key(message), let name = attributes.text(3) else { return }
        let family = Self.family(message)
        var members: [JSONValue.Member] = [
            .init("family", .string(family)), .init("table", .string(attributes.text(1) ?? "")),
            .init("name", .string(name)),
        ]
        if let hook = attributes.nested(4), let number = hook.number(1) {
            let priority = Int32(bitPattern: UInt32(truncatingIfNeeded: hook.number(2) ?? 0))
            members += [
                .init("type", .string(attributes.text(7) ?? "")),
                .init("hook", .string(Self.hook(number, family))), .init("prio", .integer(Int(priority))),
                .init("policy", .string(attributes.number(5) == 0 ? "drop" : "accept")),
            ]
            let devices = hook.text(3).map { [$0] } ?? hook.nested(4)?.all.map(\.text) ?? []
            if !devices.isEmpty { members.append(.init("dev", .strings(devices.sorted()))) }
        }
        tables[key]?.chains.append((name, .object([.init("chain", .object(members))])))
    }

    private static func hook(_ number: UInt64, _ family: String) -> String {
        let words =
            switch family {
            case "netdev": ["ingress", "egress"]
            case "arp": ["input", "output", "forward"]
            default: ["prerouting", "input", "forward", "output", "postrouting", "ingress"]
            }
        return number < words.count ? words[Int(number)] : "hook \(number)"
    }

    /// NFTA_RULE_TABLE, _CHAIN, _HANDLE, _EXPRESSIONS.
    private mutating func addRule(_ message: NetlinkMessage) {
        let attributes = message.attributes
        guard let key = key(message), let chain = attributes.text(2), let handle = attributes.number(3) else { return }
        tables[key]?.rules.append(
            Rule(chain: chain, handle: Int(clamping: handle), expressions: attributes[4] ?? [])
        )
    }

    /// NFTA_SET_TABLE, _NAME, _FLAGS with NFT_SET_ANONYMOUS of sets that stand in a rule, and NFT_SET_EVAL.
    private mutating func addSet(_ message: NetlinkMessage) {
        let attributes = message.attributes
        let flags = attributes.number(3) ?? 0
        guard flags & 0x1 == 0, let key = key(message), let name = attributes.text(2) else { return }
        tables[key]?.sets.append(name)
        if flags & 0x20 != 0 { tables[key]?.filledSets.insert(name) }
    }
}

extension RulesetInventory.Rule {
    /// NFTA_EXPR_NAME and NFTA_EXPR_DATA of each.
    var parts: [(name: String, data: ArraySlice<UInt8>)] {
        NetlinkAttributes(expressions).all.map { element in
            let expression = NetlinkAttributes(element.value)
            return (expression.text(1) ?? "?", expression[2] ?? [])
        }
    }

    /// What it is made of, in the kernel's words.
    var words: [String] { parts.map(\.name) }

    /// Stands in a list for the rule that nobody could read. Two rules with the same expressions look alike.
    func object(in table: RulesetInventory.Table) -> JSONValue {
        var bytes: [UInt8] = []
        for part in parts {
            bytes += Array(part.name.utf8) + [0]
            // These hold numbers that go up by themselves.
            if !["counter", "limit", "quota", "last", "connlimit"].contains(part.name) { bytes += part.data }
        }
        let unread: [JSONValue.Member] = [
            .init("expressions", .strings(words)), .init("digest", .string(Fingerprint.sha256(bytes))),
        ]
        return .object([
            .init(
                "rule",
                .object([
                    .init("family", .string(table.family)), .init("table", .string(table.name)),
                    .init("chain", .string(chain)), .init("handle", .integer(handle)),
                    .init("expr", .array([.object([.init("unread", .object(unread))])])),
                ])
            )
        ])
    }
}

extension RulesetInventory.Table {
    /// Stands in a list for a set that nobody could read, with its elements as the kernel has them.
    func object(ofSet name: String) -> JSONValue {
        // Of each element its key, data, flags and the end of its key.
        let digests = elements(of: name)?.map { element in
            let parts = element.all.filter { [1, 2, 3, 10].contains($0.kind) }
            return Fingerprint.sha256(parts.flatMap { [UInt8($0.kind)] + $0.value })
        }
        // A set without elements holds nothing; of this one that is not known.
        let elements = (digests ?? ["?"]).map { JSONValue.object([.init("unread", .string($0))]) }
        return .object([
            .init(
                "set",
                .object([
                    .init("family", .string(family)), .init("name", .string(name)),
                    .init("table", .string(self.name)), .init("type", .string("unread")),
                    .init("elem", .array(elements)),
                ])
            )
        ])
    }
}
