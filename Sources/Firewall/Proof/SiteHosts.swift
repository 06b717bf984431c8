package import Site

/// The hosts of a site with what their firewalls do: by what is meant, or by what their kernels hold.
package struct SiteHosts: Sendable {
    package struct Host: Sendable {
        package let intent: HostIntent
        /// The addresses by which the rest of the site knows it.
        package let addresses: AddressSet
        /// What its kernel holds; nil to take the intent at its word.
        package let held: HeldRuleset?
    }

    /// In the order of the intent.
    package let hosts: [Host]

    /// - Parameter held: what kernels hold, by the host's name; hosts that are left out do what is meant.
    package init(_ intent: Intent, of site: SiteModel, held: [String: HeldRuleset] = [:]) {
        hosts = intent.hosts.map { host in
            Host(
                intent: host,
                addresses: AddressSet((site.hosts[host.host]?.allAddresses ?? []).map(\.address)),
                held: held[host.host]
            )
        }
    }

    /// Every address that a host of the site is known to bear.
    var addresses: AddressSet {
        AddressSet(
            v4: IntervalSet(hosts.flatMap { $0.addresses.v4.ranges }),
            v6: IntervalSet(hosts.flatMap { $0.addresses.v6.ranges })
        )
    }
}

extension SiteHosts.Host {
    /// Outcomes by what the kernel holds, else by what is meant.
    func outcomes(_ path: PacketPath, in store: DiagramStore) throws(SpaceExhausted) -> PacketFunction {
        guard let held else { return try IntentSpace(in: store).outcomes(intent.rules(path), path) }
        var space = HeldSpace(held, in: store)
        return try space.outcomes(path)
    }

    /// The packets of which a line of `deny`, or a defence, says that they are dropped.
    func refused(_ path: PacketPath, in store: DiagramStore) throws(SpaceExhausted) -> PacketFunction {
        var parts: [PacketFunction] = []
        for rule in intent.rules(path) where rule.verdict != .accept {
            parts.append(try IntentSpace(in: store).region(rule, path))
        }
        return try store.joined(parts, .union) ?? .none
    }
}
