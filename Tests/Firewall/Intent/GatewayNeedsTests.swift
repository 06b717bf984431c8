import Firewall
import Site
import Testing

/// What is derived of the CAs that the gateway's certificates come from, and what `gatehouse check` says of them.
@Suite("CAs of the gateway")
struct GatewayNeedsTests {
    private static func model(_ certificate: String, _ policy: String = "") throws -> SiteModel {
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
                - { from: any, to: gateway, services: http }
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
}
