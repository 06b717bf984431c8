import Site

/// What the policy leaves of the gateway's own connections, asked of all packets and not of lines: a `deny` may take what
/// an `allow` lets through.
extension PolicyCheck {
    /// A port that nobody but gateways can reach, and the line that takes what others let in.
    mutating func reportClosed(_ listener: ListenerSettings, _ reach: GatewayReach) {
        let taken = taken(listener, reach, from: reach.clients)
        report(
            .error,
            .conflict,
            listener.position,
            "the gateway listens on port \(listener.port), and the policy lets nobody reach it\(taken)",
            help: taken.isEmpty
                ? "add a line to `allow`, give it a loopback `address`, or remove it" : "narrow that line, or remove it"
        )
    }

    /// A port of which lines of `forward` send elsewhere what others let in.
    mutating func checkForwards(_ listener: ListenerSettings, _ reach: GatewayReach) {
        guard let (packet, forward) = reach.diverted(listener.port, at: listener.bound, from: reach.clients)
        else { return }
        report(
            .warning,
            .conflict,
            listener.position,
            "the gateway listens on port \(listener.port), and not all that the policy lets in comes there: "
                + "\(Connection(packet)) is \(sent(forward))",
            help: "narrow or remove that line, unless such connections are to go there"
        )
    }

    /// Which connection to a port never comes there, and what takes it, after a colon; empty where no line opens the port.
    private func taken(_ listener: ListenerSettings, _ reach: GatewayReach, from peers: AddressSet) -> String {
        if let (packet, forward) = reach.diverted(listener.port, at: listener.bound, from: peers) {
            return ": \(Connection(packet)) is \(sent(forward))"
        }
        guard case .closed(_, let packet, let rule?) = reach.incoming(listener.port, at: listener.bound, from: peers)
        else { return "" }
        return ": \(Connection(packet)) is refused by \(name(rule))"
    }

    /// A port that lines open by both families, of which a `deny` takes one.
    ///
    /// - Parameter opening: the lines.
    mutating func checkFamilies(_ listener: ListenerSettings, _ opening: [Flow], _ reach: GatewayReach) {
        for family in AddressFamily.allCases {
            guard opening.contains(where: { $0.sources.addresses.intersects(.all(of: family)) }),
                case .closed(_, let packet, let rule?) = reach.incoming(
                    listener.port,
                    at: listener.bound,
                    from: reach.clients.intersection(.all(of: family))
                )
            else { continue }
            report(
                .warning,
                .conflict,
                listener.position,
                "the gateway listens on port \(listener.port), and the policy lets nobody reach it by \(family.title): "
                    + "\(Connection(packet)) is refused by \(name(rule))",
                help: "narrow that line, unless clients are to come by the other family alone"
            )
        }
    }

    /// CAs that cannot be shown by any challenge that names are the site's: no listener answers it, or the policy keeps the
    /// internet from each that does. From where a CA looks that is in a network of the site, nobody knows.
    mutating func checkChallenges(_ gateway: GatewaySettings, _ reach: GatewayReach) {
        var known: Set<[ACMESettings.Challenge]> = []
        for directory in site.acmeDirectories
        where !directory.challenges.contains(.dns01) && !known.contains(directory.challenges) {
            let challenges = directory.challenges.map { "`\($0.rawValue)`" }.joined(separator: ", ")
            let unshown = "the CA \(directory.url) cannot be shown that names are the site's"
            let answering = directory.challenges.flatMap { gateway.listeners(answering: $0) }
            guard let first = answering.first else {
                known.insert(directory.challenges)
                report(
                    .error,
                    .conflict,
                    directory.position,
                    "\(unshown): no listener answers \(challenges)",
                    help: "add one to `gateway.listen`, or write other `challenges`"
                )
                continue
            }
            if let address = directory.address, !intent.strangers.contains(address) { continue }
            known.insert(directory.challenges)
            guard answering.allSatisfy({ isClosedOutside($0, reach) }) else { continue }
            report(
                .warning,
                .conflict,
                directory.position,
                "\(unshown) by \(challenges): the policy lets nobody from the internet reach port \(first.port)"
                    + taken(first, reach, from: intent.strangers),
                help: "let `internet` in there, or write other `challenges`, unless the CA is one that is let in"
            )
        }
    }

    private func isClosedOutside(_ listener: ListenerSettings, _ reach: GatewayReach) -> Bool {
        if listener.isLocal { return false }
        let answer = reach.incoming(listener.port, at: listener.bound, from: intent.strangers)
        if case .closed = answer { return true }
        return false
    }

    /// Those that the gateway asks outside of the site: whoever bears the name of a CA, of an app server, or of a name
    /// server that /etc/resolv.conf names.
    mutating func checkDerivedNeeds(_ reach: GatewayReach) {
        // Name servers that the site file names are asked for one by one, and CAs of which it has the address.
        let known: Set<RuleOrigin> = site.gateway?.nameServers.isEmpty == false ? [.derived("name-servers")] : []
        let authorities = AddressSet(site.acmeDirectories.compactMap(\.address))
        for flow in intent.flows
        where flow.origin != .written && flow.ends == .outwards && !known.contains(flow.origin) {
            let parts = [ProtocolNumber.udp, .tcp].map { flow.traffic.intersection(TrafficSet($0)) }
            let isAsked = flow.destinations.addresses.isSubset(of: authorities)
            for host in site.gatewayHosts where !isAsked || host.allAddresses.isEmpty {
                checkNeed(flow, parts.filter { !$0.isEmpty }, of: host, reach)
            }
        }
    }

    private typealias Refused = (packet: Packet, rule: IntentRule?)

    /// - Parameter parts: the flow's traffic by its protocols. Without one of several the gateway mostly does.
    private mutating func checkNeed(_ flow: Flow, _ parts: [TrafficSet], of host: SiteHost, _ reach: GatewayReach) {
        let destinations = flow.destinations.addresses
        func refusals(_ destinations: AddressSet) -> [Refused] {
            parts.compactMap { reach.outgoing($0, to: destinations, of: host).refusal }
        }
        func over(_ closed: [Refused]) -> String {
            guard closed.count < parts.count else { return "" }
            return " over " + closed.map { $0.packet.protocolNumber.text }.joined(separator: ", ")
        }
        let closed = refusals(destinations)
        if let (packet, rule) = closed.first {
            let why = rule.map { "refused by \(name($0))" } ?? "let out by no line"
            report(
                closed.count == parts.count ? .error : .warning,
                .conflict,
                flow.position,
                "the gateway `\(host.name)` cannot reach anybody\(over(closed)) as `\(flow.id)` wants: "
                    + "\(Connection(packet)) is \(why)",
                help: "narrow that line, or let the gateway do without"
            )
            return
        }
        for family in AddressFamily.allCases {
            let closed = refusals(destinations.intersection(.all(of: family)))
            guard let (packet, refusing) = closed.first, let rule = refusing else { continue }
            report(
                .warning,
                .conflict,
                flow.position,
                "the gateway `\(host.name)` cannot reach anybody\(over(closed)) by \(family.title) as `\(flow.id)` "
                    + "wants: \(Connection(packet)) is refused by \(name(rule))",
                help: "narrow that line, unless it is to go by the other family alone"
            )
            return
        }
        // Names lead anywhere; mostly into the internet.
        guard intent.strangers.isSubset(of: destinations) else { return }
        let strange = refusals(destinations.intersection(intent.strangers)).filter { $0.rule != nil }
        guard let (packet, refusing) = strange.first, let rule = refusing else { return }
        report(
            .warning,
            .conflict,
            flow.position,
            "the gateway `\(host.name)` can do what `\(flow.id)` is for\(over(strange)) with networks of the site alone: "
                + "\(Connection(packet)) is refused by \(name(rule))",
            help: "narrow that line, unless whom it asks is there"
        )
    }

    private func name(_ rule: IntentRule) -> String { "`\(rule.id)` (line \(rule.position.line))" }

    func sent(_ forward: Translation) -> String {
        var target = ""
        if case .destination(let address, let port) = forward.kind {
            target = " to \(address)" + (port.map { " port \($0)" } ?? "")
        }
        return "sent\(target) by `\(forward.id)` (line \(forward.position.line))"
    }
}

extension GatewaySettings {
    /// The listeners that answer a challenge: those on the port where a CA looks, else all of their kind, since a router may
    /// change the port on the way.
    fileprivate func listeners(answering challenge: ACMESettings.Challenge) -> [ListenerSettings] {
        let port: UInt16
        switch challenge {
        case .http01: port = 80
        case .tlsALPN01: port = 443
        case .dns01: return []
        }
        let able = listeners.filter { ($0.tls == nil) == (challenge == .http01) }
        let usual = able.filter { $0.port == port }
        return usual.isEmpty ? able : usual
    }
}

extension GatewayReach.Answer {
    /// The packet that is not let through, and the line that takes it; nil where some are let through, or there are none.
    fileprivate var refusal: (packet: Packet, rule: IntentRule?)? {
        if case .closed(_, let packet, let rule) = self { (packet, rule) } else { nil }
    }
}
