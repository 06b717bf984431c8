import Testing

@testable import Site

/// A file with one fault, or several, and what is said about each.
struct Faulty: Sendable, CustomTestStringConvertible {
    let text: String
    /// `line:column code`, and after ` | ` what the help says, where it matters.
    let expected: [String]

    init(_ text: String, _ expected: String...) {
        self.text = text
        self.expected = expected
    }

    var testDescription: String { expected.joined(separator: "; ") }

    func verify() {
        let outcome = check(text)
        let found = outcome.diagnostics.map { "\($0.line):\($0.column) \($0.code.rawValue)" }
        #expect(found == expected.map { String($0.prefix { $0 != "|" }).trimmed }, "\(outcome.text)")
        for (diagnostic, expectation) in zip(outcome.diagnostics, expected) {
            guard let bar = expectation.firstIndex(of: "|") else { continue }
            let help = String(expectation[expectation.index(after: bar)...]).trimmed
            #expect(diagnostic.help?.contains(help) == true, "\(diagnostic)")
        }
        let isWarned = !outcome.diagnostics.isEmpty && outcome.diagnostics.allSatisfy { $0.severity == .warning }
        #expect((outcome.model != nil) == isWarned)
    }
}

extension String {
    fileprivate var trimmed: String { String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()) }
}

/// The text of a site whose section `gateway` is complete but for `listen`'s and the pool's details.
private func gateway(
    listen: String = "{ port: 80 }",
    route: String = "",
    server: String = "",
    pool: String = "",
    more: String = ""
) -> String {
    """
    site: a.example
    hosts: { app: { addresses: [10.0.0.2/24] }, bare: {} }
    services: { app: tcp/8080, dns: udp/53, many: tcp/1-9 }
    certificates: { a: { names: [a.example], issuer: internal } }
    gateway:
      listen:
        - \(listen)
      pools:
        web:
          servers:
            - { host: app, service: app }
            - \(server.isEmpty ? "{ address: 10.0.0.9, port: 1 }" : server)
          \(pool)
      routes:
        - { hosts: ["*"], pool: web }
        - \(route.isEmpty ? "{ hosts: [a.example], pool: web }" : route)
      \(more)

    """
}

@Suite struct SectionTests {
    @Test(arguments: [
        Faulty("sites: a.example\n", "1:1 unknown-key | did you mean `site`?", "1:1 missing-key"),
        Faulty("site: [a]\n", "1:7 wrong-type"),
        Faulty("site:\n", "1:6 wrong-type"),
        Faulty("site: a b\n", "1:7 invalid-value"),
        Faulty("site: a.b\nnetworks: { x: [10.0.0.1/8] }\n", "2:17 invalid-value | `10.0.0.0/8` for the network"),
        Faulty("site: a.b\nnetworks: { any: [10.0.0.0/8] }\n", "2:13 invalid-value"),
        Faulty("site: a.b\nnetworks: { -x: [10.0.0.0/8] }\n", "2:13 invalid-value"),
        Faulty("site: a.b\nnetworks: [10.0.0.0/8]\n", "2:11 wrong-type"),
        Faulty("site: a.b\nhosts: { a: { role: [x] } }\n", "2:15 unknown-key | did you mean `roles`?"),
        Faulty("site: a.b\nhosts: { a: { roles: [internet] } }\n", "2:23 invalid-value"),
        Faulty("site: a.b\nhosts: { a: { addresses: [10.0.0.1] } }\n", "2:27 invalid-value | `10.0.0.1/24`"),
        Faulty(
            "site: a.b\nhosts: { a: { interfaces: { eth0: { adresses: [] } } } }\n",
            "2:37 unknown-key | `addresses`"
        ),
        Faulty("site: a.b\nhosts: { a: { interfaces: { eth0.12345678901: {} } } }\n", "2:47 invalid-value | 15"),
        Faulty("site: a.b\nservices: { http: 80 }\n", "2:19 invalid-value | `tcp/443`"),
        Faulty("site: a.b\nservices: { http: htp/80 }\n", "2:19 invalid-value | `tcp/443`"),
        Faulty("site: a.b\nservices: { icmp: tcp/80 }\n", "2:13 invalid-value"),
        Faulty("site: a.b\ncertificates: { a: { names: [\"*\"], issuer: internal } }\n", "2:30 invalid-value"),
        Faulty(
            "site: a.b\ncertificates: { a: { names: [a.b], issuer: interal } }\n",
            "2:44 invalid-value | `internal`"
        ),
        Faulty("site: a.b\ncertificates: { a: { names: [a.b] } }\n", "2:20 missing-key"),
        Faulty(
            "site: a.b\ncertificates: { a: { names: [a.b], issuer: { acme: \"http://x\" } } }\n",
            "2:52 invalid-value | https"
        ),
        Faulty(
            "site: a.b\ncertificates: { a: { names: [\"*.a.b\"], issuer: { acme: \"https://x\" } } }\n",
            "2:29 conflict | dns"
        ),
        Faulty(
            "site: a.b\ncertificates: { a: { names: [a.b], issuer: { acme: \"https://x\", challenges: dns-01 } } }\n",
            "2:77 conflict | run"
        ),
        Faulty(
            "site: a.b\ncertificates: { a: { names: [a.b], issuer: { acme: \"https://x\", challenges: http-1 } } }\n",
            "2:77 invalid-value | http-01"
        ),
        Faulty(
            "site: a.b\ncertificates: { a: { names: [a.b], "
                + "issuer: { acme: \"https://x\", challenges: http-01, dns: { run: x } } } }\n",
            "2:91 conflict | dns-01"
        ),
        Faulty(
            "site: a.b\ncertificates: { a: { names: [192.0.2.1], issuer: { acme: \"https://x\", dns: { run: x } } } }\n",
            "2:29 conflict | http-01"
        ),
        Faulty(
            "site: a.b\ncertificates: { a: { names: [a.b], issuer: { acme: \"https://x\", fallback: { chain: x } } } }\n",
            "2:75 missing-key"
        ),
        Faulty(
            "site: a.b\ncertificates: { a: { names: [a.b], issuer: { acme: \"https://x\", "
                + "fallback: { acme: \"https://y\", fallback: { acme: \"https://z\" } } } } }\n",
            "2:96 unknown-key"
        ),
        Faulty(
            "site: a.b\ncertificates: { a: { names: [a.b], issuer: { acme: \"https://x\", dns: { run: [] } } } }\n",
            "2:77 invalid-value"
        ),
        Faulty(
            "site: a.b\ncertificates: { a: { names: [a.b], issuer: { files: { certificate: c, key: k }, contact: a@b } } }\n",
            "2:90 conflict"
        ),
        Faulty(
            "site: a.b\ncertificates: { a: { names: [a.b], issuer: { files: { certificate: c } } } }\n",
            "2:53 missing-key"
        ),
        Faulty(
            "site: a.b\ncertificates: { a: { names: [a.b], issuer: { files: { certificate: c, key: k } }, key: rsa-2048 } }\n",
            "2:88 ineffective"
        ),
        Faulty(
            "site: a.b\ncertificates: { a: { names: [a.b], issuer: internal, key: rsa-2047 } }\n",
            "2:59 invalid-value | `rsa-2048`"
        ),
        Faulty("site: a.b\ninternal-ca: { names: [] }\n", "2:23 invalid-value"),
        Faulty("site: a.b\ninternal-ca: { names: \"*.a.b\" }\n", "2:23 invalid-value"),
        Faulty("site: a.b\ninternal-ca: { names: 10.0.0.1/8 }\n", "2:23 invalid-value | `10.0.0.0/8`"),
        Faulty(
            "site: a.b\ninternal-ca: { revocation-list: \"https://a.b\" }\n",
            "2:33 invalid-value | `http://foobar.com`"
        ),
        Faulty("site: a.b\ninternal-ca: { revocation-list: \"http://a.b/x\" }\n", "2:33 invalid-value"),
        Faulty("site: a.b\ninternal-ca: { revocation-list: \"http://a.b:0\" }\n", "2:33 invalid-value"),
    ])
    func top(faulty: Faulty) { faulty.verify() }

    @Test(arguments: [
        Faulty("site: a.b\nfirewall: { allow: [{ from: any }] }\n", "2:21 missing-key"),
        Faulty("site: a.b\nfirewall: { alow: [] }\n", "2:13 unknown-key | `allow`"),
        Faulty("site: a.b\nfirewall: { allow: [{ from: any, to: all, limit: 3 }] }\n", "2:50 invalid-value | `3/s`"),
        Faulty(
            "site: a.b\nhosts: { h: { roles: [gateway] } }\nfirewall: { allow: [{ from: ny, to: gatway }] }\n",
            "3:29 unknown-name | `any`",
            "3:37 unknown-name | `gateway`"
        ),
        Faulty(
            "site: a.b\nfirewall: { allow: [{ from: 10.0.0.1/8, to: all }] }\n",
            "2:29 invalid-value | `10.0.0.0/8`"
        ),
        Faulty(
            "site: a.b\nservices: { http: tcp/80 }\nfirewall: { allow: [{ from: any, to: all, services: [htp] }] }\n",
            "3:54 unknown-name | `http`"
        ),
        Faulty("site: a.b\nfirewall: { allow: [{ from: [], to: all }] }\n", "2:29 invalid-value"),
    ])
    func firewall(faulty: Faulty) { faulty.verify() }

    @Test(arguments: [
        Faulty(gateway(listen: "{ prot: 80 }"), "7:7 missing-key", "7:9 unknown-key | `port`"),
        Faulty(gateway(listen: "{ port: 0 }"), "7:15 invalid-value | from 1 to 65535"),
        Faulty(gateway(listen: "{ port: 65536 }"), "7:15 invalid-value"),
        Faulty(gateway(listen: "{ port: 080 }"), "7:15 invalid-value"),
        Faulty(gateway(listen: "{ port: \"80\" }"), "7:15 wrong-type"),
        Faulty(gateway(listen: "{ port: 99999999999999999999 }"), "7:15 invalid-value"),
        Faulty(gateway(listen: "{ port: 80, address: 1.2.3 }"), "7:28 invalid-value"),
        Faulty(gateway(listen: "{ port: 80, protocols: [h2] }"), "7:30 conflict"),
        Faulty(gateway(listen: "{ port: 80, protocols: [http2] }"), "7:31 invalid-value | valid: `h2`, `http/1.1`"),
        Faulty(gateway(listen: "{ port: 80, redirect: http }"), "7:29 invalid-value | `https`"),
        Faulty(gateway(listen: "{ port: 443, redirect: https, tls: { certificates: [a] } }"), "7:30 conflict"),
        Faulty(gateway(listen: "{ port: 443, tls: {} }"), "7:25 missing-key"),
        Faulty(gateway(listen: "{ port: 443, tls: { certificates: [b] } }"), "7:42 unknown-name | valid: `a`"),
        Faulty(
            gateway(listen: "{ port: 443, tls: { certificates: [a], profile: moder } }"),
            "7:55 invalid-value | `modern`"
        ),
        Faulty(
            gateway(listen: "{ port: 443, tls: { certificates: [a], client-certificates: { ca: c, header: Host } } }"),
            "7:84 invalid-value"
        ),
        Faulty("site: a.b\ngateway: { listen: [] }\n", "2:20 invalid-value"),
        Faulty("site: a.b\ngateway: {}\n", "2:10 missing-key"),
        Faulty(gateway(route: "{ hosts: [a_b], pool: web }"), "16:17 invalid-value"),
        Faulty(gateway(route: "{ hosts: [a], pool: wbe }"), "16:27 unknown-name | `web`"),
        Faulty(gateway(route: "{ hosts: [a], pool: web, path: api }"), "16:38 invalid-value | `/api`"),
        Faulty(gateway(route: "{ hosts: [a], pool: web, path: /a/../b }"), "16:38 invalid-value"),
        Faulty(gateway(route: "{ hosts: [a], pool: web, path: /a?b }"), "16:38 invalid-value"),
        Faulty(gateway(route: "{ hosts: [a], pool: web, body: lots }"), "16:38 invalid-value"),
    ])
    func listenersAndRoutes(faulty: Faulty) { faulty.verify() }

    @Test(arguments: [
        Faulty(gateway(server: "{ service: app }"), "12:11 missing-key"),
        Faulty(gateway(server: "{ host: app }"), "12:11 missing-key"),
        Faulty(gateway(server: "{ host: app, address: 10.0.0.3, port: 1 }"), "12:24 conflict"),
        Faulty(gateway(server: "{ host: app, port: 1, service: app }"), "12:33 conflict"),
        Faulty(gateway(server: "{ host: ap, port: 1 }"), "12:19 unknown-name | `app`"),
        Faulty(gateway(server: "{ host: app, service: ap }"), "12:33 unknown-name | `app`"),
        Faulty(
            gateway(server: "{ host: app, service: tcp/80 }"),
            "12:33 unknown-name | `services: { my-service: tcp/80 }`"
        ),
        Faulty(gateway(server: "{ host: app, port: 1, weight: 257 }"), "12:41 invalid-value"),
        Faulty(gateway(server: "{ host: app, port: 1, weight: -1 }"), "12:41 invalid-value"),
        Faulty(gateway(pool: "balance: random"), "13:16 invalid-value | `weighted-round-robin`"),
        Faulty(gateway(pool: "health: { every: 2s }"), "13:15 missing-key"),
        Faulty(gateway(pool: "health: { path: /x, every: 2 }"), "13:34 invalid-value | `2s`"),
        Faulty(gateway(pool: "health: { path: /x, every: 0s }"), "13:34 invalid-value"),
        Faulty(gateway(pool: "health: { path: /x, status: 99 }"), "13:35 invalid-value"),
        Faulty(gateway(pool: "health: { tcp: false }"), "13:22 wrong-type"),
        Faulty(gateway(pool: "health: { tcp: true, path: /x }"), "13:28 conflict"),
        Faulty(gateway(pool: "health: { tcp: true, body: ok }"), "13:34 conflict"),
        Faulty(gateway(pool: "ejection: of"), "13:17 invalid-value | `off`"),
        Faulty(gateway(pool: "ejection: { pause: 10m }"), "13:26 conflict"),
        Faulty(gateway(pool: "retries: { budget: 101% }"), "13:26 invalid-value"),
        Faulty(gateway(pool: "retries: { budget: 20 }"), "13:26 invalid-value | `20%`"),
        Faulty(gateway(more: "timeouts: { client-hand: 1s }"), "17:15 unknown-key"),
        Faulty(gateway(more: "timeouts: { tunel: 1s }"), "17:15 unknown-key | `tunnel`"),
        Faulty(gateway(more: "limits: { headers: 4 KiB }"), "17:22 conflict"),
        Faulty(gateway(more: "limits: { header: 8 kb }"), "17:21 invalid-value | KiB"),
        Faulty(gateway(more: "limits: { streams: 0 }"), "17:22 invalid-value"),
        Faulty(gateway(more: "headers: { hsts: { preload: true } }"), "17:31 ineffective"),
        Faulty(gateway(more: "headers: { hsts: { preload: yes } }"), "17:31 wrong-type"),
        Faulty(gateway(more: "trusted-proxies: [cdn]"), "17:21 unknown-name"),
        Faulty(gateway(more: "access-log:"), "17:14 wrong-type"),
        Faulty(gateway(more: "headers: { security: ~ }"), "17:24 wrong-type"),
        Faulty(gateway(more: "access-log: on"), "17:15 invalid-value | `off`"),
        Faulty(gateway(more: "metrics: { address: \"::1\" }"), "17:12 missing-key"),
        Faulty(gateway(more: "workers: 0"), "17:12 invalid-value"),
    ])
    func poolsAndTheRest(faulty: Faulty) { faulty.verify() }

    @Test func everythingAtOnce() {
        Faulty(
            """
            site: a..b
            hosts: { h: { roles: [x] }, i: { rolls: [y] } }
            firewall: { allow: [{ from: z, to: i }] }
            gateway:
              listen: [{ port: 80 }, { port: 80 }, { port: x }]
              pools: { web: { servers: [{ host: h, port: 1 }], queue: { size: -1 } } }
              routes: [{ hosts: [a], pool: web }, { hosts: [a], pool: wbe }]
            """,
            "1:7 invalid-value",
            "2:34 unknown-key",
            "3:29 unknown-name",
            "5:26 duplicate",
            "5:48 invalid-value",
            "6:67 invalid-value",
            "7:59 unknown-name"
        ).verify()
    }
}
