import Testing

@testable import Site

/// Policies/foobar.com.yaml means what the design says.
@Suite struct ReferenceSiteTests {
    private static func address(_ text: String) throws -> InterfaceAddress { try InterfaceAddress(text: text) }

    private static func expected() throws -> SiteModel {
        var site = SiteModel(name: "foobar.com")
        site.networks = ["office": [try IPNetwork(text: "203.0.113.0/24"), try IPNetwork(text: "2001:db8:100::/48")]]
        site.hosts = try hosts()
        site.services = [
            "http": [.ports(.tcp, 80...80)], "https": [.ports(.tcp, 443...443)],
            "app": [.ports(.tcp, 8080...8080)],
            "mysql": [.ports(.tcp, 3306...3306)], "ssh": [.ports(.tcp, 22...22)],
        ]
        let web: [ServiceReference] = [.named("http"), .named("https")]
        let (app, primary, replica) = (
            FirewallEndpoint.role("app"), FirewallEndpoint.role("mysql-primary"), FirewallEndpoint.role("mysql-replica")
        )
        site.firewall.allow = [
            FirewallRule(from: [.any], to: [.role("gateway")], services: web),
            FirewallRule(from: [app], to: [primary, replica], services: [.named("mysql")]),
            FirewallRule(from: [replica], to: [primary], services: [.named("mysql")]),
            FirewallRule(from: [.network("office")], to: [.all], services: [.named("ssh")]),
        ]
        site.firewall.never = [FirewallRule(from: [.internet], to: [app, primary, replica])]
        site.firewall.exactly = [FirewallRule(from: [.internet], to: [.role("gateway")], services: web)]
        site.gateway = gateway()
        site.certificateStore = repository + "/Policies/../Certs"
        site.certificates = [
            "foobar.com": CertificateSettings(
                name: "foobar.com",
                names: [.exact("foobar.com"), .exact("www.foobar.com")],
                issuer: .internal
            )
        ]
        return site
    }

    private static func hosts() throws -> [String: SiteHost] {
        var gateway = SiteHost(name: "lb-01")
        gateway.roles = ["gateway"]
        var outside = HostInterface(name: "eth0")
        outside.zone = "outside"
        outside.addresses = [try address("198.51.100.10/24"), try address("2001:db8:1::10/64")]
        var inside = HostInterface(name: "eth1")
        inside.zone = "inside"
        inside.addresses = [try address("10.10.0.10/24")]
        gateway.interfaces = [outside, inside]
        var hosts = ["lb-01": gateway]
        let others = [
            ("app-01", "app", 21), ("app-02", "app", 22), ("db-01", "mysql-primary", 31),
            ("db-02", "mysql-replica", 32),
        ]
        for (name, role, number) in others {
            var host = SiteHost(name: name)
            host.roles = [role]
            host.addresses = [try address("10.10.0.\(number)/24")]
            hosts[name] = host
        }
        return hosts
    }

    private static func gateway() -> GatewaySettings {
        var https = ListenerSettings(port: 443)
        https.tls = TLSSettings(certificates: ["foobar.com"])
        https.protocols = [.http2, .http1]
        var http = ListenerSettings(port: 80)
        http.redirect = RedirectSettings()
        var first = ServerSettings(.host("app-01"), port: .service("app"))
        first.weight = 2
        var pool = PoolSettings(name: "web")
        pool.servers = [first, ServerSettings(.host("app-02"), port: .service("app"))]
        pool.health = HealthSettings(.http(HTTPCheck(path: "/healthz")))
        var gateway = GatewaySettings()
        gateway.listeners = [https, http]
        gateway.routes = [RouteSettings(hosts: [.exact("foobar.com"), .exact("www.foobar.com")], pool: "web")]
        gateway.pools = ["web": pool]
        return gateway
    }

    @Test func parsesToTheModel() throws {
        let outcome = SiteFile.load(path: repository + "/Policies/foobar.com.yaml")
        #expect(outcome.text == "")
        let site = try #require(outcome.model)
        let expected = try Self.expected()
        #expect(site.hosts == expected.hosts)
        #expect(site.firewall == expected.firewall)
        #expect(site.gateway == expected.gateway)
        #expect(site == expected)
    }

    @Test func keepsPositions() throws {
        let site = try #require(SiteFile.load(path: repository + "/Policies/foobar.com.yaml").model)
        let lines = try FileBytes.read(repository + "/Policies/foobar.com.yaml").bytes.split(
            separator: UInt8(ascii: "\n"),
            omittingEmptySubsequences: false
        )
        func text(at position: SourcePosition?) throws -> String {
            let position = try #require(position)
            return String(decoding: lines[position.line - 1].dropFirst(position.column - 1), as: UTF8.self)
        }
        #expect(try text(at: site.gateway?.listeners[1].position).hasPrefix("{ port: 80"))
        #expect(try text(at: site.gateway?.routes[0].position).hasPrefix("{ hosts: [foobar.com"))
        #expect(try text(at: site.gateway?.pools["web"]?.servers[1].position).hasPrefix("{ host: app-02"))
        #expect(try text(at: site.hosts["db-01"]?.position).hasPrefix("{ roles: [mysql-primary]"))
        #expect(try text(at: site.certificates["foobar.com"]?.position).hasPrefix("names:"))
        #expect(try text(at: site.firewall.never[0].position).hasPrefix("{ from: internet"))
    }

    @Test func linesEndedByCRLFMeanTheSame() throws {
        let path = repository + "/Policies/foobar.com.yaml"
        let text = String(decoding: try FileBytes.read(path).bytes, as: UTF8.self)
        let other = SiteFile.parse(bytes: Array(text.replacing("\n", with: "\r\n").utf8), name: path)
        #expect(other.model == SiteFile.load(path: path).model)
        #expect(other.model != nil)
    }
}
