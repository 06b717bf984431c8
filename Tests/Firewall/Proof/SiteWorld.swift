import Firewall
import Site

/// A site with its wires: packets go from machine to machine as they would on real ones, and every machine asks its own
/// rules and changes addresses as they say. It knows nothing of sets, and so checks what is said of them.
///
/// The site file knows no routes, so that here, where there are some, they are drawn by lot.
struct SiteWorld {
    /// A machine that is on some wires: a host of the site, or a stranger.
    struct Machine {
        let name: String
        /// Its rules; nil for a stranger.
        let intent: HostIntent?
        let isRouter: Bool
        let interfaces: [HostInterface]

        func bears(_ address: IPAddress) -> Bool {
            interfaces.contains { $0.addresses.contains { $0.address == address } }
        }
    }

    enum End {
        /// It came there, as that packet, after hosts of the site had a word about it or not.
        case delivered(to: Machine, Packet, isDecided: Bool)
        /// A machine did not let it through: by which rule.
        case stopped(by: IntentRule?)
        /// There is no way.
        case lost
    }

    let machines: [Machine]
    /// Whether hosts send what is in none of their networks by any interface, and not by one of the zone `outside` alone.
    var takesAnyWay = false

    /// - Parameter strangers: the addresses of machines that are no hosts of the site; what has several is a router.
    init(_ site: SiteModel, _ intent: Intent, strangers: [[InterfaceAddress]]) {
        let hosts = site.hosts.values.sorted { $0.name < $1.name }.map { host in
            Machine(
                name: host.name,
                intent: intent.host(host.name),
                isRouter: host.roles.contains("router"),
                interfaces: host.interfaces
            )
        }
        machines =
            hosts
            + strangers.map { addresses in
                let interfaces = addresses.enumerated().map { number, address in
                    var interface = HostInterface(name: "eth\(number)")
                    interface.addresses = [address]
                    return interface
                }
                let name = "\(addresses[0].address)"
                return Machine(name: name, intent: nil, isRouter: addresses.count > 1, interfaces: interfaces)
            }
    }

    /// Sends a new TCP connection's first packet from the machine with that address.
    func send(
        from source: IPAddress,
        to destination: IPAddress,
        port: UInt16,
        _ generator: inout Seeded
    ) -> End {
        guard let sender = machines.first(where: { $0.bears(source) }),
            let output = way(of: sender, from: source, to: destination, &generator)
        else { return .lost }
        var packet = Packet(.output(by: output.name), from: source, to: destination, .tcp, detail: port)
        packet.sourcePort = 50_000
        guard let intent = sender.intent else {
            return pass(packet, from: sender, by: output, isDecided: false, hops: 0, &generator)
        }
        let rule = intent.rule(for: packet)
        guard rule?.verdict == .accept else { return .stopped(by: rule) }
        changeSource(&packet, intent, output)
        return pass(packet, from: sender, by: output, isDecided: true, hops: 0, &generator)
    }

    // MARK: - Wires

    /// On the wire at an interface: to the machine itself when it is there, else to a router of the wire.
    private func pass(
        _ packet: Packet,
        from sender: Machine,
        by interface: HostInterface,
        isDecided: Bool,
        hops: Int,
        _ generator: inout Seeded
    ) -> End {
        guard hops < 4,
            let wire = interface.addresses.first(where: { $0.address.width == packet.source.width })?.network
        else { return .lost }
        func interfaces(_ machine: Machine) -> HostInterface? {
            machine.interfaces.first { $0.addresses.contains { $0.network == wire } }
        }
        let others = machines.filter { $0.name != sender.name && interfaces($0) != nil }
        let target = wire.contains(packet.destination) ? others.first { $0.bears(packet.destination) } : nil
        // A machine that is not there may be behind a router all the same, by another of its addresses.
        guard let next = target ?? others.filter(\.isRouter).randomElement(using: &generator),
            let input = interfaces(next)
        else { return .lost }
        return receive(packet, at: next, by: input, isDecided: isDecided, hops: hops, &generator)
    }

    /// What a machine makes of a packet that comes in.
    private func receive(
        _ packet: Packet,
        at machine: Machine,
        by input: HostInterface,
        isDecided: Bool,
        hops: Int,
        _ generator: inout Seeded
    ) -> End {
        var packet = packet
        packet.route = .input(by: input.name)
        packet.oddities.remove(.redirected)
        guard let intent = machine.intent else {
            if machine.bears(packet.destination) { return .delivered(to: machine, packet, isDecided: isDecided) }
            guard machine.isRouter, let output = route(machine, to: packet.destination, otherThan: input, &generator)
            else {
                return .lost
            }
            return pass(packet, from: machine, by: output, isDecided: isDecided, hops: hops + 1, &generator)
        }
        // Defences come before addresses are changed.
        for rule in intent.input {
            if case .defence = rule.origin, rule.limit == nil, rule.matches(packet) { return .stopped(by: rule) }
        }
        changeDestination(&packet, intent)
        if machine.bears(packet.destination) {
            let rule = intent.rule(for: packet)
            return rule?.verdict == .accept
                ? .delivered(to: machine, packet, isDecided: true) : .stopped(by: rule)
        }
        guard machine.isRouter else { return .stopped(by: nil) }
        guard let output = route(machine, to: packet.destination, otherThan: input, &generator) else { return .lost }
        packet.route = .forward(by: input.name, to: output.name)
        let rule = intent.rule(for: packet)
        guard rule?.verdict == .accept else { return .stopped(by: rule) }
        changeSource(&packet, intent, output)
        return pass(packet, from: machine, by: output, isDecided: true, hops: hops + 1, &generator)
    }

    private func changeDestination(_ packet: inout Packet, _ intent: HostIntent) {
        for translation in intent.translations where translation.match.contains(packet) {
            if translation.kind == .unchanged { return }
            guard case .destination(let address, let port) = translation.kind, address.width == packet.source.width
            else { continue }
            packet.destination = address
            packet.detail = port ?? packet.detail
            packet.oddities.insert(.redirected)
            return
        }
    }

    private func changeSource(_ packet: inout Packet, _ intent: HostIntent, _ output: HostInterface) {
        for translation in intent.translations {
            switch translation.kind {
            case .destination, .unchanged: continue
            case .masquerade, .source: break
            }
            guard translation.match.contains(packet) else { continue }
            if case .source(let address) = translation.kind {
                packet.source = address
            } else if let own = output.addresses.first(where: { $0.address.width == packet.source.width }) {
                packet.source = own.address
            }
            return
        }
    }

    /// By which interface a machine sends what is its own: where none leads there, by that of the address that it has.
    private func way(
        of sender: Machine,
        from source: IPAddress,
        to destination: IPAddress,
        _ generator: inout Seeded
    ) -> HostInterface? {
        let isLed = sender.interfaces.contains { interface in
            interface.zone == "outside" || interface.addresses.contains { $0.network.contains(destination) }
                || leads(interface, of: sender, to: destination)
        }
        guard takesAnyWay || isLed else {
            return sender.interfaces.first { $0.addresses.contains { $0.address == source } }
        }
        return route(sender, to: destination, otherThan: nil, &generator)
    }

    /// Whether hosts of the site that are routers lead to an address behind an interface, and not back by the machine's own
    /// wires.
    private func leads(_ interface: HostInterface, of machine: Machine, to address: IPAddress) -> Bool {
        func wires(_ machine: Machine) -> Set<IPNetwork> {
            Set(machine.interfaces.flatMap(\.addresses).map(\.network))
        }
        let own = wires(machine)
        var reached = Set(interface.addresses.map(\.network))
        var known = 0
        while known != reached.count {
            known = reached.count
            for next in machines where next.intent != nil && next.isRouter && next.name != machine.name {
                if !wires(next).isDisjoint(with: reached) { reached.formUnion(wires(next).subtracting(own)) }
            }
        }
        return reached.contains { $0.contains(address) }
    }

    /// The interface of the network that the address is in, else one behind which routers of the site lead there, else one
    /// that leads outside, of several one by lot; where none is in the zone `outside`, nor leads to a router that has one, any.
    private func route(
        _ machine: Machine,
        to address: IPAddress,
        otherThan input: HostInterface?,
        _ generator: inout Seeded
    ) -> HostInterface? {
        if let near = machine.interfaces.first(where: { $0.addresses.contains { $0.network.contains(address) } }) {
            return near.name == input?.name ? nil : near
        }
        let leading = machine.interfaces.filter { leads($0, of: machine, to: address) }
        let facing = machine.interfaces.filter { $0.zone == "outside" }
        let outward = facing.isEmpty ? machine.interfaces.filter(\.leadsOutward) : facing
        let outside = leading.isEmpty ? outward : leading
        let ways = machine.intent == nil || outside.isEmpty || takesAnyWay ? machine.interfaces : outside
        // What has one interface sends back by it.
        if machine.interfaces.count == 1 { return ways.first }
        return ways.filter { $0.name != input?.name }.randomElement(using: &generator)
    }
}
