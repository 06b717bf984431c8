enum ListenerRules {
    /// Two listeners, or a listener and the metrics, cannot have the same address and port.
    static func listenersAreDistinct(_ site: SiteModel, _ collector: inout DiagnosticCollector) {
        guard let gateway = site.gateway else { return }
        var sockets: [(port: UInt16, addresses: [IPAddress], position: SourcePosition)] = gateway.listeners.map {
            ($0.port, $0.addresses, $0.position)
        }
        if let metrics = gateway.metrics { sockets.append((metrics.port, [metrics.address], metrics.position)) }
        for (index, socket) in sockets.enumerated() {
            guard
                let other = sockets[..<index].first(where: {
                    $0.port == socket.port && overlap($0.addresses, socket.addresses)
                })
            else { continue }
            collector.report(
                .duplicate,
                at: SourceRange(socket.position),
                "port \(socket.port) is listened on twice",
                help: "the one in line \(other.position.line) has it already; give them different ports or addresses"
            )
        }
    }

    /// No addresses, or an unspecified one, mean all of them.
    private static func overlap(_ one: [IPAddress], _ other: [IPAddress]) -> Bool {
        if one.isEmpty || other.isEmpty { return true }
        return one.contains { left in
            other.contains { right in
                left == right || left.width == right.width && (left.isUnspecified || right.isUnspecified)
            }
        }
    }

    /// An address that no gateway host bears cannot be bound there.
    static func addressesAreTheGateways(_ site: SiteModel, _ collector: inout DiagnosticCollector) {
        let own = Set(site.gatewayHosts.flatMap(\.allAddresses).map(\.address))
        guard let gateway = site.gateway, !own.isEmpty else { return }
        for listener in gateway.listeners {
            for address in listener.addresses
            where !own.contains(address) && !address.isUnspecified && !address.isLoopback {
                collector.report(
                    .unknownName,
                    .warning,
                    at: SourceRange(listener.position),
                    "no host with the role `gateway` has the address \(address)",
                    help: "check it, or add it to the host"
                )
            }
        }
    }
}

extension IPAddress {
    /// 127.0.0.0/8 and ::1.
    package var isLoopback: Bool {
        switch self {
        case .v4(let bits): bits >> 24 == 127
        case .v6(let bits): bits == 1
        }
    }
}
