import Linux
import Site

extension HeldListing {
    /// A list with what it leaves out put in its place, as something unread: no packet's fate is known there. A table that
    /// is in one of the two alone is noted.
    ///
    /// - Parameters:
    ///   - inventory: what the kernel holds by its own word.
    ///   - reasons: why a table could not be listed at all, by its name.
    package init(
        _ listed: HeldListing,
        completedBy inventory: RulesetInventory,
        unlisted reasons: [String: String] = [:]
    ) {
        self.init()
        for (name, objects) in listed.tables where inventory.tables[name] == nil {
            add(objects, of: name)
            note("libnftables lists it, and the kernel does not name it", of: name)
        }
        for (name, table) in inventory.tables {
            let (objects, doubt) = Self.complete(listed.tables[name] ?? [], table)
            add(objects, of: name)
            let absent = listed.tables[name] == nil ? "libnftables does not list it" : nil
            if let reason = reasons[name] ?? doubt ?? absent { note(reason, of: name) }
        }
    }

    /// The objects, with a mark in rules that may ask for something else than their list says.
    private static func marked(_ listed: [JSONValue], _ table: RulesetInventory.Table) -> [JSONValue] {
        var rules: [Int: RulesetInventory.Rule] = [:]
        for rule in table.rules { rules[rule.handle] = rule }
        return listed.map { object in
            guard let handle = object["rule"]?["handle"]?.integer,
                let reason = rules[handle]?.unlisted(in: table.family, listed: object)
            else { return object }
            return object.marked(unlisted: reason)
        }
    }

    /// A table's objects, and what to say of those that libnftables does not list; nil when it lists all.
    private static func complete(
        _ listed: [JSONValue],
        _ table: RulesetInventory.Table
    ) -> (objects: [JSONValue], doubt: String?) {
        let listed = marked(listed, table).map { $0.withDevices(of: table).withCrowdedElements(of: table) }
        func names(_ kinds: String...) -> Set<String> {
            Set(listed.flatMap { object in kinds.compactMap { object[$0]?["name"]?.text } })
        }
        let (chains, sets) = (names("chain"), names("set", "map"))
        var rules: [Int: JSONValue] = [:]
        for object in listed { if let handle = object["rule"]?["handle"]?.integer { rules[handle] = object } }
        let lostChains = table.chains.filter { !chains.contains($0.name) }
        let lostSets = table.sets.filter { !sets.contains($0) }
        let lostRules = table.rules.filter { rules[$0.handle] == nil }
        // What libnftables 1.0.6 writes of a table's flags is not what they are.
        var objects = [table.object]
        guard !lostChains.isEmpty || !lostSets.isEmpty || !lostRules.isEmpty else {
            return (objects + listed.filter { $0["table"] == nil }, nil)
        }
        objects += listed.filter { $0["table"] == nil && $0["rule"] == nil }
        objects += lostChains.map(\.object) + lostSets.map { table.object(ofSet: $0) }
        objects += table.rules.map { rules[$0.handle] ?? $0.object(in: table) }
        var lost: [String] = []
        if !lostRules.isEmpty {
            let words = Set(lostRules.flatMap(\.words)).sorted().joined(separator: ", ")
            lost.append("\(lostRules.count) of its rules (of \(words))")
        }
        lost += lostChains.map { "chain \($0.name)" } + lostSets.map { "set \($0)" }
        return (objects, "libnftables does not list \(lost.joined(separator: ", "))")
    }
}

extension JSONValue {
    /// A chain with the devices that it hangs on, which libnftables 1.0.6 does not list, and others in another form.
    fileprivate func withDevices(of table: RulesetInventory.Table) -> JSONValue {
        guard case .object(let members)? = self["chain"], let name = self["chain"]?["name"]?.text,
            let devices = table.devices(of: name)
        else { return self }
        let others = members.filter { $0.name != "dev" }
        return .object([.init("chain", .object(others + [.init("dev", devices)]))])
    }
}

extension JSONValue {
    /// A set of our table that packets fill, with what its elements count by beside what libnftables lists.
    fileprivate func withCrowdedElements(of table: RulesetInventory.Table) -> JSONValue {
        guard table.isOwn, case .object(let members)? = self["set"], let name = self["set"]?["name"]?.text,
            table.filledSets.contains(name)
        else { return self }
        let crowded = table.crowdedElements(of: name)
        if crowded.isEmpty { return self }
        let elements = (self["set"]?["elem"]?.listed ?? []) + crowded
        let others = members.filter { $0.name != "elem" }
        return .object([.init("set", .object(others + [.init("elem", .array(elements))]))])
    }
}

extension LiveKernel {
    /// All that this network holds. What libnftables cannot list, or leaves out, stands in it as something unread, and
    /// `unread` says of which tables that is so.
    ///
    /// - Parameter table: the only one of it to be told. What others hold, and how often they change that, does not keep it:
    ///   nft begins a list again whenever something changes meanwhile.
    /// - Throws: when nothing can be told at all: no right to, no memory.
    package func held(only table: TableName? = nil) throws(KernelFailure) -> HeldListing {
        let mostTries = table == nil ? Self.mostTries : Self.mostTriesOfOne
        let end = Clock.monotonicNanoseconds + UInt64(process.seconds) * 1_000_000_000
        var tries = 0
        while true {
            let all = try RulesetInventory()
            let inventory = table.map { all.only($0.description) } ?? all
            let listing = try held(inventory, isWhole: table == nil)
            tries += 1
            // Others change rules meanwhile: both must be of the same moment. One that changes all the time is taken
            // as it was met: what is in one and not in the other counts as unread.
            let now = try? RulesetInventory.currentGeneration()
            let isOver = tries == mostTries || Clock.monotonicNanoseconds > end
            if now == inventory.generation || isOver { return listing }
        }
    }

    /// As far as they take no longer together than one task may.
    private static let mostTries = 10
    private static let mostTriesOfOne = 2

    private func held(_ inventory: RulesetInventory, isWhole: Bool) throws(KernelFailure) -> HeldListing {
        if isWhole, let listed = (try? json(.ruleset)).flatMap({ HeldListing($0) }) {
            return HeldListing(listed, completedBy: inventory)
        }
        // A crash over one table must not hide the others: each in a process of its own.
        var listed = HeldListing()
        var reasons: [String: String] = [:]
        for (key, table) in inventory.tables {
            guard let name = TableName(family: table.family, name: table.name) else {
                reasons[key] = "nft has no way to write its name"
                continue
            }
            do throws(KernelFailure) {
                guard let one = HeldListing(try json(.table(name))) else {
                    throw .unavailable("libnftables lists it in a form that is not known")
                }
                listed = listed.replacing(one)
            } catch {
                reasons[key] = "\(error)"
            }
        }
        return HeldListing(listed, completedBy: inventory, unlisted: reasons)
    }
}
