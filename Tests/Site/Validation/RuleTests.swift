import Testing

@testable import Site

/// Rules that look at several parts of a site.
@Suite struct RuleTests {
    @Test func anAddressNamesOneHost() {
        Faulty(
            "site: a.b\nhosts:\n  a: { addresses: [10.0.0.1/24, 10.0.0.1/16] }\n  b: { addresses: [10.0.0.1/24] }\n",
            "3:6 duplicate",
            "4:6 duplicate | line 3"
        ).verify()
    }

    @Test func hostsMayShareAnAddress() throws {
        func site(_ first: String, _ second: String) -> String {
            let end = "10.0.0.9/24"
            return "site: a.b\nhosts:\n"
                + "  a: { interfaces: { eth0: { addresses: [10.0.0.1/24\(first == "own" ? ", \(end)" : "")]"
                + "\(first == "shared" ? ", shared: [\(end)]" : "") } } }\n"
                + "  b: { interfaces: { eth0: { addresses: [10.0.0.2/24], \(second): [\(end)] } } }\n"
        }
        let model = try #require(check(site("shared", "shared")).model)
        #expect(check(site("shared", "shared")).text == "")
        #expect(model.hosts["a"]?.allAddresses.map(\.description) == ["10.0.0.1/24", "10.0.0.9/24"])
        #expect(model.hosts["a"]?.ownAddresses.map(\.description) == ["10.0.0.1/24"])
        // A machine that has it now is the host by its own.
        let (own, shared) = (try IPAddress(text: "10.0.0.2"), try IPAddress(text: "10.0.0.9"))
        #expect(model.host(bearingAnyOf: [own, shared])?.name == "b")
        #expect(model.host(bearingAnyOf: [shared]) == nil)
        Faulty(site("own", "shared"), "4:6 duplicate | `shared`").verify()
        let twice = "{ addresses: [10.0.0.1/24], shared: [10.0.0.1/24] }"
        Faulty("site: a.b\nhosts: { a: { interfaces: { e: \(twice) } } }\n", "2:13 duplicate").verify()
    }

    @Test func aWordInARuleMeansOneThing() {
        let hosts = "site: a.b\nhosts:\n  db: { roles: [db], addresses: [10.0.0.1/24] }\n"
        let rule = "firewall: { allow: [{ from: any, to: db }] }\n"
        #expect(check(hosts + rule).text == "")
        Faulty(hosts + "  c: { roles: [db] }\n" + rule, "5:21 conflict").verify()
        Faulty("networks: { db: [10.0.0.0/8] }\n" + hosts + rule, "5:21 conflict").verify()
    }

    @Test func noCertificateIsCalledAsTheStoreCallsSomethingElse() {
        let site = { (name: String) in
            "site: a.b\ncertificates: { \(name): { names: [a.b], issuer: internal } }\n"
        }
        #expect(check(site("web")).text == "")
        let own = ["plans", "acme-accounts", "acme-challenges", "hook-output", "deployed", "audit.log", "internal-ca"]
        for name in own {
            #expect(check(site(name)).text.contains("2:17: error"), "\(name): \(check(site(name)).text)")
        }
    }

    @Test func aLineIsAboutOneFamily() {
        let site =
            "site: a.b\nnetworks: { six: \"2001:db8::/32\", both: [six, 10.1.0.0/16] }\nhosts:\n"
            + "  h: { roles: [db], addresses: [10.0.0.1/24] }\n"
            + "  r: { interfaces: { eth0: {}, eth1: { addresses: [10.0.0.2/24] } } }\n"
        for line in ["allow: [{ from: six, to: db }]", "deny: [{ from: 10.0.0.1, to: [2001:db8::1, six] }]"] {
            Faulty(site + "firewall:\n  \(line)\n", "7:\(line.hasPrefix("allow") ? 11 : 10) conflict | IPv4").verify()
        }
        for line in ["from: both, to: db", "from: six, to: all", "from: internet, to: h", "from: six, to: r"] {
            #expect(check(site + "firewall: { allow: [{ \(line) }] }\n").text == "", "\(line)")
        }
    }

    @Test func addressesAreOfHosts() {
        let rule = "firewall: { allow: [{ from: any, to: h }] }\n"
        func site(_ address: String) -> String { "site: a.b\nhosts: { h: { addresses: [\"\(address)\"] } }\n" }
        for address in [
            "0.0.0.0/0", "::/0", "224.0.0.1/4", "ff02::1/64", "10.9.0.255/24", "10.9.0.0/24", "255.255.255.255/32",
            "0.0.0.5/8", "240.0.0.1/24",
        ] {
            Faulty(site(address), "2:27 invalid-value | an address of a host").verify()
        }
        for address in ["10.9.0.254/24", "10.0.0.0/31", "10.0.0.1/31", "10.0.0.0/32", "2001:db8::ffff/112"] {
            #expect(check(site(address) + rule).text == "", "\(address)")
        }
        for address in ["127.0.0.1/8", "::1/128"] {
            // A gateway without a policy may well be tried at home.
            #expect(check(site(address)).text == "", "\(address)")
            Faulty(site(address) + rule, "2:13 conflict | an address that others reach").verify()
        }
        for address in ["fe80::1/64", "169.254.7.7/16"] {
            #expect(check(site(address)).text == "", "\(address)")
            let outcome = check(site(address) + rule)
            #expect(!outcome.hasErrors && summary(outcome.diagnostics) == ["2:13 warning conflict"], "\(address)")
        }
    }

    @Test func portsAreForwardedToHosts() {
        func site(_ target: String) -> String {
            """
            site: a.b
            hosts:
              r: { roles: [router], interfaces: { wan: { zone: outside }, lan: { addresses: [10.9.0.1/24, "fd00::1/64"] } } }
            services: { ssh: tcp/22 }
            firewall:
              forward: [{ from: any, service: ssh, to: "\(target)" }]

            """
        }
        for target in [
            "127.0.0.1", "::1", "224.0.0.1", "ff02::1", "255.255.255.255", "0.0.0.0", "::", "fe80::7", "10.9.0.0",
            "10.9.0.255",
        ] {
            Faulty(site(target), "6:13 conflict | the host behind the router").verify()
        }
        for target in ["10.9.0.7", "10.8.0.0", "fd00::", "fd00::7"] {
            #expect(check(site(target)).text == "", "\(target)")
        }
    }

    @Test func whatLeavesNothingWorkingIsSaid() {
        let outcome = check("site: a.b\nfirewall: { baseline: { established: false, icmp: false } }\n")
        #expect(!outcome.hasErrors && summary(outcome.diagnostics) == ["2:38 warning conflict"], "\(outcome.text)")
    }

    @Test func listenersDoNotOverlap() {
        func listen(_ one: String, _ other: String) -> String {
            "site: a.b\ngateway:\n  listen:\n    - { port: 80\(one) }\n    - { port: 80\(other) }\n"
        }
        Faulty(listen("", ""), "5:7 duplicate | line 4").verify()
        Faulty(listen(", address: 10.0.0.1", ""), "5:7 duplicate").verify()
        Faulty(listen(", address: 0.0.0.0", ", address: 10.0.0.1"), "5:7 duplicate").verify()
        #expect(check(listen(", address: 0.0.0.0", ", address: \"::\"")).text == "")
        #expect(check(listen(", address: 10.0.0.1", ", address: 10.0.0.2")).text == "")
        Faulty("site: a.b\ngateway:\n  listen: [{ port: 9100 }]\n  metrics: { port: 9100 }\n", "4:12 duplicate")
            .verify()
    }

    @Test func somebodyCanListenThere() {
        let listen = { (address: String) in
            "site: a.b\ngateway:\n  listen:\n    - { port: 80, address: [127.0.0.1, \(address)] }\n"
        }
        for address in ["224.0.0.1", "239.255.255.255", "255.255.255.255", "\"ff02::1\"", "\"fe80::1\""] {
            Faulty(listen(address), "4:40 invalid-value | address of a host").verify()
            Faulty(
                "site: a.b\ngateway: { listen: [{ port: 80 }], metrics: { port: 90, address: \(address) } }\n",
                "2:66 invalid-value"
            ).verify()
            Faulty(minimalSite.replacing("127.0.0.1", with: address), "8:22 invalid-value").verify()
            Faulty(
                "site: a.b\ngateway: { listen: [{ port: 80 }], name-servers: \(address) }\n",
                "2:50 invalid-value"
            ).verify()
        }
        for address in ["0.0.0.0", "\"::\"", "223.255.255.255", "240.0.0.1", "\"fd00::1\""] {
            #expect(check(listen(address).replacing("127.0.0.1, ", with: "")).text == "", "\(address)")
        }
        // A link's address may be on an interface; those of nobody may not.
        let host = { (address: String) in "site: a.b\nhosts: { a: { addresses: [\(address)] } }\n" }
        #expect(check(host("\"fe80::1/64\"")).text == "")
        for address in ["224.0.0.1/24", "255.255.255.255/32", "\"ff02::1/64\""] {
            Faulty(host(address), "2:27 invalid-value").verify()
        }
    }

    @Test func addressesAreTheGateways() {
        let hosts = "site: a.b\nhosts: { lb: { roles: [gateway], addresses: [10.0.0.1/24] } }\n"
        let listen = { (addresses: String) in "gateway:\n  listen: [{ port: 80, address: [\(addresses)] }]\n" }
        Faulty(hosts + listen("10.0.0.2"), "4:12 unknown-name").verify()
        #expect(check(hosts + listen("10.0.0.1, 127.0.0.1, \"::\", \"::1\"")).text == "")
    }

    @Test func routesAreDistinct() {
        Faulty(minimalSite + "    - { hosts: [b.example, \"*\"], pool: web }\n", "11:7 duplicate | line 10").verify()
        #expect(check(minimalSite + "    - { hosts: [\"*\"], path: /api, pool: web }\n").text == "")
        // `/api/` is `/api`.
        Faulty(
            minimalSite
                + "    - { hosts: [a.b], path: /api, pool: web }\n    - { hosts: [a.b], path: /api/, pool: web }\n",
            "12:7 duplicate"
        ).verify()
    }

    @Test func namesAreCertifiable() {
        let certificates = { (names: String) in "certificates: { a: { names: [\(names)], issuer: internal } }\n" }
        let limit = "site: a.b\ninternal-ca: { names: [a.b, 10.0.0.0/8] }\n"
        #expect(check(limit + certificates("a.b, x.a.b, \"*.a.b\", 10.1.2.3")).text == "")
        Faulty(limit + certificates("a.b, b.a"), "3:29 conflict | line 2").verify()
        Faulty(limit + certificates("11.0.0.1"), "3:29 conflict").verify()
        let others = "certificates: { a: { names: [b.a], issuer: { acme: \"https://x\" } } }\n"
        #expect(check(limit + others).text == "")
    }

    @Test func listsAreServed() {
        let place = "internal-ca: { revocation-list: \"http://a.b\" }\n"
        #expect(check(minimalSite + place).text == "")
        #expect(check("site: a.b\n" + place).text == "")
        let other = place.replacing("a.b", with: "a.b:8081")
        Faulty(minimalSite + other, "11:14 ineffective | port: 8081").verify()
        #expect(check(minimalSite.replacing("port: 80\n", with: "port: 8081\n") + other).text == "")
        let tls = minimalSite.replacing("- port: 80\n", with: "- { port: 443, tls: { certificates: [a] } }\n")
        Faulty(
            tls + place + "certificates: { a: { names: [a.b], issuer: internal } }\n",
            "11:14 ineffective | port: 80"
        ).verify()
    }

    @Test func keysAreTaken() {
        let site = { (issuer: String) in
            "site: a.b\ncertificates: { a: { names: [a.b], issuer: \(issuer), key: ed25519 } }\n"
        }
        #expect(check(site("internal")).text == "")
        Faulty(site("{ acme: \"https://x\" }"), "2:72 ineffective | ecdsa-p256").verify()
        // One that is kept ready from such a CA is no readier.
        Faulty(site("internal, standby: { acme: \"https://x\" }"), "2:91 ineffective").verify()
    }

    @Test func addressesAreShown() {
        let site = { (names: String, tls: String) in
            """
            site: a.b
            certificates: { a: { names: [\(names)], issuer: internal }, b: { names: [a.b], issuer: internal } }
            gateway:
              listen: [{ port: 443, tls: { certificates: \(tls) } }]
              pools: { web: { servers: [{ name: app.example, port: 80 }] } }
              routes: [{ hosts: ["*"], pool: web }]

            """
        }
        #expect(check(site("192.0.2.1", "[a, b], unknown-name: default")).text == "")
        #expect(check(site("192.0.2.1, b.a.b", "[b, a]")).text == "", "who asks for the name gets it")
        #expect(check(site("192.0.2.1", "[b]")).text == "", "other programs have it")
        Faulty(site("192.0.2.1", "[b, a], unknown-name: default"), "2:29 ineffective | first").verify()
        Faulty(site("192.0.2.1, \"2001:db8::1\"", "[a, b]"), "2:29 ineffective | unknown-name: default").verify()
    }

    @Test func namesAreCovered() {
        let site = """
            site: a.b
            certificates: { a: { names: [a.example, "*.a.example"], issuer: internal }, b: { names: [b.example], issuer: internal } }
            gateway:
              listen: [{ port: 443, tls: { certificates: [a] } }]
              pools: { web: { servers: [{ name: app.example, port: 80 }] } }
              routes:
                - { hosts: [a.example, x.a.example, "*.a.example", "*"], pool: web }

            """
        #expect(check(site).text == "")
        Faulty(site + "    - { hosts: [b.example], pool: web }\n", "8:7 uncovered").verify()
        Faulty(site + "    - { hosts: [\"*.x.a.example\"], pool: web }\n", "8:7 uncovered").verify()
    }

    @Test func poolsAreUsedAndAlive() {
        Faulty(
            """
            site: a.b
            gateway:
              listen: [{ port: 80 }]
              pools:
                web: { servers: [{ address: 10.0.0.1, port: 80, weight: 0 }] }

            """,
            "5:10 unused",
            "5:10 ineffective"
        ).verify()
    }

    @Test func serversAreDistinctAndReachable() {
        func pool(_ servers: String) -> String {
            """
            site: a.b
            hosts: { app: { addresses: [10.0.0.2/24] }, bare: {} }
            services: { app: tcp/8080, dns: udp/53, many: tcp/1-9 }
            gateway:
              listen: [{ port: 80 }]
              pools:
                web:
                  servers:
                    - \(servers)
              routes: [{ hosts: ["*"], pool: web }]
            """
        }
        let same = "{ host: app, port: 8080 }\n        - { address: 10.0.0.2, port: 8080 }"
        Faulty(pool(same), "10:11 duplicate | line 9").verify()
        #expect(check(pool("{ host: app, port: 1 }\n        - { host: app, port: 2 }")).text == "")
        Faulty(pool("{ host: bare, port: 1 }"), "9:11 conflict | line 2").verify()
        Faulty(pool("{ host: app, service: dns }"), "9:11 conflict").verify()
        Faulty(pool("{ host: app, service: many }"), "9:11 conflict").verify()
    }
}
