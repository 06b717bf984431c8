import ArgumentParser
import Firewall
import Linux
import Site

/// The site file as the commands want it that are about the machine they run on.
extension PolicySite {
    /// The host that was named, or the one whose addresses this machine bears.
    ///
    /// - Throws: `ExitCode` 2, after saying which hosts there are.
    func machine(_ named: String?) throws -> SiteHost {
        if let named {
            if let host = model.hosts[named] { return host }
            let names = model.hosts.keys.sorted().joined(separator: ", ")
            Output.error("--host \(named): no host of \(model.name); it has \(names)")
            throw ExitCode(2)
        }
        if let host = model.host(bearingAnyOf: Self.machineAddresses) { return host }
        Output.error("this machine bears addresses of no host of \(model.name), or of several: say which with --host")
        throw ExitCode(2)
    }

    /// Refuses where this machine is not the host, as far as its addresses tell, or else its interfaces.
    ///
    /// - Throws: `ExitCode` 1, after saying what it lacks.
    static func requireMachine(of host: SiteHost) throws {
        let addresses = host.ownAddresses.map(\.address)
        guard addresses.isEmpty else {
            let own = machineAddresses
            // Every machine bears those of loopback.
            guard !addresses.contains(where: { own.contains($0) && !$0.isLoopback }) else { return }
            let list = addresses.map { "\($0)" }.joined(separator: ", ")
            throw ExitCode.refusal(
                .wanting,
                "this machine bears no address of \(host.name) (\(list)): its rules are not for it; say with --host which host "
                    + "it is, or correct the addresses"
            )
        }
        let (named, present) = (Set(host.interfaces.map(\.name)), Set(InterfaceNames.all()))
        guard named.isEmpty || !named.isSubset(of: present) else { return }
        let problem =
            named.isEmpty
            ? "the site file gives \(host.name) neither addresses nor interfaces"
            : "this machine has no interface \(named.subtracting(present).sorted().joined(separator: ", ")), and the site "
                + "file gives \(host.name) no address"
        throw ExitCode.refusal(
            .wanting,
            "\(problem): nothing shows that its rules are for this machine; write an address of it there"
        )
    }

    /// The addresses of this machine's interfaces.
    static var machineAddresses: [IPAddress] { ownAddresses.map(\.address) }

    /// The same, each with the interface that bears it.
    static var ownAddresses: [(interface: String, address: IPAddress)] {
        InterfaceAddresses.byInterface().compactMap { entry in
            IPAddress(entry.address.host).map { (entry.interface, $0) }
        }
    }

    /// The addresses that this machine has by DHCP.
    private static var leases: [UnrenewedAddresses.Lease] {
        AssignedAddress.all().compactMap { one in
            guard let left = one.seconds, let address = IPAddress(bytes: one.address) else { return nil }
            return UnrenewedAddresses.Lease(address, prefixLength: one.prefixLength, on: one.interface, left: left)
        }
    }

    /// The addresses that this machine may begin something from, each with the interface that bears it.
    private static var speakingAddresses: [(interface: String, address: IPAddress)] {
        AssignedAddress.all().filter(\.isSpokenFrom).compactMap { one in
            IPAddress(bytes: one.address).map { (one.interface, $0) }
        }
    }

    /// What this machine bears beside the addresses that the site file gives a host; nothing where by those it is another
    /// machine.
    func unnamedAddresses(of host: SiteHost) -> [Diagnostic] {
        let own = Set(Self.machineAddresses.filter { !$0.isLoopback })
        guard host.ownAddresses.contains(where: { own.contains($0.address) }) else { return [] }
        return UnnamedAddresses.warnings(host, speaking: Self.speakingAddresses, file: path)
    }

    /// What this machine tells of itself.
    static var machineFacts: MachineFacts {
        var facts = MachineFacts()
        facts.present = InterfaceNames.all()
        facts.own = ownAddresses
        facts.speaking = speakingAddresses
        facts.leases = leases
        // None where the kernel does not tell.
        facts.links = (try? NetworkLink.all()) ?? []
        facts.routingRules = (try? RoutingRule.all()) ?? []
        return facts
    }

    /// Where a connection of the administrator comes in, by the routes of this machine.
    ///
    /// - Throws: `SystemError` when the kernel does not tell them.
    static func entrances(_ access: AdministratorCheck.Access) throws -> [AdministratorCheck.Entrance] {
        let silent = InterfaceNames.withoutNeighbours()
        return try AdministratorCheck.entrances(access, own: ownAddresses, silent: silent) { address, source, device in
            try Route.to(address.bytes, from: source?.bytes, by: device).map { route in
                (route.interfaces, route.source.flatMap { IPAddress(bytes: $0) })
            }
        }
    }

    /// What this machine's kernel holds, by its own word beside nft's list. Beside tables of iptables-legacy nothing is known
    /// of any packet.
    ///
    /// - Throws: `ExitCode` 3, after saying why that cannot be told.
    static func live() throws -> HeldRuleset {
        do {
            var held = try LiveKernel().held().ruleset()
            if let doubt = MachineSettings().legacyWarning { held.misplaced.append(doubt) }
            return held
        } catch {
            throw ExitCode.refusal(.machine, "what this machine's kernel holds cannot be told: \(error)")
        }
    }

    /// What the host's firewall should be.
    func ruleset(_ host: SiteHost) throws -> CompiledRuleset {
        guard let intent = intent.host(host.name) else {
            Output.error("\(host.name): the policy says nothing of this host")
            throw ExitCode(2)
        }
        return CompiledRuleset(intent)
    }
}
