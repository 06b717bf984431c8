enum RouteRules {
    /// Which of two equal routes wins must not depend on their order.
    static func routesAreDistinct(_ site: SiteModel, _ collector: inout DiagnosticCollector) {
        struct Target: Hashable {
            let host: HostPattern
            let path: String
        }
        var lines: [Target: Int] = [:]
        for route in site.gateway?.routes ?? [] {
            for host in route.hosts {
                let target = Target(host: host, path: route.path)
                guard let line = lines.updateValue(route.position.line, forKey: target) else { continue }
                collector.report(
                    .duplicate,
                    at: SourceRange(route.position),
                    "there are two routes for \(quoted(host.description)) and the path \(quoted(route.path))",
                    help: "the other stands in line \(line); remove one of them"
                )
            }
        }
    }

    static func poolsAreUsed(_ site: SiteModel, _ collector: inout DiagnosticCollector) {
        guard let gateway = site.gateway else { return }
        let used = Set(gateway.routes.map(\.pool))
        for pool in gateway.pools.inFileOrder(\.position) where !used.contains(pool.name) {
            collector.report(
                .unused,
                .warning,
                at: SourceRange(pool.position),
                "no route leads to the pool \(quoted(pool.name))",
                help: "add a route, or remove the pool"
            )
        }
    }

    /// A route for a name that no TLS listener has a certificate for is one that no browser reaches.
    static func namesAreCovered(_ site: SiteModel, _ collector: inout DiagnosticCollector) {
        guard let gateway = site.gateway else { return }
        let listeners = gateway.listeners.compactMap(\.tls)
        guard !listeners.isEmpty else { return }
        let covered = Set(listeners.flatMap(\.certificates)).compactMap { site.certificates[$0] }.flatMap(\.names)
        for route in gateway.routes {
            for host in route.hosts where !isCovered(host, by: covered) {
                collector.report(
                    .uncovered,
                    .warning,
                    at: SourceRange(route.position),
                    "no certificate of a listener covers \(quoted(host.description))",
                    help: "add the name to a certificate, and the certificate to a listener"
                )
            }
        }
    }

    private static func isCovered(_ host: HostPattern, by names: [HostPattern]) -> Bool {
        switch host {
        case .exact(let name): names.contains { $0.matches(name) }
        case .wildcard: names.contains(host)
        case .any: true
        }
    }
}
