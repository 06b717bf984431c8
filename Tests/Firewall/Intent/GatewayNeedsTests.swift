import Firewall
import Site
import Testing

/// What is derived of the CAs that the gateway's certificates come from, and what `gatehouse check` says of them.
@Suite("CAs of the gateway")
struct GatewayNeedsTests {
    /// - Parameter clients: who may reach the listener.
    private static func model(
        _ certificate: String,
        _ policy: String = "",
        clients: String = "any"
    ) throws -> SiteModel {
        try site(
            """
            site: a.b
            hosts:
              lb: { roles: [gateway], addresses: [10.0.0.1/24] }
              app: { roles: [app], addresses: [10.0.0.2/24] }
              ca: { roles: [ca], addresses: [10.0.0.5/24] }
            services: { http: tcp/80, app: tcp/8080, acme: tcp/14000 }
            firewall:
              allow:
                - { from: \(clients), to: gateway, services: http }
            \(policy)
            gateway:
              listen: [{ port: 80 }]
              pools: { web: { servers: [{ host: app, service: app }] } }
              routes: [{ hosts: ["*"], pool: web }]
            certificates: { a.b: { names: [a.b], \(certificate) } }
            """
        )
    }

    private static func isLetOut(_ site: SiteModel, _ number: ProtocolNumber, _ port: UInt16) throws -> Bool {
        let host = try #require(site.hosts["lb"])
        let intent = try #require(Intent(of: site).host("lb"))
        let packets = Explanation.packets(from: .v4(0x0A00_0001), to: .v4(0xC000_0209), number, detail: port, at: host)
        return Explanation(packets[0], at: intent, now: 0).isAccepted
    }

    private static func findings(_ site: SiteModel) -> [String] {
        PolicyCheck.findings(site, file: "site.yaml", now: 0).map { "\($0.line) \($0.severity.rawValue) \($0.message)" }
    }

    @Test("the CAs of a fallback and of a standby are let out, and names are asked for")
    func others() throws {
        let fallback = try Self.model(
            "issuer: { acme: \"https://ca.example/dir\", fallback: { acme: \"https://ca2.example:8443/dir\" } }"
        )
        let standby = try Self.model("issuer: internal, standby: { acme: \"https://ca.example:8443/dir\" }")
        for site in [fallback, standby] {
            #expect(try Self.isLetOut(site, .tcp, 8443) && Self.isLetOut(site, .udp, 53))
            #expect(Self.findings(site) == [])
        }
        #expect(try Self.isLetOut(fallback, .tcp, 443) && !Self.isLetOut(standby, .tcp, 443))
        #expect(try !Self.isLetOut(try Self.model("issuer: internal"), .udp, 53))
    }

    @Test("a CA that the file gives by its address is told where a host of the site does not let the gateway in")
    func inside() throws {
        for certificate in [
            "issuer: { acme: \"https://10.0.0.5:14000/dir\" }",
            "issuer: { acme: \"https://ca.example/dir\", fallback: { acme: \"https://10.0.0.5:14000/dir\" } }",
        ] {
            let found = Self.findings(try Self.model(certificate))
            #expect(found.count == 1, "\(found)")
            #expect(
                found.first?.contains(
                    "error the gateway `lb` cannot reach its CA https://10.0.0.5:14000/dir: tcp from 10.0.0.1 to 10.0.0.5 "
                        + "port 14000 is refused into ca: no rule lets it through"
                ) == true,
                "\(found)"
            )
            let open = try Self.model(certificate, "    - { from: gateway, to: ca, services: acme }")
            #expect(Self.findings(open) == [])
        }
        // Told once, wherever it is.
        let denied = try Self.model(
            "issuer: { acme: \"https://192.0.2.9:14000/dir\" }",
            "  deny: [{ id: no-ca, from: lb, to: 192.0.2.9 }]"
        )
        let found = Self.findings(denied)
        #expect(found.count == 1 && found[0].contains("refused out of lb: by `no-ca`"), "\(found)")
    }

    @Test("a CA that none of the challenges can be shown to is told, with what keeps it from there")
    func challenges() throws {
        func found(
            _ issuer: String,
            _ policy: String = "",
            clients: String = "any"
        ) throws -> [String] {
            Self.findings(try Self.model("issuer: { \(issuer) }", policy, clients: clients))
        }
        let ca = "acme: \"https://ca.example/dir\""
        let unshown = "the CA https://ca.example/dir cannot be shown that names are the site's"
        let nobody = "the policy lets nobody from the internet reach port 80"
        // The network of the hosts is not the internet.
        let inside = try found("\(ca), challenges: http-01", clients: "10.0.0.0/24")
        #expect(inside.count == 1 && inside[0].hasSuffix("warning \(unshown) by `http-01`: \(nobody)"), "\(inside)")
        let denied = try found(ca, "  deny: [{ id: d, from: internet, to: gateway, services: http }]")
        let both = "by `http-01`, `tls-alpn-01`: \(nobody): tcp from"
        #expect(denied.count == 1 && denied[0].contains(both), "\(denied)")
        #expect(denied.first?.hasSuffix("to 10.0.0.1 port 80 is refused by `d` (line 10)") == true, "\(denied)")
        let unanswered = try found("\(ca), challenges: tls-alpn-01")
        #expect(
            unanswered.count == 1 && unanswered[0].hasSuffix("error \(unshown): no listener answers `tls-alpn-01`"),
            "\(unanswered)"
        )
        // What a program makes in the DNS no port is needed for, and who is inside comes from there.
        #expect(
            try found("\(ca), challenges: [http-01, dns-01], dns: { run: [./records] }", clients: "10.0.0.0/24") == []
        )
        let near = "acme: \"https://10.0.0.5:14000/dir\", challenges: http-01"
        let open = "    - { from: gateway, to: ca, services: acme }"
        #expect(try found(near, open, clients: "10.0.0.0/24") == [])
    }
}
