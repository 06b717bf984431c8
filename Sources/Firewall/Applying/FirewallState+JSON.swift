package import Site

extension FirewallState {
    /// Of the form in which it is written.
    static let version = 1

    package var json: JSONValue {
        .object([
            .init("version", .integer(Self.version)),
            .init("last-generation", .integer(lastGeneration)),
            .init("confirmed", confirmed?.json ?? .null),
            .init("previous", previous?.json ?? .null),
            .init("pending", pending?.json ?? .null),
            .init("undone", undone?.json ?? .null),
            .init("stand-in", standIn?.json ?? .null),
            .init("retired", .strings(retired)),
        ])
    }

    /// - Returns: nil when it is not what `json` makes.
    package init?(json: JSONValue) {
        guard json["version"]?.integer == Self.version, let last = json["last-generation"]?.integer,
            last == 0 || StoredRuleset.generations.contains(last)
        else { return nil }
        lastGeneration = last
        retired = json["retired"]?.items.compactMap(\.text) ?? []
        for (name, path) in [("confirmed", \FirewallState.confirmed), ("previous", \FirewallState.previous)] {
            guard let entry = json[name], entry != .null else { continue }
            guard let ruleset = StoredRuleset(json: entry) else { return nil }
            self[keyPath: path] = ruleset
        }
        if let entry = json["pending"], entry != .null {
            guard let ruleset = entry["ruleset"].flatMap(StoredRuleset.init(json:)), let until = entry["until"]?.time
            else { return nil }
            pending = PendingConfirmation(
                ruleset: ruleset,
                until: until,
                deadline: entry["deadline"]?.integer.flatMap { UInt64(exactly: $0) },
                undoHash: entry["undo-hash"]?.text,
                isSameAsBefore: entry["same-as-before"]?.boolean ?? false,
                owesEnding: entry["owes-ending"]?.boolean ?? false,
                session: entry["session"]?.text
            )
        }
        if let entry = json["stand-in"], let ruleset = entry["ruleset"].flatMap(StoredRuleset.init(json:)) {
            standIn = StandIn(ruleset, why: entry["why"]?.text ?? "")
        }
        if let entry = json["undone"], let generation = entry["generation"]?.integer, let at = entry["at"]?.time {
            undone = Undone(generation: generation, at: at, why: entry["why"]?.text ?? "")
        }
    }
}

extension StoredRuleset {
    package var json: JSONValue {
        .object([
            .init("generation", .integer(generation)),
            .init("host", .string(host)),
            .init("hash", .string(hash)),
            .init("site-hash", .string(siteHash)),
            .init("site-modified", .integer(Int(siteModified))),
            .init("applied", .integer(Int(applied))),
            .init("confirmed", confirmed.map { .integer(Int($0)) } ?? .null),
        ])
    }

    init?(json: JSONValue) {
        guard let generation = json["generation"]?.integer, let host = json["host"]?.text,
            let hash = json["hash"]?.text, let siteHash = json["site-hash"]?.text,
            let modified = json["site-modified"]?.time, let applied = json["applied"]?.time,
            Self.generations.contains(generation)
        else { return nil }
        self.init(
            generation: generation,
            host: host,
            hash: hash,
            siteHash: siteHash,
            siteModified: modified,
            applied: applied
        )
        confirmed = json["confirmed"]?.time
    }
}

extension JSONValue {
    /// A time as the state has it, in seconds since 1970.
    fileprivate var time: Int64? {
        integer.map { Int64($0) }.flatMap { StoredRuleset.times.contains($0) ? $0 : nil }
    }
}

extension PendingConfirmation {
    package var json: JSONValue {
        .object([
            .init("ruleset", ruleset.json), .init("until", .integer(Int(until))),
            .init("deadline", deadline.flatMap { Int(exactly: $0) }.map { .integer($0) } ?? .null),
            .init("undo-hash", undoHash.map { .string($0) } ?? .null),
            .init("same-as-before", .boolean(isSameAsBefore)), .init("owes-ending", .boolean(owesEnding)),
            .init("session", session.map { .string($0) } ?? .null),
        ])
    }
}

extension FirewallState.StandIn {
    package var json: JSONValue { .object([.init("ruleset", ruleset.json), .init("why", .string(why))]) }
}

extension FirewallState.Undone {
    package var json: JSONValue {
        .object([
            .init("generation", .integer(generation)), .init("at", .integer(Int(at))), .init("why", .string(why)),
        ])
    }
}
