import Firewall
import Site

/// Site files of hosts and routers: a test writes what is special in its own.
enum SiteText {
    /// - Parameters:
    ///   - hosts: each as `router` makes it, or `NAME: { … }`.
    ///   - networks: what stands between the braces; none when it is empty.
    ///   - firewall: the lines of that section.
    static func of(_ hosts: String..., networks: String = "", firewall: String) -> String {
        """
        site: a.b
        \(networks.isEmpty ? "" : "networks: { \(networks) }")
        hosts:
        \(hosts.map { "  \($0)" }.joined(separator: "\n"))
        services: { ssh: tcp/22, dns: udp/53, http: tcp/80, https: tcp/443, way: tcp/2222, mysql: tcp/3306 }
        firewall:
        \(firewall)
        """
    }

    /// - Parameters:
    ///   - role: in place of a router's.
    ///   - interfaces: each as `NAME: { … }`.
    static func router(_ name: String, role: String = "router", _ interfaces: String...) -> String {
        "\(name): { roles: [\(role)], interfaces: { \(interfaces.joined(separator: ", ")) } }"
    }
}

extension SiteModel {
    /// What the file's own tests say that fail.
    var failedTests: [String] { PolicyCheck.failedTests(self, file: "site.yaml", now: 0).map(\.message) }
}
