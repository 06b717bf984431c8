package import Site

/// What a kernel holds, table by table, as libnftables lists it: what is compared, recorded and proved.
package struct HeldListing: Sendable {
    /// The objects of each table, in the order of the list; by `FAMILY NAME`.
    package private(set) var tables: [String: [JSONValue]] = [:]
    /// Why a table, or part of it, could not be read; by `FAMILY NAME`. What was not read stands in the list as such.
    package private(set) var unread: [String: String] = [:]

    /// Nothing at all.
    package init() {}

    /// - Parameter listing: what `list ruleset` or `list table` prints as JSON.
    /// - Returns: nil when it is no such listing.
    package init?(_ listing: JSONValue) {
        guard case .array(let objects)? = listing["nftables"] else { return nil }
        for object in objects {
            guard case .object(let members) = object, let member = members.first,
                let family = member.value["family"]?.text,
                let table = (member.name == "table" ? member.value["name"] : member.value["table"])?.text
            else { continue }
            tables["\(family) \(table)", default: []].append(object)
        }
    }

    package init?(_ bytes: [UInt8]) {
        guard let value = JSONValue(parsing: String(decoding: bytes, as: UTF8.self)) else { return nil }
        self.init(value)
    }

    /// Our table alone, and the tables of others alone.
    package var own: HeldListing { filtered { $0 == TableName.own.description } }
    package var foreign: HeldListing { filtered { $0 != TableName.own.description } }

    /// One table alone.
    func table(_ name: String) -> HeldListing { filtered { $0 == name } }

    private func filtered(_ isKept: (String) -> Bool) -> HeldListing {
        var listing = HeldListing()
        listing.tables = tables.filter { isKept($0.key) }
        listing.unread = unread.filter { isKept($0.key) }
        return listing
    }

    /// Whether our table belongs to a process that runs, and to nobody else as long as it does (`flags owner`).
    var isOwnTableTaken: Bool { hasOwnTable(flag: "owner") }

    /// Whether our table is dormant, so that no rule of it is asked.
    var isOwnTableAsleep: Bool { hasOwnTable(flag: "dormant") }

    private func hasOwnTable(flag: String) -> Bool {
        (tables[TableName.own.description] ?? []).contains { object in
            object["table"]?["flags"]?.listed.contains { $0.text == flag } ?? false
        }
    }

    /// Of the rules of our table, in order, by chain: the numbers by which the kernel knows them.
    package var ownHandles: [String: [Int]] {
        var handles: [String: [Int]] = [:]
        for object in tables[TableName.own.description] ?? [] {
            guard let rule = object["rule"], let chain = rule["chain"]?.text, let handle = rule["handle"]?.integer
            else {
                continue
            }
            handles[chain, default: []].append(handle)
        }
        return handles
    }

    /// What libnftables cannot list it cannot load beside either: it reads all tables before it changes one.
    var hindrance: String? {
        guard !unread.isEmpty else { return nil }
        let tables = unread.keys.sorted().joined(separator: ", ")
        return "\nlibnftables does not read \(tables), and may be unable to load anything while that is there: ask "
            + "whoever made it to remove it"
    }

    /// This with the tables of the other listing in place of its own of the same name.
    package func replacing(_ other: HeldListing) -> HeldListing {
        var listing = self
        listing.tables.merge(other.tables) { $1 }
        for name in other.tables.keys { listing.unread[name] = other.unread[name] }
        return listing
    }

    mutating func add(_ objects: [JSONValue], of table: String) { tables[table, default: []] += objects }

    mutating func note(_ reason: String, of table: String) { unread[table] = reason }

    /// As libnftables would list it.
    package var json: JSONValue {
        let objects = tables.sorted { $0.key < $1.key }.flatMap(\.value)
        return .object([.init("nftables", .array(objects))])
    }

    /// By names, for comparison.
    package var text: HeldText { HeldText(listing: json) ?? HeldText() }

    /// For questions about packets.
    ///
    /// - Throws: `machine` when the list has a shape that is not known.
    package func ruleset() throws(ApplyError) -> HeldRuleset {
        do throws(HeldReadingError) {
            return try HeldRuleset(json, isInventoried: true)
        } catch {
            throw ApplyError(.machine, "what the kernel holds cannot be read: \(error)")
        }
    }
}
