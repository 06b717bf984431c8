/// Site files of a gateway on this machine that shows certificates: a test writes what is special in its own.
enum CertificateSite {
    /// - Parameters:
    ///   - port: where it listens.
    ///   - shown: the certificates that it shows there.
    ///   - hosts: whose requests it passes on.
    ///   - app: the port of whom they go to; at 1 there is nobody.
    ///   - setting: among the lines of `gateway`.
    ///   - certificates: the lines of that section.
    static func text(
        at port: UInt16,
        showing shown: [String] = ["web"],
        hosts: String = "foobar.test",
        app: UInt16 = 1,
        _ setting: String = "",
        certificates: String
    ) -> String {
        """
        site: foobar.test
        hosts: { here: { roles: [gateway], addresses: [127.0.0.1/8] } }
        gateway:
          listen: [ { port: \(port), tls: { certificates: [\(shown.joined(separator: ", "))] } } ]
          routes: [ { hosts: [\(hosts)], pool: web } ]
          pools: { web: { servers: [ { address: 127.0.0.1, port: \(app) } ] } }
          \(setting)
        certificate-store: store
        certificates:
        \(certificates)
        """
    }
}
