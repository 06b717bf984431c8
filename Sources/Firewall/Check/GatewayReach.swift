import Site

/// What the policy leaves of the connections that a gateway is for: of those to its listeners, and of those that it makes.
struct GatewayReach {
    private let site: SiteModel
    private let intent: Intent
    private typealias Gateway = (host: SiteHost, intent: HostIntent)
    private let gateways: [Gateway]
    /// The addresses of everybody but gateways.
    let clients: AddressSet

    init(_ site: SiteModel, _ intent: Intent) {
        self.site = site
        self.intent = intent
        gateways = site.gatewayHosts.compactMap { host in intent.host(host.name).map { (host, $0) } }
        clients = gateways.reduce(AddressSet.all) { $0.subtracting($1.intent.knownAddresses) }
    }

    /// What is left of connections that a gateway needs.
    enum Answer {
        /// Some of them are let through, or that is too much to tell.
        case open
        /// None is: one of them, and the line of `deny` that takes it; nil where no line allows it, or a line of `forward`
        /// sends it elsewhere.
        case closed(at: String, Packet, IntentRule?)
        /// There are none, since an end has no address of the other's family.
        case none
    }

    /// Connections of others to a port of a gateway.
    ///
    /// - Parameters:
    ///   - addresses: those that it listens at; none for all.
    ///   - peers: the addresses of those others.
    func incoming(_ port: UInt16, at addresses: [IPAddress], from peers: AddressSet) -> Answer {
        answer(.input) { arriving(port, at: addresses, of: $0, from: peers) }
    }

    /// A connection to a port of a gateway that rules let in and that never comes there, with the line of `forward` that sends
    /// it elsewhere; nil where there is none.
    func diverted(
        _ port: UInt16,
        at addresses: [IPAddress],
        from peers: AddressSet
    ) -> (packet: Packet, forward: Translation)? {
        for gateway in gateways {
            let match = arriving(port, at: addresses, of: gateway, from: peers)
            guard let packet = try? diverted(match, gateway) else { continue }
            // Which addresses it gets from elsewhere the site file does not know.
            var sent = packet
            sent.oddities.insert(.toOwnAddress)
            if let forward = gateway.intent.redirection(of: sent) { return (packet, forward) }
        }
        return nil
    }

    private func arriving(
        _ port: UInt16,
        at addresses: [IPAddress],
        of gateway: Gateway,
        from peers: AddressSet
    ) -> PacketMatch {
        let known = gateway.intent.knownAddresses
        var match = PacketMatch()
        match.traffic = TrafficSet(.tcp, port: port)
        match.sources = peers.subtracting(known)
        match.destinations = addresses.isEmpty ? known : AddressSet(addresses).intersection(known)
        // One that gets its addresses from elsewhere may bear any.
        if gateway.host.interfaces.contains(where: \.addresses.isEmpty) {
            match.destinations = addresses.isEmpty ? .all : AddressSet(addresses)
        }
        return match
    }

    /// Connections of each gateway to somebody outside of the site.
    func outgoing(_ traffic: TrafficSet, to destinations: AddressSet, of host: SiteHost) -> Answer {
        answer(.output, by: host.name) { gateway in
            var match = PacketMatch()
            match.traffic = traffic
            if gateway.host.interfaces.allSatisfy({ !$0.addresses.isEmpty }) {
                match.sources = gateway.intent.knownAddresses
            }
            match.destinations = destinations
            return match
        }
    }

    /// - Parameters:
    ///   - name: the only gateway that is asked; nil for all, of which one that is open will do.
    ///   - make: the packets of which any that begins a connection would do.
    private func answer(_ path: PacketPath, by name: String? = nil, _ make: (Gateway) -> PacketMatch) -> Answer {
        var answer = Answer.none
        for gateway in gateways where name == nil || gateway.host.name == name {
            switch (try? self.answer(path, make(gateway), gateway)) ?? .open {
            case .open: return .open
            case .closed(let host, let packet, let rule): answer = .closed(at: host, packet, rule)
            case .none: continue
            }
        }
        return answer
    }

    private func answer(
        _ path: PacketPath,
        _ match: PacketMatch,
        _ gateway: Gateway
    ) throws(SpaceExhausted) -> Answer {
        let store = DiagramStore()
        let asked = try asked(path, match, gateway, store)
        if asked == .none { return .none }
        var accepted = try accepted(path, match, gateway, store)
        if path == .input {
            accepted = try store.combine(accepted, try sentElsewhere(match, gateway, store), .difference)
        }
        guard try store.combine(asked, accepted, .intersection) == .none,
            let packet = Witness(in: store, at: gateway.intent).packet(asked, path)
        else { return .open }
        let rule = gateway.intent.rule(for: packet)
        let isLine = rule?.origin == .written && rule?.verdict != .accept
        return .closed(at: gateway.host.name, packet, isLine ? rule : nil)
    }

    private func diverted(_ match: PacketMatch, _ gateway: Gateway) throws(SpaceExhausted) -> Packet? {
        guard gateway.intent.translations.contains(where: \.isForward) else { return nil }
        let store = DiagramStore()
        let accepted = try accepted(.input, match, gateway, store)
        let sent = try store.combine(accepted, try sentElsewhere(match, gateway, store), .intersection)
        let region = try store.combine(try asked(.input, match, gateway, store), sent, .intersection)
        return Witness(in: store, at: gateway.intent).packet(region, .input)
    }

    /// The packets of a match that can be and that begin a connection.
    private func asked(
        _ path: PacketPath,
        _ match: PacketMatch,
        _ gateway: Gateway,
        _ store: DiagramStore
    ) throws(SpaceExhausted) -> PacketFunction {
        // What a line of `forward` has sent here, where one does.
        let isSentHere = gateway.intent.translations.contains { $0.leads(into: match, at: gateway.intent) }
        var first = match
        first.states = .new
        var boxes = Box.boxes(of: first, on: path)
        for index in boxes.indices {
            boxes[index].restrict(.oddities, to: 0)
            boxes[index].restrict(.tcpFlags, to: 0x02)
            // What a machine says to itself is no connection of others.
            let interfaces = InterfaceSet.except(["lo", ""]).numbers
            boxes[index].restrict(path == .output ? .outputInterface : .inputInterface, to: interfaces)
            if !isSentHere { boxes[index].restrict(.redirected, to: 0) }
        }
        let sides = HostSides(of: gateway.host, outside: intent.reachedOutside)
        let asked = try store.combine(
            try store.region(boxes),
            try PossiblePackets.region(path, in: store),
            .intersection
        )
        return try store.combine(asked, try sides.region(path, in: store), .intersection)
    }

    private func accepted(
        _ path: PacketPath,
        _ match: PacketMatch,
        _ gateway: Gateway,
        _ store: DiagramStore
    ) throws(SpaceExhausted) -> PacketFunction {
        // Of thousands of rules few are about one port.
        let rules = gateway.intent.rules(path).filter { rule in
            rule.matches.contains { $0.traffic.intersects(match.traffic) }
        }
        let outcomes = try IntentSpace(in: store, limits: .together).outcomes(rules, path)
        return try store.map(outcomes) { Outcomes(rawValue: $0).contains(.accept) ? 1 : 0 }
    }

    /// What comes to a gateway and is sent on before a rule is asked. What a `deny` keeps from that, it refuses.
    private func sentElsewhere(
        _ match: PacketMatch,
        _ gateway: Gateway,
        _ store: DiagramStore
    ) throws(SpaceExhausted) -> PacketFunction {
        let forwards = gateway.intent.translations.filter { $0.isForward && !$0.leads(into: match, at: gateway.intent) }
        var boxes = forwards.flatMap { forward in
            var changed = forward.changed
            changed.oddities.remove(.toOwnAddress)
            return Box.boxes(of: changed, on: .input)
        }
        for index in boxes.indices { boxes[index].restrict(.redirected, to: 0) }
        return try store.region(boxes)
    }
}

extension Translation {
    /// Whether it sends connections of the match to the host itself.
    fileprivate func leads(into match: PacketMatch, at host: HostIntent) -> Bool {
        guard case .destination(let target, let port) = kind else { return false }
        let traffic = port.map { self.match.traffic.redirected(to: $0) } ?? self.match.traffic
        return host.knownAddresses.contains(target) && match.destinations.contains(target)
            && traffic.intersects(match.traffic)
    }
}
