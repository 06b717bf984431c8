package import Gateway

/// How far the limit on descriptors (RLIMIT_NOFILE) goes, in connections of clients.
///
/// A connection takes one descriptor and, while a request is under way, one more for the app server, as HAProxy
/// counts it. Listeners, checks, loops and shared memory come on top.
package struct DescriptorBudget: Equatable, Sendable {
    /// Descriptors that this process and the data plane may have open, each.
    package let limit: UInt64
    /// What is needed before the first client comes.
    package let fixed: UInt64

    package init(limit: UInt64, plan: Plan, sockets: Int, workers: Int) {
        self.limit = limit
        let servers = plan.pools.reduce(0) { $0 + $1.servers.count }
        fixed = UInt64(64 + sockets + servers + 4 * workers)
    }

    /// As many connections as there are descriptors for; at least 16, so that a gateway that is short of them
    /// serves somebody.
    package var connections: Int { max(16, Int(clamping: limit > fixed ? (limit - fixed) / 2 : 0)) }

    /// What to tell the operator about `limits.connections`; nil when it fits.
    package func warning(connections wanted: Int) -> String? {
        let need = UInt64(clamping: wanted) * 2 + fixed
        guard wanted > 0, need > limit else { return nil }
        return "limits.connections: \(wanted) connections need \(need) descriptors and this process may have \(limit),"
            + " enough for \(connections): raise LimitNOFILE= in the unit file, or `ulimit -n`, to \(need)"
    }
}
