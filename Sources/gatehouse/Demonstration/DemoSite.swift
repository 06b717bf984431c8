import Linux

/// The site file of the demonstration, written so that a person learns from it.
enum DemoSite {
    static let name = "foobar.com"

    static func text(
        https: UInt16,
        http: UInt16,
        addresses: [String],
        apps: [DemoApps.App],
        store: String,
        accessLog: String
    ) -> String {
        let address = "[" + addresses.map(quoted).joined(separator: ", ") + "]"
        let names = "[" + DemoFolder.names.joined(separator: ", ") + "]"
        return """
            # Written by `gatehouse demo` at every start: a copy of it is yours to change.
            # Serve a copy: gatehouse serve --site FILE. Every key: docs/site-file.md.
            site: \(name)

            gateway:
              access-log: { path: \(quoted(accessLog)) }
              listen:
                - port: \(https)
                  address: \(address)
                  tls: { certificates: [\(name)] }
                  protocols: [h2, http/1.1]
                - port: \(http)
                  address: \(address)
                  redirect: { to: https, port: \(https) }
              routes:
                - { hosts: \(names), pool: web }
              pools:
                web:
                  balance: weighted-round-robin
                  servers:
            \(apps.map(server).joined(separator: "\n"))
                  health: { path: /healthz, every: 2s, fall: 3, rise: 2 }

            certificate-store: \(quoted(store))

            certificates:
              \(name):
                names: \(names)
                issuer: internal # the CA of the site's own, which is in the store

            """
    }

    private static func server(_ app: DemoApps.App) -> String {
        "        - { address: \(app.address.host), port: \(app.address.port), weight: \(app.weight) } # \(app.name)"
    }

    /// A scalar of YAML between double quotes (YAML 1.2 section 7.3.1).
    private static func quoted(_ text: String) -> String {
        var result = "\""
        for character in text {
            if character == "\"" || character == "\\" { result.append("\\") }
            result.append(character)
        }
        return result + "\""
    }
}
