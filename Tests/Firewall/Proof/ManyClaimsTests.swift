import Firewall
import Site
import Testing

@Suite("Claims by the hundred")
struct ManyClaimsTests {
    @Test("what one claim looks at is not looked at again by the next, and what hosts are made of is let go")
    func withinBounds() throws {
        var lines = ""
        for line in 0..<300 {
            lines += "    - { from: 80.\(line % 7 * 30).\(line % 256).0/24, to: all, services: s\(line % 60) }\n"
        }
        let services = (0..<60).map { "s\($0): tcp/\(1000 + $0 * 7)" }.joined(separator: ", ")
        let hosts = (1...4).map { "  h\($0): { roles: [server], addresses: [10.1.0.\($0)/24] }\n" }.joined()
        let site = try site(
            "site: a.b\nhosts:\n\(hosts)services: { \(services) }\nfirewall:\n  allow:\n\(lines)"
        )
        let intent = Intent(of: site)
        let prover = ClaimProver(SiteHosts(intent, of: site), limit: 60_000, steps: 1_000_000)
        let answers = prover.prove(intent.claims).map(\.answer)
        #expect(answers.count >= 300)
        // What is too much is found out once, not for each claim.
        let bounded = ClaimProver(SiteHosts(intent, of: site), limit: 2_000, steps: 1_000_000).prove(intent.claims)
        #expect(bounded.allSatisfy { $0.answer == .unknown && $0.reason?.contains("pieces") == true })
        #expect(answers.allSatisfy { $0 == .proved }, "\(answers.count { $0 != .proved }) of \(answers.count)")
    }

    @Test("many ends are judged with the same tools, and none finds what another left")
    func manyHosts() throws {
        let hosts = (1...200).map { "  h\($0): { roles: [r\($0 % 3)], addresses: [10.1.\($0).1/24] }\n" }.joined()
        let site = try site(
            """
            site: a.b
            hosts:
            \(hosts)services: { ssh: tcp/22, web: tcp/80 }
            firewall:
              allow:
                - { from: any, to: r0, services: web }
                - { from: r1, to: r2, services: ssh }
              never:
                - { from: internet, to: [r1, r2] }
                - { from: internet, to: r0, services: ssh }
                - { from: r1, to: r2, services: ssh }
            """
        )
        let proofs = site.answers()
        let broken = proofs.filter { $0.answer != .proved }
        #expect(broken.count == 1, "\(broken.map { "\($0.claim.id) \($0.answer) \($0.reason ?? "")" })")
        #expect(broken.first?.answer == .refuted && broken.first?.packet?.detail == 22)
    }

    @Test("many routers with many networks are asked one after another, and what that makes on the way is let go")
    func manyRouters() throws {
        let (routers, networks) = (1...8, 1...10)
        let gates = routers.map { router in
            let inner = networks.map { "e\($0): { zone: z\(router), addresses: [10.\(router).\($0).1/24] }" }
            let outer = "up: { zone: transit, addresses: [192.168.0.\(router)/24] }"
            return "  g\(router): { roles: [router], interfaces: { \(([outer] + inner).joined(separator: ", ")) } }\n"
        }
        let hosts = routers.map { "  h\($0): { roles: [server], addresses: [10.\($0).3.5/24] }\n" }
        let site = try site(
            """
            site: a.b
            networks: { far: 10.1.1.0/24, near: 10.8.2.0/24 }
            hosts:
            \((gates + hosts).joined())services: { ssh: tcp/22, web: tcp/80 }
            firewall:
              allow:
                - { from: far, to: near, services: web }
                - { from: h1, to: h2, services: ssh }
              never: [{ from: internet, to: [far, server] }]
            """
        )
        let proofs = site.answers()
        #expect(proofs.map(\.answer) == [.proved, .proved, .proved], "\(proofs.map { $0.reason ?? "" })")
    }

    @Test("many routers that change addresses burden neither each other nor what is asked of the hosts behind them")
    func manyTranslations() throws {
        let routers = 1...20
        let hosts = routers.map { number in
            let six = "2001:db8:\(number)::"
            let wan = "wan: { zone: outside, addresses: [198.51.100.\(number)/24, \"2001:db8:ffff::\(number)/64\"] }"
            let lan = "lan: { zone: inside, addresses: [10.\(number).0.1/24, \"\(six)1/64\"] }"
            let inner = (1...2).map { host in
                let addresses = "[10.\(number).0.\(20 + host)/24, \"\(six)\(20 + host)/64\"]"
                return "  h\(number)-\(host): { roles: [t\(host)], "
                    + "interfaces: { eth0: { zone: inside, addresses: \(addresses) } } }\n"
            }
            return "  r\(number): { roles: [router], interfaces: { \(wan), \(lan) } }\n" + inner.joined()
        }
        let networks = routers.map { "lan\($0): [10.\($0).0.0/24, \"2001:db8:\($0)::/64\"]" }.joined(separator: ", ")
        let services = (0..<24).map { number in
            let first = 1000 + number * 10
            return "s\(number): tcp/\(first)-\(first + number % 2 * 15)"
        }
        let allowed = (0..<60).map { line in
            let host = line % 2 + 1
            let senders = ["lan\(line * 3 % 20 + 1)", "h\(line * 7 % 20 + 1)-\(host)", "t\(host)"]
            let receivers = ["t\(host)", "all", "t\(host)", "h\(line * 11 % 20 + 1)-\(host)"]
            return "    - { from: \(senders[line % 3]), to: \(receivers[line % 4]), services: s\(line * 5 % 24) }\n"
        }
        let inner = routers.map { "    - { id: inner\($0), from: lan\($0), to: h\($0)-1, services: s0 }\n" }
        let forwarded = routers.map { "    - { from: any, service: s\($0), to: h\($0)-1 }\n" }
        let site = try site(
            """
            site: a.b
            networks: { \(networks) }
            hosts:
            \(hosts.joined())services: { \(services.joined(separator: ", ")) }
            firewall:
              allow:
            \((allowed + inner).joined())  masquerade:
                - { from: [\(routers.map { "lan\($0)" }.joined(separator: ", "))], out: outside }
              forward:
            \(forwarded.joined())  never:
                - { id: outer, from: internet, to: t2 }
            """
        )
        let intent = Intent(of: site)
        let proofs = ClaimProver(SiteHosts(intent, of: site)).prove(intent.claims)
        let large = proofs.filter { $0.reason?.contains("pieces") == true || $0.reason?.contains("steps") == true }
        #expect(large.isEmpty, "\(large.count) of \(proofs.count): \(large.first?.summary ?? "")")
        // What stays in one network passes no router, and what one of them changes of it.
        let certain = routers.map { "inner\($0)" } + ["outer"]
        let answers = proofs.byID
        let others = certain.compactMap { answers[$0] }.filter { $0.answer != .proved }
        #expect(others.isEmpty, "\(others.map(\.summary))")
        #expect(proofs.count { $0.answer == .proved } >= 21)
    }
}
