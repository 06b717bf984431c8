/// Something that listens on a port of 127.0.0.1 until it is let go of.
protocol AppServer: AnyObject {
    var port: UInt16 { get }
}

/// The text of a site file with a gateway section, put together from the few things that tests vary.
struct SiteFile {
    struct Server {
        var port: UInt16
        var weight: Int
        /// Further keys, as in `max-connections: 1`.
        var options: [String]
        /// Kept, so that it runs for as long as the gateway that was told of it.
        private let server: (any AppServer)?

        init(_ server: any AppServer, weight: Int = 1, options: [String] = []) {
            self.server = server
            port = server.port
            self.weight = weight
            self.options = options
        }

        /// A port where nobody listens, or not yet.
        init(port: UInt16, weight: Int = 1, options: [String] = []) {
            server = nil
            self.port = port
            self.weight = weight
            self.options = options
        }
    }

    struct Pool {
        var servers: [Server]
        /// Further lines, as in `queue: { wait: 1s }`.
        var options: [String] = []
    }

    /// Flow mappings, as in `{ port: 8080, address: [127.0.0.1] }`.
    var listeners: [String]
    var routes = ["{ hosts: [foobar.test], pool: web }"]
    var pools: [String: Pool]
    var certificates: [TestCertificate] = []
    /// Further lines of `gateway`, as in `timeouts: { server: 300ms }`.
    var gateway: [String] = []

    /// A plain listener in front of one pool.
    init(http port: UInt16, servers: [Server], pool options: [String] = [], gateway: [String] = []) {
        listeners = [Self.plain(port)]
        pools = ["web": Pool(servers: servers, options: options)]
        self.gateway = gateway
    }

    static func plain(_ port: UInt16, _ options: String = "") -> String {
        "{ port: \(port), address: [127.0.0.1]\(options.isEmpty ? "" : ", " + options) }"
    }

    static func secure(_ port: UInt16, _ certificates: [TestCertificate], _ options: String = "") -> String {
        let names = certificates.map(\.name).joined(separator: ", ")
        return plain(port, "tls: { certificates: [\(names)]\(options.isEmpty ? "" : ", " + options) }")
    }

    var text: String {
        var lines = ["site: foobar.test", "hosts:", "  front: { roles: [gateway], addresses: [127.0.0.1/8] }"]
        lines += ["gateway:", "  user: nobody", "  listen:"] + listeners.map { "    - \($0)" }
        lines += ["  routes:"] + routes.map { "    - \($0)" }
        lines += gateway.map { "  \($0)" }
        lines += ["  pools:"]
        for (name, pool) in pools.sorted(by: { $0.key < $1.key }) {
            lines += ["    \(name):", "      servers:"]
            for server in pool.servers {
                let keys =
                    ["address: 127.0.0.1", "port: \(server.port)", "weight: \(server.weight)"] + server.options
                lines.append("        - { \(keys.joined(separator: ", ")) }")
            }
            lines += pool.options.map { "      \($0)" }
        }
        if !certificates.isEmpty { lines.append("certificates:") }
        for certificate in Dictionary(grouping: certificates, by: \.name).values.sorted(by: { $0[0].name < $1[0].name })
        {
            let files = certificate.map { "{ certificate: \($0.certificatePath), key: \($0.keyPath) }" }
            let names = certificate[0].names.map { "\"\($0)\"" }.joined(separator: ", ")
            lines += ["  \(certificate[0].name):", "    names: [\(names)]"]
            lines.append("    issuer: { files: [\(files.joined(separator: ", "))] }")
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
