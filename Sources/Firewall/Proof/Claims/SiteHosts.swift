package import Site

/// The hosts of a site with what their firewalls do: by what is meant, or by what their kernels hold.
package struct SiteHosts: Sendable {
    package struct Host: Sendable {
        package let intent: HostIntent
        /// The addresses by which the rest of the site knows it.
        package let addresses: AddressSet
        /// What its kernel holds; nil to take the intent at its word.
        package let held: HeldRuleset?
        /// The ways through it; none through a host that is no router.
        let passages: [Passage]
        /// What it reaches by each interface.
        let reach: [(name: String, addresses: AddressSet)]
        /// What routers of the site lead to behind its interfaces, in none of its networks.
        let routed: [(names: [String], addresses: AddressSet)]
        /// What may be behind each interface.
        let possibleReach: [(name: String, addresses: AddressSet)]
        /// The ways that connections may take through it, where it changes addresses.
        let detours: [Passage]
        /// Whether it passes packets on.
        let isRouter: Bool
        /// Whether strangers come by an interface of it, from no other router of the site.
        let bordersStrangers: Bool
        /// The networks that it is attached to, but for its own addresses.
        let attached: AddressSet
        /// By which interfaces packets from others come and to others go.
        let sides: HostSides
        /// The interfaces whose addresses it gets by DHCP.
        let leasing: InterfaceSet
        /// The addresses that it may get there: all that no other host bears, and that no other interface of its own is
        /// attached to. Empty for a host without such interfaces.
        let leases: AddressSet
        /// Its own addresses by interface; interfaces that get theirs from elsewhere are left out.
        let interfaceAddresses: [String: AddressSet]
    }

    /// In the order of the intent.
    package let hosts: [Host]
    /// Every address that a host of the site is known to bear.
    let addresses: AddressSet
    /// Those that several hosts bear in turn, each once.
    let shared: [IPAddress]
    /// Which hosts get what is sent to groups.
    let members: GroupMembers
    /// Every group that a line names.
    let groups: AddressSet
    /// Every address that a network or a host of the site claims.
    let claimed: AddressSet
    /// Every address that neither the site claims nor an interface of it is attached to.
    let strangers: AddressSet
    /// The hosts by their places that get addresses by DHCP.
    let leased: Set<Int>
    /// The hosts by their places that others' packets pass.
    let routers: [Int]
    /// Whether it is known of any host what its kernel holds.
    let areHeld: Bool
    /// Whether a router sends packets elsewhere than they were sent to.
    let forwards: Bool
    /// Where routers send these, but for addresses of routers that send packets elsewhere again.
    let targets: [IPAddress]

    /// - Parameter held: what kernels hold, by the host's name; hosts that are left out do what is meant.
    package init(_ intent: Intent, of site: SiteModel, held: [String: HeldRuleset] = [:]) {
        hosts = intent.hosts.map { host in
            let described = site.hosts[host.host] ?? SiteHost(name: host.host)
            let known = described.interfaces.filter { !$0.addresses.isEmpty }.map {
                ($0.name, AddressSet($0.addresses.map(\.address)))
            }
            let own = AddressSet(described.allAddresses.map(\.address))
            let leasing = described.dynamicInterfaces
            let attached = AddressSet(described.interfaces.flatMap(\.addresses).map(\.network))
            let leases = AddressSet.all.subtracting(intent.siteAddresses).subtracting(attached)
                .subtracting(SpecialAddresses.neverLeased)
            return Host(
                intent: host,
                addresses: own,
                held: held[host.host].map { LimitMatch(of: $0, with: host).ruleset },
                passages: Passage.all(
                    through: described,
                    in: site,
                    hosts: intent.siteAddresses,
                    outsiders: intent.outsiders
                ),
                reach: described.interfaces.reach,
                routed: described.interfaces.routed,
                possibleReach: described.interfaces.possibleReach,
                detours: Self.detours(through: described, host, in: site, strangers: intent.strangers),
                isRouter: described.isRouter,
                bordersStrangers: described.interfaces.contains(where: \.bordersStrangers),
                attached: AddressSet(described.allAddresses.map(\.network)).subtracting(own),
                sides: HostSides(of: described, outside: intent.reachedOutside),
                leasing: .among(leasing),
                leases: leasing.isEmpty ? .none : leases,
                interfaceAddresses: Dictionary(known) { $0.union($1) }
            )
        }
        addresses = AddressSet(
            v4: IntervalSet(hosts.flatMap { $0.addresses.v4.ranges }),
            v6: IntervalSet(hosts.flatMap { $0.addresses.v6.ranges })
        )
        shared = Set(site.hosts.values.flatMap(\.interfaces).flatMap(\.shared).map(\.address)).sorted()
        (members, groups) = (intent.members, intent.groups)
        (claimed, strangers) = (intent.claimed, intent.strangers)
        leased = Set(hosts.indices.filter { [hosts] index in !hosts[index].leasing.isEmpty })
        routers = hosts.indices.filter { [hosts] index in !hosts[index].passages.isEmpty }
        areHeld = hosts.contains { $0.held != nil }
        let forwarding = hosts.filter { $0.intent.translations.contains(where: \.decidesDestination) }
        forwards = !forwarding.isEmpty
        targets = Set(forwarding.flatMap { $0.intent.translations.compactMap(\.target) }).sorted().filter { target in
            !forwarding.contains { $0.addresses.contains(target) }
        }
    }

    /// Those of which a change of addresses may ask.
    private static func detours(
        through host: SiteHost,
        _ intent: HostIntent,
        in site: SiteModel,
        strangers: AddressSet
    ) -> [Passage] {
        if intent.translations.isEmpty { return [] }
        return Passage.detours(through: host, in: site, strangers: strangers).filter { passage in
            intent.translations.contains(where: passage.concerns)
        }
    }

    /// The addresses of some hosts together.
    func addresses(of indices: Set<Int>) -> AddressSet {
        AddressSet(
            v4: IntervalSet(indices.flatMap { hosts[$0].addresses.v4.ranges }),
            v6: IntervalSet(indices.flatMap { hosts[$0].addresses.v6.ranges })
        )
    }
}

extension SiteHosts {
    /// The addresses that others than these hosts bear in turn: a line that names hosts promises nothing of them.
    func addressesShared(beyond named: Set<Int>) -> AddressSet {
        if named.isEmpty { return .none }
        return AddressSet(
            shared.filter { address in
                hosts.indices.contains { !named.contains($0) && hosts[$0].addresses.contains(address) }
            }
        )
    }
}

extension SiteHosts.Host {
    /// Outcomes by what the kernel holds, else by what is meant. No claim is about one limit and not another.
    func outcomes(_ path: PacketPath, in store: DiagramStore) throws(SpaceExhausted) -> PacketFunction {
        if let held {
            var space = HeldSpace(held, in: store, limits: .together)
            return try space.outcomes(path)
        }
        return try IntentSpace(in: store, limits: .together).outcomes(intent.rules(path), path)
    }

    /// Why nothing can be told of connections to it, or of what its kernel does to addresses, or why that is not what is
    /// meant; nil when it is.
    func doubt(in store: DiagramStore) -> String? {
        guard let held else { return nil }
        if let reason = held.misplaced.first ?? held.expecting ?? held.zoning { return "\(intent.host): \(reason)" }
        do throws(SpaceExhausted) {
            let proof = try TranslationProof(intent, against: held, in: store)
            guard let packet = proof.difference?.packet else { return proof.doubt.map { "\(intent.host): \($0)" } }
            return "the kernel of \(intent.host) changes addresses otherwise than is meant: \(packet.text)"
        } catch {
            return error.reason("the changes of addresses that the kernel of \(intent.host) makes")
        }
    }

    /// The packets by which it gets its addresses and joins groups.
    func upkeep(_ path: PacketPath, in store: DiagramStore) throws(SpaceExhausted) -> PacketFunction {
        let upkeep = [FirewallBaseline.dhcpClient, .multicastListeners].map { RuleOrigin.baseline($0.rawValue) }
        var parts: [PacketFunction] = []
        for rule in intent.rules(path) where upkeep.contains(rule.origin) {
            parts.append(try IntentSpace(in: store, limits: .together).region(rule, path))
        }
        return try store.joined(parts, .union) ?? .none
    }

    /// The packets of which a rule says that they are dropped.
    ///
    /// - Parameter byLines: whether by a line of `deny`, or else by what comes with the house.
    func refused(
        _ path: PacketPath,
        byLines: Bool,
        in store: DiagramStore
    ) throws(SpaceExhausted) -> PacketFunction {
        var parts: [PacketFunction] = []
        for rule in intent.rules(path) where rule.verdict != .accept && (rule.origin == .written) == byLines {
            parts.append(try IntentSpace(in: store, limits: .together).region(rule, path))
        }
        return try store.joined(parts, .union) ?? .none
    }
}
