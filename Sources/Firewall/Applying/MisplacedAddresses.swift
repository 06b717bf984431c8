package import Site

/// Addresses that a machine bears on another interface than the site file says, as where two of them changed their names:
/// rules for an interface are about what comes by it, whichever addresses it bears.
package enum MisplacedAddresses {
    /// One warning for each.
    ///
    /// - Parameters:
    ///   - own: the machine's addresses, each with its interface. What loopback bears besides is left out.
    ///   - file: the site file, as it is to be named.
    package static func warnings(
        _ host: SiteHost,
        own: [(interface: String, address: IPAddress)],
        file: String
    ) -> [Diagnostic] {
        host.interfaces.flatMap { interface in
            interface.addresses.compactMap { entry -> Diagnostic? in
                let bearing = own.filter { $0.address == entry.address && $0.interface != "lo" }.map(\.interface)
                guard let other = bearing.first, !bearing.contains(interface.name) else { return nil }
                return Diagnostic(
                    .warning,
                    .ineffective,
                    file: file,
                    at: interface.position,
                    message: "this machine bears \(entry.address) on `\(other)`, not on `\(interface.name)`",
                    help: "rules of `\(host.name)` for `\(interface.name)` and its zone are about what comes by that "
                        + "interface: correct the file, or see whether the two were mixed up"
                )
            }
        }
    }
}
