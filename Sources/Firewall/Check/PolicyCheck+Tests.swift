import Site

/// The file's own tests.
extension PolicyCheck {
    mutating func checkTests() {
        let rehearsal = Rehearsal(site, intent)
        for test in site.firewall.tests {
            if isLeased(test.from) || isLeased(test.to) { checkLeased(test) } else { check(test, rehearsal) }
        }
    }

    private mutating func check(_ test: FirewallTest, _ rehearsal: Rehearsal) {
        let connections = TestConnections(test, site, intent)
        if connections.isTooMany {
            report(
                .error,
                .test,
                test.position,
                "it is not tried: with each port at which a line of the policy begins or ends it is about "
                    + "\(connections.all.count) connections, and no more than \(TestConnections.most) are tried",
                help: "write several tests of fewer ports each"
            )
            return
        }
        if connections.all.isEmpty {
            report(
                .error,
                .test,
                test.position,
                "there is no connection to test: the ends have no addresses of the same family"
            )
            return
        }
        for connection in connections.all {
            for decisions in rehearsal.ways(connection) {
                guard let last = decisions.last else {
                    reportNoHost(test, connection)
                    return
                }
                guard last.verdict?.rawValue != test.expected.rawValue else { continue }
                let got = last.verdict.map { "got \($0.rawValue)" } ?? "cannot tell what becomes of it"
                report(
                    .error,
                    .test,
                    test.position,
                    "expected \(test.expected.rawValue), and \(got): \(connection), \(Self.reason(last))"
                )
                return
            }
        }
    }

    private mutating func reportNoHost(_ test: FirewallTest, _ connection: Connection) {
        let leased = site.hosts.values.filter { !$0.dynamicInterfaces.isEmpty }.map { "`\($0.name)`" }.sorted()
        let isOne = leased.count == 1
        let more = isOne ? "it gets" : "they get"
        report(
            .error,
            .test,
            test.position,
            "no host of the site is on the way of \(connection)",
            help: "name a host, or a connection that passes a router of the site"
                + (leased.isEmpty
                    ? "" : "; \(leased.cut(3)) by name, since no address that \(more) by DHCP is known here")
        )
    }

    /// Why a host decided as it did.
    static func reason(_ decision: Rehearsal.Decision) -> String {
        let way =
            switch decision.path {
            case .input: "into"
            case .forward: "through"
            case .output: "out of"
            }
        switch decision.doubt {
        case .source(let translation):
            let line = translation.position.line
            return "\(way) \(decision.host): line \(line) gives it a source that is not in the site file"
        case .way(let router):
            return "\(way) \(decision.host): which interface of \(router) leads to what is in none of its networks the "
                + "site file does not say; put what leads there in the zone `outside`, or add the router of that zone "
                + "that it leads to"
        case .change(let translation, let router):
            let line = translation.position.line
            return "\(way) \(decision.host): whether it passes \(router), where line \(line) gives it another source, "
                + "the site file does not say"
        case .router:
            return "\(way) \(decision.host): which of them it passes the site file does not say, and they decide "
                + "differently"
        case nil: break
        }
        guard let rule = decision.rule else { return "\(way) \(decision.host): no rule lets it through" }
        let line = rule.position.line > 0 ? " (line \(rule.position.line))" : ""
        return "\(way) \(decision.host): by `\(rule.id)`\(line)"
    }

    // MARK: Hosts by DHCP

    /// Whether an end is a host of which the site file has no address, since it gets them by DHCP.
    private func isLeased(_ end: FirewallTest.End) -> Bool {
        guard case .host(let name) = end, let host = site.hosts[name] else { return false }
        return host.allAddresses.isEmpty && !host.dynamicInterfaces.isEmpty
    }

    /// A test of such a host holds when it is proved of each address that the host may have, as a claim is.
    private mutating func checkLeased(_ test: FirewallTest) {
        guard let claim = claim(of: test),
            let proof = ClaimProver(SiteHosts(intent, of: site)).prove([claim]).first
        else { return }
        let expected = "expected \(test.expected.rawValue), and"
        let subject = Self.subject(proof, described)
        switch proof.answer {
        case .proved where !proof.isVoid: return
        case .proved: report(.error, .test, test.position, "there is no connection to test: it \(proof.reason ?? "")")
        case .unknown:
            let reason = proof.reason ?? ""
            report(
                .error,
                .test,
                test.position,
                "\(expected) it cannot be told what becomes of it: \(subject)\(reason)"
            )
        case .refuted: report(.error, .test, test.position, "\(expected) \(subject)\(Self.verdict(proof.rule))")
        }
    }

    /// What a test says as a claim: that all of it is let through, or nothing of it.
    private func claim(of test: FirewallTest) -> Claim? {
        func endpoint(_ end: FirewallTest.End) -> FirewallEndpoint {
            switch end {
            case .host(let name): .host(name)
            case .address(let address): .addresses(IPNetwork(containing: address, prefixLength: address.width))
            }
        }
        var asked = site
        asked.firewall.never = [
            FirewallRule(from: [endpoint(test.from)], to: [endpoint(test.to)], services: [test.service])
        ]
        guard let never = Intent(of: asked, at: now).claims.last(where: { $0.kind == .never }) else { return nil }
        return test.expected == .accept ? never.wanted : never
    }
}

extension Claim {
    /// That all of what a `never` is about is let through, and nothing of anything else.
    fileprivate var wanted: Claim {
        var wanted = Claim(
            .exactly,
            id: id,
            position: position,
            from: sources,
            to: destinations,
            traffic: traffic,
            scope: traffic
        )
        (wanted.wholeSources, wanted.wholeDestinations, wanted.groups) = (wholeSources, wholeDestinations, groups)
        return wanted
    }
}
