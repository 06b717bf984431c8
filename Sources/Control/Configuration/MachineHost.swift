package import Linux
package import Site

/// Which host of the site this machine is.
package enum MachineHost {
    /// - Parameters:
    ///   - named: the host that the operator named; nil to go by the machine's addresses.
    ///   - addresses: those that the machine bears.
    /// - Returns: the host, nil when the site has no host with the role `gateway`; and what the operator should know.
    package static func find(
        _ site: SiteModel,
        named: String?,
        addresses: [SocketAddress]
    ) throws(MachineHostError) -> (host: SiteHost?, warning: String?) {
        let gateways = site.gatewayHosts
        let names = gateways.map(\.name).joined(separator: ", ")
        if let named {
            guard let host = gateways.first(where: { $0.name == named }) else {
                throw MachineHostError(
                    "--host \(named): no gateway of \(site.name); \(names.isEmpty ? "no host has that role" : "those are \(names)")"
                )
            }
            return (host, nil)
        }
        guard let first = gateways.first else { return (nil, nil) }
        let own = Set(addresses.map(\.host))
        let matches = gateways.filter { host in host.ownAddresses.contains { own.contains("\($0.address)") } }
        if matches.count == 1 { return (matches[0], nil) }
        guard gateways.count == 1 else {
            throw MachineHostError(
                "\(matches.isEmpty ? "this machine bears no address" : "this machine bears addresses of several")"
                    + " of the site's gateways, \(names): say which it is with --host"
            )
        }
        return (first, "this machine bears no address of \(first.name), the site's gateway, and is taken for it")
    }
}

/// The host is not known.
package struct MachineHostError: Error, CustomStringConvertible {
    package let description: String

    fileprivate init(_ description: String) {
        self.description = description
    }
}
