import Site

/// Where the gateway and the policy contradict each other.
extension PolicyCheck {
    /// The gateway's ports that nobody else can reach, and whom it cannot reach.
    mutating func checkGateway() {
        guard let gateway = site.gateway, !site.gatewayHosts.isEmpty else { return }
        let reach = GatewayReach(site, intent)
        for listener in gateway.listeners where !listener.isLocal {
            if case .open = reach.incoming(listener.port, at: listener.bound, from: reach.clients) {
                checkOutside(listener, opening(listener))
                checkFamilies(listener, opening(listener), reach)
                checkForwards(listener, reach)
            } else {
                reportClosed(listener, reach)
            }
        }
        checkMetrics(gateway, reach)
        checkDerivedNeeds(reach)
        checkChallenges(gateway, reach)
        let rehearsal = Rehearsal(site, intent)
        for pool in gateway.pools.values.sorted(by: { $0.name < $1.name }) {
            for endpoint in site.endpoints(of: pool) {
                guard case .addresses(let addresses) = endpoint.location else { continue }
                for address in addresses {
                    checkReach(rehearsal, address, .tcp, endpoint.port, endpoint.settings.position) {
                        "its server `\(endpoint.label)`"
                    }
                }
            }
        }
        for server in gateway.nameServers {
            checkReach(rehearsal, server.address, .udp, server.port, gateway.position) {
                "its name server \(server)"
            }
        }
        var known: Set<String> = []
        for directory in site.acmeDirectories where known.insert(directory.url).inserted {
            guard let address = directory.address else { continue }
            checkReach(rehearsal, address, .tcp, directory.port, directory.position) { "its CA \(directory.url)" }
        }
    }

    /// The listener for Prometheus, which may be on another gateway.
    private mutating func checkMetrics(_ gateway: GatewaySettings, _ reach: GatewayReach) {
        guard let listener = gateway.metrics?.listener, !listener.isLocal else { return }
        if case .open = reach.incoming(listener.port, at: listener.bound, from: .all) {
            checkForwards(listener, reach)
        } else {
            reportClosed(listener, reach)
        }
    }

    private mutating func checkReach(
        _ rehearsal: Rehearsal,
        _ address: IPAddress,
        _ number: ProtocolNumber,
        _ port: UInt16,
        _ position: SourcePosition,
        _ what: () -> String
    ) {
        // It never leaves the host.
        guard !address.isLoopback else { return }
        for host in site.gatewayHosts {
            let own = host.allAddresses.filter { $0.address.width == address.width }
            let near = own.first { $0.network.contains(address) } ?? own.first
            guard let source = near?.address, source != address else { continue }
            let connection = Connection(from: source, to: address, number, detail: port)
            guard let last = rehearsal.decisions(connection).last, last.verdict != .accept else { continue }
            let verb = last.verdict == nil ? "may be" : "is"
            report(
                .error,
                .conflict,
                position,
                "the gateway `\(host.name)` cannot reach \(what()): \(connection) \(verb) refused " + Self.reason(last),
                help: "narrow that rule, or allow the connection"
            )
        }
    }

    /// A listener that faces the outside and that no line opens there.
    private mutating func checkOutside(_ listener: ListenerSettings, _ opening: [Flow]) {
        let zones = opening.compactMap(\.ownZone)
        guard let line = opening.first, zones.count == opening.count, !zones.contains(FirewallDefence.outside)
        else { return }
        let bound = AddressSet(listener.bound)
        let facing = site.gatewayHosts.filter { host in
            host.interfaces.contains { interface in
                interface.zone == FirewallDefence.outside
                    && (listener.bound.isEmpty || interface.addresses.contains { bound.contains($0.address) })
            }
        }
        guard let host = facing.first else { return }
        let inner = Set(zones).sorted().map { "`\($0)`" }.joined(separator: " and ")
        report(
            .warning,
            .conflict,
            line.position,
            "the gateway listens on port \(listener.port) at `\(host.name)` also outside, and the policy lets in by "
                + "\(inner) alone: nobody reaches it from the internet",
            help: "leave `in` out where it is to be reached, or give the listener (line \(listener.position.line)) an "
                + "`address` of that zone"
        )
    }

    /// The lines by which somebody may reach one of a listener's addresses.
    private func opening(_ listener: ListenerSettings) -> [Flow] {
        let bound = listener.bound
        let addresses = AddressSet(bound)
        let gateways = Dictionary(site.gatewayHosts.map { ($0.name, $0) }) { first, _ in first }
        return intent.flows.filter { flow in
            guard flow.verdict == .accept, flow.opensDestinations, flow.traffic.contains(.tcp, detail: listener.port)
            else { return false }
            return flow.destinations.bearers.contains { bearer in
                let gateway = gateways[intent.hosts[bearer.host].host]
                guard gateway?.interfaces(in: flow.ownZone) != nil else { return false }
                return bound.isEmpty || bearer.addresses.intersects(addresses)
            }
        }
    }
}

extension Flow {
    /// The zone that its destinations get it by; nil for any.
    fileprivate var ownZone: String? { ends == .inwards ? nil : inZone }
}

extension MetricsSettings {
    /// The same as one of `listen`.
    fileprivate var listener: ListenerSettings {
        var listener = ListenerSettings(port: port)
        (listener.addresses, listener.position) = ([address], position)
        return listener
    }
}

extension ListenerSettings {
    /// The addresses that it is bound to; none for all of the machine's.
    var bound: [IPAddress] { addresses.filter { !$0.isUnspecified } }

    /// Whether it is the machine's own, on loopback addresses alone.
    var isLocal: Bool { !bound.isEmpty && bound.allSatisfy(\.isLoopback) }
}
