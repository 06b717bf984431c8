package import Site

/// A kernel that passes packets on for a host that the site file does not call a router, whose forward chain drops them all;
/// or one that passes none on for a router.
package enum PassedPackets {
    /// One warning where the two differ; none where the kernel does not tell.
    ///
    /// - Parameter file: the site file, as it is to be named.
    package static func warnings(_ host: SiteHost, _ settings: MachineSettings, file: String) -> [Diagnostic] {
        let values = ["net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"].compactMap { name in
            settings.number(of: name).map { (name: name, isOn: $0 != "0") }
        }
        let passing = values.filter(\.isOn).map(\.name).joined(separator: ", ")
        guard !values.isEmpty, host.isRouter == passing.isEmpty else { return [] }
        let names = values.map(\.name).joined(separator: ", ")
        let message: String
        let help: String
        if host.isRouter {
            message = "`\(host.name)` is a router, and this machine passes no packets on (\(names): 0)"
            help = "what the site file allows through it does not pass: set the one that is meant to 1 (sysctl.d(5))"
        } else {
            message = "this machine passes packets on (\(passing): 1), and `\(host.name)` is no router in the site file"
            help =
                "our forward chain drops what the site file does not allow, all that passes: give the host the role "
                + "`router`, and lines of `allow` to whoever is behind it, or set this to 0 where nobody needs it"
        }
        return [
            Diagnostic(
                .warning,
                .ineffective,
                file: file,
                at: host.position,
                message: message,
                help: help
            )
        ]
    }
}
