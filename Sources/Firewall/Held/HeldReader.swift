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

    /// - Parameter isInventoried: whether the kernel was asked, too, and rules of which nft does not list all are marked.
    package init(_ document: JSONValue, isInventoried: Bool = false) throws(HeldReadingError) {
        guard case .array(let objects)? = document["nftables"] else {
            throw HeldReadingError(
                description: "this JSON has no list `nftables`; it must be what `nft -j list ruleset` writes"
            )
        }
        self.init()
        var reader = HeldReader(isInventoried: isInventoried)
        reader.survey(objects)
        chains = reader.chains
        for object in objects { reader.addRule(object["rule"], to: &chains) }
        remarks = reader.remarks
        misplaced = reader.misplaced
        expecting = reader.expecting
        zoning = reader.zoning
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

    /// See `HeldRuleset.init(_:isInventoried:)`.
    let isInventoried: Bool
    private(set) var chains: [HeldChain] = []
    private(set) var remarks: [String] = []
    private(set) var misplaced: [String] = []
    /// See `HeldRuleset`.
    private(set) var expecting: String?
    private(set) var zoning: String?
    private var chainOf: [Name: Int] = [:]
    private var elements: [Name: [JSONValue]] = [:]
    /// How many elements sets have room for, and after how many seconds they forget one.
    private var bounds: [Name: (size: Int?, timeout: Int?)] = [:]
    /// Sets that rules add to: what they hold a moment later, nobody knows.
    private var changing: Set<Name> = []
    /// Sets and maps of which elements end by themselves: they are gone a moment later, and none comes in their place.
    private var ending: Set<Name> = []
    private var dormant: Set<Name> = []
    /// Tables whose flags are there and not legible.
    private var perhapsDormant: Set<Name> = []
    /// Tables with a chain that sends packets of the host another way when a rule changes their mark.
    private var rerouting: Set<Name> = []
    /// Sets that a rule takes from, or adds to without counting: no limit in them is known.
    private var disturbed: Set<Name> = []

    init(isInventoried: Bool) { self.isInventoried = isInventoried }

    mutating func survey(_ objects: [JSONValue]) {
        for object in objects {
            guard let member = object.only else {
                misplaced.append("this is no object of a ruleset: \(object.excerpt)")
                continue
            }
            switch member.name {
            case "table":
                guard let flags = member.value["flags"]?.listed.map(\.text),
                    let name = Self.name(member.value, table: member.value["name"]?.text)
                else { continue }
                let table = Name(family: name.family, table: name.table, name: "")
                if flags.contains("dormant") { dormant.insert(table) }
                if !flags.allSatisfy({ $0.map(Self.tableFlags.contains) ?? false }) { perhapsDormant.insert(table) }
            case "chain": addChain(member.value)
            case "set", "map":
                guard let name = Self.name(member.value) else { continue }
                elements[name] = member.value["elem"]?.listed ?? []
                bounds[name] = (member.value["size"]?.integer, member.value["timeout"]?.integer)
                let isEnding = elements[name]?.contains { $0["elem"]?["timeout"] != nil } ?? false
                if isEnding || member.value["timeout"] != nil { ending.insert(name) }
            case "rule":
                guard let rule = Self.name(member.value, of: "chain") else { continue }
                for statement in member.value["expr"]?.listed ?? [] {
                    noteTracking(statement, rule)
                    guard let set = (statement["set"] ?? statement["map"])?["set"] ?? statement["map"]?["map"],
                        let text = set.text
                    else { continue }
                    let name = Name(family: rule.family, table: rule.table, name: String(text.drop { $0 == "@" }))
                    changing.insert(name)
                    if let adding = statement["set"],
                        adding["op"]?.text == "delete" || adding["stmt"]?.listed.isEmpty ?? true
                    {
                        disturbed.insert(name)
                    }
                }
            case "metainfo", "counter", "quota", "limit", "ct helper", "ct timeout", "ct expectation", "element",
                "flowtable", "secmark", "synproxy", "tunnel":
                continue
            default: remarks.append("an object of the kind \(member.name.debugDescription) was left out")
            }
        }
    }

    /// What a rule tells connection tracking to do with more than the packet that comes to it. iptables' target `CT`
    /// does all of it, and of what a target of another name or of none does nft lists no more.
    private mutating func noteTracking(_ statement: JSONValue, _ chain: Name) {
        let title = "\(chain.family) \(chain.table) \(chain.name)"
        let isHidden =
            statement["xt"].map { $0["type"]?.text != "match" && ["CT", nil].contains($0["name"]?.text) } ?? false
        let word = ["ct expectation", "ct helper"].first { statement[$0] != nil } ?? (isHidden ? "CT" : nil)
        if let word, expecting == nil {
            expecting =
                "\(title): a rule sets a \(word), so that connections may be `related` of which no rule is asked as of "
                + "new ones"
        }
        if isHidden || statement["mangle"]?["key"]?["ct"]?["key"]?.text == "zone", zoning == nil {
            zoning =
                "\(title): a rule sets a zone of connection tracking (`ct zone`), so that one direction of a connection "
                + "may not be known when the other is"
        }
    }

    static let tableFlags: Set<String> = ["dormant", "owner", "persist"]

    private static func name(_ object: JSONValue, of key: String = "name", table: String? = nil) -> Name? {
        guard let family = object["family"]?.text, let table = table ?? object["table"]?.text,
            let name = object[key]?.text
        else { return nil }
        return Name(family: family, table: table, name: name)
    }

    private mutating func addChain(_ object: JSONValue) {
        guard let name = Self.name(object), let family = HeldFamily(rawValue: name.family), chainOf[name] == nil else {
            misplaced.append("a chain has no place here: \(object.excerpt)")
            return
        }
        chainOf[name] = chains.count
        chains.append(HeldChain(family: family, table: name.table, name: name.name, base: base(object, name)))
    }

    private mutating func base(_ object: JSONValue, _ name: Name) -> HeldChain.Base? {
        let table = Name(family: name.family, table: name.table, name: "")
        guard let word = object["hook"]?.text, !dormant.contains(table) else { return nil }
        let policies = ["accept": false, "drop": true]
        guard let hook = HeldHook(rawValue: word), let priority = object["prio"]?.integer,
            let type = object["type"]?.text, ["filter", "nat", "route"].contains(type),
            let drops = policies[object["policy"]?.text ?? "accept"]
        else {
            // Chains of ARP see no packet of IP.
            if name.family != HeldFamily.arp.rawValue {
                misplaced.append("the place of chain \(name.name) is not known here: \(object.excerpt)")
            }
            return nil
        }
        if type == "route" { rerouting.insert(table) }
        var base = HeldChain.Base(
            hook: hook,
            priority: priority,
            drops: drops,
            isTranslation: type == "nat",
            devices: object["dev"].map { $0.listed.compactMap(\.text) }
        )
        base.mayBeAsleep = perhapsDormant.contains(table)
        return base
    }

    mutating func addRule(_ rule: JSONValue?, to chains: inout [HeldChain]) {
        guard let rule else { return }
        guard let name = Self.name(rule, of: "chain"), let index = chainOf[name] else {
            misplaced.append("the chain of a rule is not listed: \(rule.excerpt)")
            return
        }
        let statements = rule["expr"]?.listed ?? []
        let isOwn = TableName.isOwn(name.family, name.table)
        let scope = HeldScope(
            family: name.family,
            table: name.table,
            reader: self,
            reroutes: rerouting.contains(Name(family: name.family, table: name.table, name: "")),
            isChecked: isInventoried ? !statements.contains { $0["unlisted"] != nil } : isOwn
        )
        chains[index].rules.append(
            HeldRule(
                comment: rule["comment"]?.text,
                handle: rule["handle"]?.integer ?? 0,
                Self.arriving(
                    Self.dropping(Self.counting(Self.certain(statements.flatMap(scope.statements)), isOwn)),
                    in: chains[index]
                )
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

    /// Whether a destination is one of the host's own is asked for as a packet comes in, and hangs together with its way
    /// through the host, which proofs take as two things. That is right as long as nothing hangs on it but where our own
    /// table sends the packet; of other rules that ask for it nothing is known.
    private static func arriving(_ statements: [HeldStatement], in chain: HeldChain) -> [HeldStatement] {
        let conditions = statements.count { if case .condition = $0 { true } else { false } }
        if chain.isOwn, chain.base?.hook == .prerouting, chain.base?.isTranslation == true,
            conditions == statements.count - 1
        {
            switch statements.last {
            // That it stays where it was sent, as a line of `deny` has it, is no other question.
            case .translation(.destination)?, .verdict(.accept)?: return statements
            default: break
            }
        }
        return statements.map { statement in
            guard case .condition(.oddity(.toOwnAddress, _)) = statement else { return statement }
            return .condition(.unknown("fib daddr type local"))
        }
    }

    /// A limit behind the question whether a connection is not confirmed counts connections: of state new or related, since
    /// others are confirmed, or have no status (`nft_ct_get_eval`).
    /// Of others' rules that is not known.
    private static func counting(_ statements: [HeldStatement], _ isOwn: Bool) -> [HeldStatement] {
        guard isOwn else { return statements }
        var statements = statements
        var asked: Int?
        for index in statements.indices {
            switch statements[index] {
            case .condition(.unknown(HeldScope.unconfirmed)): asked = index
            // Of which family the packet is, whose address a set counts by.
            case .condition(.fields): continue
            case .condition(.excess(var limit, let isAbove)):
                guard let place = asked else { continue }
                limit.isOfConnections = true
                limit.counter = PacketLimit(of: limit.set + " of connections", limit.measure)
                let states = ConnectionStates([.new, .related]).numbers
                statements[place] = .condition(.fields([.state], entries: [[states]], isNegated: false))
                statements[index] = .condition(.excess(limit, isAbove: isAbove))
                asked = nil
            default: asked = nil
            }
        }
        return statements
    }

    /// Proofs look at packets that are above one limit, and at those that are above every limit that they meet. That is
    /// all there is to see as long as being above a limit leads nowhere but to a drop, and being below it nowhere at
    /// all: a packet may be counted twice, above the second time alone. Of rules with other limits nothing is known.
    private static func dropping(_ statements: [HeldStatement]) -> [HeldStatement] {
        let decisions = statements.filter { statement in
            switch statement {
            case .condition, .verdict(.next): false
            default: true
            }
        }
        if decisions.isEmpty { return statements }
        let drops = decisions.count == 1 && statements.contains { if case .verdict(.drop) = $0 { true } else { false } }
        let count = statements.count { if case .condition(.excess) = $0 { true } else { false } }
        return statements.map { statement in
            guard case .condition(.excess(let limit, let isAbove)) = statement else { return statement }
            if drops, isAbove, count == 1, !limit.set.isEmpty { return statement }
            return .condition(.unknown("a limit of \(limit.measure.text) that does more than drop what is above it"))
        }
    }

    // MARK: - What rules name

    func chain(_ name: String, _ scope: HeldScope) -> Int? {
        chainOf[Name(family: scope.family, table: scope.table, name: name)]
    }

    /// How a set remembers what rules count in it; nil when it is not listed, or holds elements that count otherwise.
    ///
    /// - Parameters:
    ///   - operation: `add` or `update`.
    ///   - statement: what counts in an element that a rule adds.
    func memory(
        _ name: String,
        _ scope: HeldScope,
        _ operation: String?,
        _ statement: JSONValue
    ) -> HeldLimit.Memory? {
        let name = Name(family: scope.family, table: scope.table, name: name)
        guard let operation, ["add", "update"].contains(operation), !disturbed.contains(name),
            let bounds = bounds[name]
        else { return nil }
        guard (elements[name] ?? []).allSatisfy({ $0.counts(by: [statement], timeout: bounds.timeout) }) else {
            return nil
        }
        return HeldLimit.Memory(size: bounds.size, timeout: bounds.timeout, refreshes: operation == "update")
    }

    /// The elements of a set or map; nil when it is not listed or changes by itself.
    ///
    /// - Parameter isEnding: whether also elements that end by themselves are asked for.
    func elements(_ name: String, _ scope: HeldScope, ending isEnding: Bool) -> [JSONValue]? {
        let name = Name(family: scope.family, table: scope.table, name: name)
        return changing.contains(name) || !isEnding && ending.contains(name) ? nil : elements[name]
    }

    /// Whether elements of a set or map end by themselves.
    func isEnding(_ name: String, _ scope: HeldScope) -> Bool {
        ending.contains(Name(family: scope.family, table: scope.table, name: name))
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

    /// The value as text of bounded length, for people: as nft writes it, where it is part of a rule.
    var excerpt: String { ListedText.of(self) }

    /// The only member of an object.
    var only: Member? {
        guard case .object(let members) = self, members.count == 1 else { return nil }
        return members.first
    }
}
