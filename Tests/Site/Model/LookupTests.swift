import Testing

@testable import Site

@Suite struct LookupTests {
    private let site = check(
        """
        site: a.b
        networks: { cdn: [192.0.2.0/24, "2001:db8::/32"] }
        hosts:
          lb: { roles: [gateway], addresses: [198.51.100.1/24, 10.0.0.1/24] }
          app: { roles: [app], addresses: [172.16.0.2/24, 10.0.0.2/24] }
        services: { app: tcp/8080 }
        gateway:
          listen: [{ port: 80 }]
          trusted-proxies: [cdn, 10.0.0.0/24]
          pools:
            web:
              servers:
                - { host: app, service: app }
                - { host: app, port: 8081 }
                - { name: App.Example, port: 80, weight: 3 }
                - { address: "2001:db8::7", port: 81 }
                - { address: "2001:db8::8", port: 82 }
                - { address: "2001:db8::8", port: 83 }
          routes: [{ hosts: ["*"], pool: web }]
        """
    ).model

    @Test func endpoints() throws {
        let site = try #require(site)
        let pool = try #require(site.gateway?.pools["web"])
        let endpoints = site.endpoints(of: pool)
        let doubled = ["[2001:db8::8]:82", "[2001:db8::8]:83"]
        #expect(endpoints.map(\.label) == ["app:8080", "app:8081", "app.example", "2001:db8::7"] + doubled)
        #expect(endpoints.map(\.port) == [8080, 8081, 80, 81, 82, 83])
        // The address on the gateway's own network comes first.
        let addresses = [try IPAddress(text: "10.0.0.2"), try IPAddress(text: "172.16.0.2")]
        #expect(endpoints[0].location == .addresses(addresses))
        #expect(endpoints[2].location == .name("app.example"))
        #expect(endpoints[2].settings.weight == 3)
    }

    @Test func hosts() throws {
        let site = try #require(site)
        #expect(site.gatewayHosts.map(\.name) == ["lb"])
        #expect(site.hosts(bearing: "none").isEmpty)
        let (own, other) = (try IPAddress(text: "10.0.0.1"), try IPAddress(text: "10.0.0.2"))
        #expect(site.host(bearingAnyOf: [.v4(0x7f00_0001), own])?.name == "lb")
        #expect(site.host(bearingAnyOf: [.v4(0x7f00_0001)]) == nil)
        #expect(site.host(bearingAnyOf: [own, other]) == nil)
    }

    @Test func trustedProxies() throws {
        let site = try #require(site)
        #expect(site.trustedProxyNetworks.map(\.description) == ["192.0.2.0/24", "2001:db8::/32", "10.0.0.0/24"])
    }

    @Test func aListenerThatMovedByALineIsTheSame() {
        #expect(check(minimalSite).model == check("# moved\n" + minimalSite).model)
        #expect(check(minimalSite).model?.gateway?.listeners[0].position.line == 4)
        #expect(check("# moved\n" + minimalSite).model?.gateway?.listeners[0].position.line == 5)
    }

    @Test func pathsStartAtTheFilesDirectory() {
        let text = Array("site: a.b\ncertificate-store: certs\n".utf8)
        #expect(
            SiteFile.parse(bytes: text, name: "/etc/gatehouse/site.yaml").model?.certificateStore
                == "/etc/gatehouse/certs"
        )
        #expect(SiteFile.parse(bytes: text, name: "site.yaml").model?.certificateStore == "certs")
        #expect(SiteFile.parse(bytes: text, name: "/site.yaml").model?.certificateStore == "/certs")
        let absolute = Array("site: a.b\ncertificate-store: /srv/certs\n".utf8)
        #expect(SiteFile.parse(bytes: absolute, name: "x/site.yaml").model?.certificateStore == "/srv/certs")
    }
}
