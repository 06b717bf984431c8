import Site

/// What the policy leaves of the connections that a gateway is for: of those to its listeners, and of those that it makes.
struct GatewayReach {
    private let site: SiteModel
    private let intent: Intent
    private let gateways: [(host: SiteHost, intent: HostIntent)]

    init(_ site: SiteModel, _ intent: Intent) {
        self.site = site
        self.intent = intent
        gateways = site.gatewayHosts.compactMap { host in intent.host(host.name).map { (host, $0) } }
    }

    /// What is left of connections that a gateway needs.
    enum Answer {
        /// Some of them are let through, or that is too much to tell.
        case open
        /// None is: one of them, and the line of `deny` that takes it; nil where no line allows it.
        case closed(at: String, Packet, IntentRule?)
        /// There are none, since an end has no address of the other's family.
        case none
    }

    /// Connections of others to a port of a gateway.
    ///
    /// - Parameters:
    ///   - addresses: those that it listens at; none for all.
    ///   - families: those of the connections.
    func incoming(
        _ port: UInt16,
        at addresses: [IPAddress],
        by families: [AddressFamily] = AddressFamily.allCases
    ) -> Answer {
        let peers = families.reduce(AddressSet.none) { $0.union(.all(of: $1)) }
        let own = gateways.reduce(AddressSet.none) { $0.union($1.intent.knownAddresses) }
        return answer(.input, TrafficSet(.tcp, port: port)) { gateway in
            var match = PacketMatch()
            match.sources = peers.subtracting(own)
            let known = gateway.intent.knownAddresses
            match.destinations = addresses.isEmpty ? known : AddressSet(addresses).intersection(known)
            // One that gets its addresses from elsewhere may bear any.
            if gateway.host.interfaces.contains(where: \.addresses.isEmpty) {
                match.destinations = addresses.isEmpty ? .all : AddressSet(addresses)
            }
            return match
        }
    }

    /// Connections of each gateway to somebody outside of the site.
    func outgoing(_ traffic: TrafficSet, to destinations: AddressSet, of host: SiteHost) -> Answer {
        answer(.output, traffic, by: host.name) { gateway in
            var match = PacketMatch()
            if gateway.host.interfaces.allSatisfy({ !$0.addresses.isEmpty }) {
                match.sources = gateway.intent.knownAddresses
            }
            match.destinations = destinations
            return match
        }
    }

    /// - Parameters:
    ///   - name: the only gateway that is asked; nil for all, of which one that is open will do.
    ///   - make: the packets of which any would do, but for what they carry.
    private func answer(
        _ path: PacketPath,
        _ traffic: TrafficSet,
        by name: String? = nil,
        _ make: ((host: SiteHost, intent: HostIntent)) -> PacketMatch
    ) -> Answer {
        var answer = Answer.none
        for gateway in gateways where name == nil || gateway.host.name == name {
            var match = make(gateway)
            match.traffic = traffic
            match.states = .new
            switch (try? self.answer(path, match, gateway)) ?? .open {
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
        _ gateway: (host: SiteHost, intent: HostIntent)
    ) throws(SpaceExhausted) -> Answer {
        let store = DiagramStore()
        var boxes = Box.boxes(of: match, on: path)
        for index in boxes.indices {
            boxes[index].restrict(.oddities, to: 0)
            boxes[index].restrict(.tcpFlags, to: 0x02)
            // What a machine says to itself is no connection of others.
            let interfaces = InterfaceSet.except(["lo", ""]).numbers
            boxes[index].restrict(path == .output ? .outputInterface : .inputInterface, to: interfaces)
        }
        let sides = HostSides(of: gateway.host, strangers: intent.strangers)
        var asked = try store.combine(
            try store.region(boxes),
            try PossiblePackets.region(path, in: store),
            .intersection
        )
        asked = try store.combine(asked, try sides.region(path, in: store), .intersection)
        if asked == .none { return .none }
        // Of thousands of rules few are about one port.
        let rules = gateway.intent.rules(path).filter { rule in
            rule.matches.contains { $0.traffic.intersects(match.traffic) }
        }
        let outcomes = try IntentSpace(in: store, limits: .together).outcomes(rules, path)
        let accepted = try store.map(outcomes) { Outcomes(rawValue: $0).contains(.accept) ? 1 : 0 }
        guard try store.combine(asked, accepted, .intersection) == .none,
            let packet = Witness(in: store, at: gateway.intent).packet(asked, path)
        else { return .open }
        let rule = gateway.intent.rule(for: packet)
        return .closed(at: gateway.host.name, packet, rule?.origin == .written ? rule : nil)
    }
}
