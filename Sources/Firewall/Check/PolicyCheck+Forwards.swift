import Site

/// Lines of `deny` about a port that a router forwards. Where packets go is changed before any line is asked about them: such
/// a line never sees the router's port.
extension PolicyCheck {
    mutating func checkForwardedDenies() {
        var told: Set<String> = []
        for host in intent.hosts {
            for translation in host.translations where translation.changesDestination {
                for rule in host.input where rule.origin == .written && rule.verdict != .accept {
                    let missed = rule.matches.lazy.compactMap { translation.taken(from: $0, at: host) }.first
                    guard let missed, told.insert("\(rule.id) \(translation.id)").inserted else { continue }
                    report(
                        .warning,
                        .ineffective,
                        rule.position,
                        "what is sent to \(host.host) by \(missed.sent.text) is changed by `\(translation.id)` (line "
                            + "\(translation.position.line)) before this line is asked",
                        help: "deny what it becomes: `to: \(name(of: missed.target))`, \(service(missed.becomes))"
                    )
                }
            }
        }
    }

    /// How a line names an address.
    private func name(of address: IPAddress) -> String {
        site.hosts.values.first { $0.allAddresses.contains { $0.address == address } }?.name ?? address.description
    }

    /// How a line names traffic.
    private func service(_ traffic: TrafficSet) -> String {
        let names = site.services.keys.sorted().filter { TrafficSet([$0], of: site) == traffic }
        return names.first.map { "`services: \($0)`" } ?? "with a service of \(traffic.text)"
    }
}

extension Translation {
    /// Traffic that a port forward takes away from a line.
    fileprivate struct Taken {
        /// As it was sent to the router.
        let sent: TrafficSet
        let target: IPAddress
        /// As it goes on.
        let becomes: TrafficSet
    }

    /// What of the packets that a line refuses at the router goes elsewhere, and is not all refused there; nil when none does.
    fileprivate func taken(from line: PacketMatch, at host: HostIntent) -> Taken? {
        guard case .destination(let target, let port) = kind else { return nil }
        let (sources, sent) = (changed.sources.intersection(line.sources), changed.traffic.intersection(line.traffic))
        let interfaces = changed.inputInterfaces.intersection(line.inputInterfaces)
        guard !sources.isEmpty, !sent.isEmpty, !interfaces.isEmpty,
            changed.destinations.intersects(line.destinations)
        else { return nil }
        let becomes = port.map { sent.redirected(to: $0) } ?? sent
        let rules = host.rules(host.knownAddresses.contains(target) ? .input : .forward)
        let left = rules.filter { $0.origin == .written && $0.verdict != .accept }.flatMap(\.matches).filter {
            $0.destinations.contains(target) && becomes.isSubset(of: $0.traffic) && $0.outputInterfaces.isAny
                && interfaces.subtracting($0.inputInterfaces).isEmpty
        }.reduce(sources) { $0.subtracting($1.sources) }
        return left.isEmpty ? nil : Taken(sent: sent, target: target, becomes: becomes)
    }
}
