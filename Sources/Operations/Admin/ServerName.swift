import Gateway
import Site

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
        if let near = NearestWord.to(name, among: names) {
            return .unknown("there is no server \(name); did you mean \(near)?")
        }
        let shown = names.prefix(10).joined(separator: ", ")
        let more = names.count > 10 ? " and \(names.count - 10) more" : ""
        return .unknown("there is no server \(name); the servers are \(names.isEmpty ? "none" : shown + more)")
    }
}
