import Site

/// What the policy leaves of the gateway's own connections, asked of all packets and not of lines: a `deny` may take what
/// an `allow` lets through.
extension PolicyCheck {
    /// A port that nobody but gateways can reach, and the line that takes what others let in.
    mutating func reportClosed(_ listener: ListenerSettings, _ reach: GatewayReach) {
        var taken = ""
        if case .closed(_, let packet, let rule?) = reach.incoming(listener.port, at: listener.bound) {
            taken = ": \(Connection(packet)) is refused by \(name(rule))"
        }
        report(
            .error,
            .conflict,
            listener.position,
            "the gateway listens on port \(listener.port), and the policy lets nobody reach it\(taken)",
            help: taken.isEmpty
                ? "add a line to `allow`, or remove the listener" : "narrow that line, or remove the listener"
        )
    }

    /// Those that the gateway asks outside of the site: whoever bears the name of a CA, of an app server, or of a name
    /// server that /etc/resolv.conf names.
    mutating func checkDerivedNeeds(_ reach: GatewayReach) {
        // Name servers that the site file names are asked for one by one.
        let known: Set<RuleOrigin> = site.gateway?.nameServers.isEmpty == false ? [.derived("name-servers")] : []
        for flow in intent.flows
        where flow.origin != .written && flow.ends == .outwards && !known.contains(flow.origin) {
            for host in site.gatewayHosts {
                for number in [ProtocolNumber.udp, .tcp] {
                    let traffic = flow.traffic.intersection(TrafficSet(number))
                    if traffic.isEmpty { continue }
                    checkNeed(flow, traffic, of: host, reach)
                }
            }
        }
    }

    private mutating func checkNeed(_ flow: Flow, _ traffic: TrafficSet, of host: SiteHost, _ reach: GatewayReach) {
        let destinations = flow.destinations.addresses
        let answer = reach.outgoing(traffic, to: destinations, of: host)
        if case .closed(_, let packet, let rule) = answer {
            let why = rule.map { "refused by \(name($0))" } ?? "let out by no line"
            report(
                .error,
                .conflict,
                flow.position,
                "the gateway `\(host.name)` cannot reach anybody as `\(flow.id)` wants: \(Connection(packet)) is \(why)",
                help: "narrow that line, or let the gateway do without"
            )
            return
        }
        // Names lead anywhere; mostly into the internet.
        let strangers = destinations.intersection(intent.strangers)
        guard intent.strangers.isSubset(of: destinations),
            case .closed(_, let packet, let rule?) = reach.outgoing(traffic, to: strangers, of: host)
        else { return }
        report(
            .warning,
            .conflict,
            flow.position,
            "the gateway `\(host.name)` can do what `\(flow.id)` is for with networks of the site alone: "
                + "\(Connection(packet)) is refused by \(name(rule))",
            help: "narrow that line, unless whom it asks is there"
        )
    }

    private func name(_ rule: IntentRule) -> String { "`\(rule.id)` (line \(rule.position.line))" }
}
