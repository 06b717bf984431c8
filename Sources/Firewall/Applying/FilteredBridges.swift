package import Linux
package import Site

/// Bridges of which the kernel hands what they pass on between their ports to our rules, which drop what the site file does
/// not allow (its module br_netfilter).
package enum FilteredBridges {
    /// One warning where there are such; none where that is so of no bridge with ports.
    ///
    /// - Parameters:
    ///   - links: the interfaces of this network.
    ///   - file: the site file, as it is to be named.
    package static func warnings(
        _ host: SiteHost,
        _ settings: MachineSettings,
        links: [NetworkLink],
        file: String
    ) -> [Diagnostic] {
        let names = ["bridge-nf-call-iptables", "bridge-nf-call-ip6tables"].map { "net.bridge.\($0)" }
        // Without the module there are no such settings, and a bridge's own does nothing.
        let values = names.compactMap { settings.number(of: $0) }
        guard !values.isEmpty else { return [] }
        let areAll = values.contains { $0 != "0" }
        let bridges = links.filter { bridge in
            let isFiltering = bridge.kind == "bridge" && (areAll || bridge.isFiltered)
            return isFiltering && links.contains { $0.master == bridge.index }
        }
        guard !bridges.isEmpty else { return [] }
        let list = bridges.map(\.name).sorted().joined(separator: ", ")
        let setting = areAll ? names.joined(separator: ", ") : "its nf_call_iptables, nf_call_ip6tables"
        return [
            Diagnostic(
                .warning,
                .ineffective,
                file: file,
                at: host.position,
                message: "bridge \(list): packets between its ports, as those of virtual machines, are handed to rules "
                    + "of IP (\(setting)), and our forward chain drops what the site file does not allow",
                help: "set these to 0, unless another program needs them, or give this host the role `router`, and "
                    + "lines of `allow` to whoever is behind the bridge"
            )
        ]
    }
}
