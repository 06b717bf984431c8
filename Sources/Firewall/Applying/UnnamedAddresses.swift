package import Site

/// Addresses that a machine bears and the site file does not give its host, as routers' advertisements make them, or a
/// second one that somebody added: rules about the host are about those of the file, and the kernel may begin from these.
package enum UnnamedAddresses {
    /// One warning for each interface, whether or not the file names it. None for interfaces that the file names without
    /// addresses, whose rules hold for whichever they have, nor for loopback and addresses of a link.
    ///
    /// - Parameters:
    ///   - speaking: the machine's addresses that the kernel may begin something from, each with its interface.
    ///   - file: the site file, as it is to be named.
    package static func warnings(
        _ host: SiteHost,
        speaking: [(interface: String, address: IPAddress)],
        file: String
    ) -> [Diagnostic] {
        let known = Set(host.allAddresses.map(\.address))
        let free = host.dynamicInterfaces.union(["lo"])
        let unnamed = speaking.filter { one in
            !known.contains(one.address) && !free.contains(one.interface) && !one.address.isOfLink
                && !one.address.isLoopback
        }
        let bearing = Dictionary(grouping: unnamed, by: \.interface)
        return bearing.keys.sorted().map { name in
            let addresses = bearing[name, default: []].map(\.address).sorted()
            let list = addresses.map { "\($0)" }.cut(12)
            let position = host.interfaces.first { $0.name == name }?.position ?? host.position
            return Diagnostic(
                .warning,
                .ineffective,
                file: file,
                at: position,
                message: "`\(name)` also bears \(list), which the site file does not give `\(host.name)`: no line is "
                    + "about that, so what the kernel begins from there is dropped, and so is what others begin to there",
                help: help(host, name, addresses)
            )
        }
    }

    private static func help(_ host: SiteHost, _ name: String, _ addresses: [IPAddress]) -> String {
        let place = host.interfaces.isEmpty ? "in `addresses` of `\(host.name)`" : "at `\(name)` of `\(host.name)`"
        let help = "write it \(place), or name `\(name)` there without `addresses`, where they change"
        guard addresses.contains(where: { $0.width == 128 }) else { return help }
        // Names of interfaces may have dots, which sysctl(8) reads as slashes there.
        let setting = "net.ipv6.conf.\(name.replacing(".", with: "/")).autoconf=0"
        return "\(help); one that a router's advertisement made does not come again with `\(setting)`"
    }
}
