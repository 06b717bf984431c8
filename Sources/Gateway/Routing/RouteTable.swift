import Bytes

/// Which route answers for a host and path: the most specific host, then the longest path prefix of
/// whole segments.
package struct RouteTable {
    private struct Path {
        let prefix: [UInt8]
        let route: Int
    }

    /// What a host's paths lead to.
    package enum Found: Equatable {
        /// Index of the route.
        case route(Int)
        /// The host is served, and no route of it covers the path.
        case noPath
        /// No route names the host.
        case noHost
    }

    private let hosts: HostTable<[Path]>

    package init(_ routes: [RoutePlan]) {
        var byHost: [String: [Path]] = [:]
        for (index, route) in routes.enumerated() {
            for host in route.hosts {
                byHost[host, default: []].append(Path(prefix: Array(route.path.utf8), route: index))
            }
        }
        hosts = HostTable(byHost.map { ($0.key, $0.value.sorted { $0.prefix.count > $1.prefix.count }) })
    }

    /// - Parameters:
    ///   - host: without a port.
    ///   - path: normalised, without a query.
    package func find(host: Span<UInt8>, path: Span<UInt8>) -> Found {
        guard let paths = hosts.find(host) else { return .noHost }
        for entry in paths where Self.covers(entry.prefix.span, path) { return .route(entry.route) }
        return .noPath
    }

    /// Whether any route answers for `host`.
    package func knows(host: Span<UInt8>) -> Bool { hosts.find(host) != nil }

    private static func covers(_ prefix: Span<UInt8>, _ path: Span<UInt8>) -> Bool {
        if prefix.count == 1 { return true }
        guard path.starts(with: prefix) else { return false }
        return path.count == prefix.count || path[prefix.count] == UInt8(ascii: "/")
    }
}
