import Gateway

/// `POOL/SERVER`, as operators name a server.
internal enum ServerName {
    case found(PoolPlan, ServerPlan)
    /// What is wrong, with the nearest name or all of them.
    case unknown(String)

    static func find(_ name: String, in plan: Plan) -> ServerName {
        var names: [String] = []
        for pool in plan.pools {
            for server in pool.servers {
                let candidate = "\(pool.name)/\(server.name)"
                if candidate == name { return .found(pool, server) }
                names.append(candidate)
            }
        }
        if let near = nearest(to: name, among: names) {
            return .unknown("there is no server \(name); did you mean \(near)?")
        }
        let shown = names.prefix(10).joined(separator: ", ")
        let more = names.count > 10 ? " and \(names.count - 10) more" : ""
        return .unknown("there is no server \(name); the servers are \(names.isEmpty ? "none" : shown + more)")
    }

    /// The name that the fewest edits make of `name`, when they are at most a third of it.
    private static func nearest(to name: String, among names: [String]) -> String? {
        let wanted = Array(name.lowercased().utf8.prefix(256))
        let scored = names.map { (name: $0, edits: edits(wanted, Array($0.lowercased().utf8))) }
        guard let best = scored.min(by: { ($0.edits, $0.name) < ($1.edits, $1.name) }) else { return nil }
        return best.edits <= max(1, wanted.count / 3) ? best.name : nil
    }

    /// Insertions, deletions and replacements that make one of the other (Levenshtein).
    private static func edits(_ one: [UInt8], _ other: [UInt8]) -> Int {
        var row = Array(0...other.count)
        for (index, byte) in one.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for column in 0..<other.count {
                let replaced = diagonal + (byte == other[column] ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(replaced, diagonal + 1, row[column] + 1)
            }
        }
        return row[other.count]
    }
}
