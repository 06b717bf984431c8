package import Site

/// A kernel that passes packets on for a host that the site file does not call a router, whose forward chain drops them all;
/// or one that does not pass on, for a router, what the site file lets through it.
package enum PassedPackets {
    /// One warning where the two differ; none where the kernel does not tell.
    ///
    /// - Parameters:
    ///   - intent: what the host's rules are meant to do; nil where that is not known, or is not asked about.
    ///   - file: the site file, as it is to be named.
    package static func warnings(
        _ host: SiteHost,
        _ intent: HostIntent?,
        _ settings: MachineSettings,
        file: String
    ) -> [Diagnostic] {
        let values = AddressFamily.allCases.compactMap { family in
            settings.number(of: family.forwarding).map { (family: family, isOn: $0 != "0") }
        }
        func list(_ some: [(family: AddressFamily, isOn: Bool)]) -> String {
            some.map(\.family.forwarding).joined(separator: ", ")
        }
        let passing = values.filter(\.isOn)
        // A line of `any` is about a family of which the router has no address, too.
        let idle = values.filter { one in
            let hasAddress = host.allAddresses.contains { $0.address.width == (one.family == .v4 ? 32 : 128) }
            return !one.isOn && hasAddress && intent?.passes(one.family) == true
        }
        let message: String
        let help: String
        if !host.isRouter {
            guard !passing.isEmpty else { return [] }
            message =
                "this machine passes packets on (\(list(passing)): 1), and `\(host.name)` is no router in the site file"
            help =
                "our forward chain drops what the site file does not allow, all that passes: give the host the role "
                + "`router`, and lines of `allow` to whoever is behind it, or set this to 0 where nobody needs it"
        } else if passing.isEmpty, !values.isEmpty {
            message = "`\(host.name)` is a router, and this machine passes no packets on (\(list(values)): 0)"
            help = "what the site file allows through it does not pass: set the one that is meant to 1 (sysctl.d(5))"
        } else if let family = idle.first?.family {
            message =
                "the site file lets packets of \(family.title) through `\(host.name)`, and this machine passes none "
                + "of them on (\(family.forwarding): 0)"
            help = "set it to 1 (sysctl.d(5)), if hosts behind it are to be reached, or to reach others, by that family"
        } else {
            return []
        }
        return [Diagnostic(.warning, .ineffective, file: file, at: host.position, message: message, help: help)]
    }
}

extension AddressFamily {
    /// Whether the kernel passes packets of it on.
    fileprivate var forwarding: String {
        switch self {
        case .v4: "net.ipv4.ip_forward"
        case .v6: "net.ipv6.conf.all.forwarding"
        }
    }
}

extension HostIntent {
    /// Whether a line of the site file lets something begin through the host by the family.
    fileprivate func passes(_ family: AddressFamily) -> Bool {
        forward.contains { rule in
            guard case .written = rule.origin, rule.verdict == .accept else { return false }
            let all = AddressSet.all(of: family)
            return rule.matches.contains { match in
                match.states.contains(.new) && match.sources.intersects(all) && match.destinations.intersects(all)
            }
        }
    }
}
