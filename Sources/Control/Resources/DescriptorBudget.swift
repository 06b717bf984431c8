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

    /// Connections that are let in however few descriptors there are, so that somebody is served.
    private static let least = 16

    /// As many connections as there are descriptors for.
    package var connections: Int { max(Self.least, Int(clamping: limit > fixed ? (limit - fixed) / 2 : 0)) }

    /// What to tell the operator about the descriptors for `limits.connections`; nil when they suffice.
    ///
    /// - Parameter wanted: 0 where the site file does not say.
    package func warning(connections wanted: Int) -> String? {
        let most = wanted > 0 ? wanted : Self.least
        let need = UInt64(clamping: most) * 2 + fixed
        guard need > limit else { return nil }
        let isScarce = limit < UInt64(Self.least) * 2 + fixed
        let enough = isScarce ? "which is hardly enough for any" : "enough for \(connections)"
        return "limits.connections: \(most) connections need \(need) descriptors and this process may have \(limit),"
            + " \(enough): raise LimitNOFILE= in the unit file, or `ulimit -n`, to \(need)"
    }
}
