package import Site

/// Interfaces that a site file names of a host, and that the machine does not have: rules for them are about no packet,
/// and what comes by an interface of another name is not what they are for. Not an error: an interface may come later,
/// and the rules are there before the network is.
package enum MissingInterfaces {
    /// One warning for each.
    ///
    /// - Parameters:
    ///   - present: the names of the machine's interfaces; none when nobody knows them, and nothing is said.
    ///   - file: the site file, as it is to be named.
    package static func warnings(_ host: SiteHost, present: [String], file: String) -> [Diagnostic] {
        guard !present.isEmpty else { return [] }
        return host.interfaces.filter { !present.contains($0.name) }.map { interface in
            Diagnostic(
                .warning,
                .ineffective,
                file: file,
                at: interface.position,
                message: "this machine has no interface `\(interface.name)`; it has \(present.cut(12))",
                help: "rules of `\(host.name)` for it wait until there is one of that name; correct the file if it is "
                    + "called otherwise"
            )
        }
    }
}
