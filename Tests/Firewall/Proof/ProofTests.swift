import Firewall
import Site
import Testing

@Suite("Proofs")
struct ProofTests {
    /// What is meant of one host: SSH from 10.0.0.0/8.
    private static func intent() throws -> HostIntent {
        var match = PacketMatch()
        match.sources = AddressSet([IPNetwork(containing: .v4(0x0A00_0000), prefixLength: 8)])
        match.traffic = TrafficSet(.tcp, details: 22...22)
        var intent = HostIntent(host: "db-01")
        intent.input = [IntentRule(id: "ssh", .written, .accept, matches: [match])]
        return intent
    }

    /// A kernel that drops all but what one input rule accepts.
    private static func held(
        _ conditions: String,
        verdict: String = #"{"accept":null}"#,
        extra: String = ""
    ) throws -> HeldRuleset {
        let closed = ["forward", "output"].map { hook in
            """
            {"chain":{"family":"inet","table":"t","name":"\(hook)","type":"filter","hook":"\(hook)","prio":0,"policy":"drop"}}
            """
        }
        let more = (closed + [extra].filter { !$0.isEmpty }).joined(separator: ",")
        return try HeldRuleset(json: Array(Listing.json(conditions, verdict: verdict, extra: more).utf8))
    }

    private static let tens = Listing.match(Listing.source, "==", #"{"prefix":{"addr":"10.0.0.0","len":8}}"#)
    private static let ssh = Listing.match(Listing.port, "==", "22")

    @Test("a kernel that holds what is meant is proved")
    func equal() throws {
        let proof = HostProof(try Self.intent(), against: try Self.held(Self.tens + "," + Self.ssh))
        #expect(proof.answer == .proved, "\(proof)")
    }

    @Test("more, less, and what hangs on something unknown are told apart, each with its packet")
    func different() throws {
        let more = HostProof(try Self.intent(), against: try Self.held(Self.ssh))
        #expect(more.answer == .refuted)
        #expect(more.differences.map(\.kind) == [.more])
        let packet = try #require(more.differences.first?.packet)
        #expect(packet.detail == 22 && packet.source != .v4(0x0A00_0001), "\(packet.text)")
        #expect(more.differences.first?.rule == nil)
        #expect(more.differences.first?.trace.steps.count == 1)

        let narrow = Listing.match(Listing.source, "==", #"{"prefix":{"addr":"10.0.0.0","len":9}}"#)
        let less = HostProof(try Self.intent(), against: try Self.held(narrow + "," + Self.ssh))
        #expect(less.differences.map(\.kind) == [.less])
        #expect(less.differences.first?.rule?.id == "ssh")

        let marked = Listing.match(#"{"meta":{"key":"mark"}}"#, "==", "5")
        let unknown = HostProof(
            try Self.intent(),
            against: try Self.held([Self.tens, Self.ssh, marked].joined(separator: ","))
        )
        #expect(unknown.answer == .unknown)
        #expect(unknown.differences.map(\.kind) == [.perhapsLess])
    }

    @Test("a kernel that lets through what is odd breaks a claim, too")
    func odd() throws {
        let site = try policySite("foobar.com.yaml")
        let intent = Intent(of: site)
        let claim = try #require(intent.claims.first { $0.kind == .never })
        for condition in [
            Listing.match(Listing.flags, "==", #""ack""#),
            Listing.match(#"{"fib":{"result":"oif","flags":["saddr","iif"]}}"#, "==", "false"),
        ] {
            let held = try HeldRuleset(json: Array(Listing.json(condition).utf8))
            let prover = ClaimProver(SiteHosts(intent, of: site, held: ["db-01": held]))
            let proof = try #require(prover.prove([claim]).first)
            #expect(proof.answer == .refuted, "\(condition): \(proof)")
        }
    }

    @Test("connections that a rule has expected are not new, and nothing is proved of who begins them")
    func expected() throws {
        let site = try policySite("foobar.com.yaml")
        let intent = Intent(of: site)
        let claim = try #require(intent.claims.first { $0.kind == .never })
        for (word, expected) in [
            ("counter", ProofAnswer.proved), ("ct expectation", .unknown), ("ct helper", .unknown),
        ] {
            let held = try Self.held(#"{"\#(word)":"e"}"#, verdict: #"{"drop":null}"#)
            let prover = ClaimProver(SiteHosts(intent, of: site, held: ["db-01": held]))
            #expect(prover.prove([claim]).first?.answer == expected, "\(word)")
            #expect(HostProof(HostIntent(host: "db-01"), against: held).answer == expected, "\(word)")
        }
    }

    @Test("a change of addresses behind `continue` is one")
    func continuedTranslation() throws {
        let names = #""family":"ip","table":"x""#
        for (verdict, expected) in [("return", ProofAnswer.proved), ("continue", .refuted)] {
            let chain =
                #"{"chain":{\#(names),"name":"c","type":"nat","hook":"prerouting","prio":-100,"policy":"accept"}},"#
                + #"{"rule":{\#(names),"chain":"c","handle":9,"expr":[{"\#(verdict)":null},{"redirect":{"port":3306}}]}}"#
            let held = try Self.held(Self.tens + "," + Self.ssh, extra: chain)
            #expect(HostProof(try Self.intent(), against: held).answer == expected, "\(verdict)")
        }
    }

    @Test("a question that is too large is not answered with proved")
    func exhausted() throws {
        let proof = HostProof(try Self.intent(), against: try Self.held(Self.tens + "," + Self.ssh), limit: 5)
        #expect(proof.answer == .unknown)
        #expect(proof.doubt?.contains("pieces than a proof may hold; wider networks in place of many single") == true)
    }

    @Test("a question that takes too long is not answered with proved, and what is said is the same every time")
    func tooManySteps() throws {
        let (intent, held) = (try Self.intent(), try Self.held(Self.tens + "," + Self.ssh))
        let doubts = Set((0..<3).map { _ in HostProof(intent, against: held, steps: 100).doubt })
        #expect(doubts.count == 1)
        #expect(doubts.first??.contains("more steps than a proof may take") == true, "\(doubts)")
        #expect(HostProof(intent, against: held, steps: 100).answer == .unknown)
    }

    @Test("claims that take too long are unknown, and what is found before is still said")
    func tooManyStepsForClaims() throws {
        let site = try policySite("foobar.com.yaml")
        let intent = Intent(of: site)
        for steps in [0, 100, 2_000] {
            let proofs = ClaimProver(SiteHosts(intent, of: site), steps: steps).prove(intent.claims)
            #expect(proofs.count == intent.claims.count)
            #expect(proofs.allSatisfy { $0.answer != .refuted }, "\(steps) steps")
            #expect(proofs.contains { $0.answer == .unknown && $0.reason?.contains("steps") == true })
            #expect(throws: SpaceExhausted.self) { try HiddenRule.all(in: intent.hosts, steps: steps / 4) }
        }
    }

    @Test("the reference site's claims are proved, and no line is hidden")
    func reference() throws {
        let site = try policySite("foobar.com.yaml")
        let intent = Intent(of: site)
        let prover = ClaimProver(SiteHosts(intent, of: site))
        let proofs = prover.prove(intent.claims)
        #expect(proofs.map(\.claim.id) == intent.claims.map(\.id))
        for proof in proofs {
            #expect(
                proof.answer == .proved,
                "\(proof.claim.kind) \(proof.claim.id): \(proof.reason ?? "") \(proof.packet?.text ?? "")"
            )
        }
        #expect(try HiddenRule.all(in: intent.hosts).map(\.rule.id) == [])
    }

    @Test("an allow that breaks a claim is found, with the packet and the rule")
    func broken() throws {
        var site = try policySite("foobar.com.yaml")
        site.firewall.allow.append(
            FirewallRule(from: [.any], to: [.role("mysql-primary")], services: [.named("mysql")])
        )
        let intent = Intent(of: site)
        let prover = ClaimProver(SiteHosts(intent, of: site))
        let never = try #require(intent.claims.first { $0.kind == .never })
        let proof = try #require(prover.prove([never]).first)
        #expect(proof.answer == .refuted)
        #expect(proof.host == "db-01")
        #expect(proof.packet?.detail == 3306)
        #expect(proof.rule?.verdict == .accept)
    }

    @Test("an allow that only one end grants is broken, and says which end stops it")
    func oneEnd() throws {
        let site = try policySite("foobar.com.yaml")
        let intent = Intent(of: site)
        // The source's kernel lets nothing out.
        let prover = ClaimProver(SiteHosts(intent, of: site, held: ["app-01": .dropping(at: .output)]))
        let claim = try #require(intent.claims.first { $0.kind == .allow && $0.id.hasPrefix("app_mysql") })
        let proof = try #require(prover.prove([claim]).first)
        #expect(proof.answer == .refuted)
        #expect(proof.host == "app-01", "\(proof.reason ?? "")")
        #expect(proof.packet?.path == .output)
    }

    @Test("what a kernel makes of hop limits counts as usual packets have them, and as neighbour discovery does")
    func hopLimits() throws {
        let site = try site(
            """
            site: a.example
            services: { ssh: tcp/22 }
            hosts:
              a: { interfaces: { eth0: { zone: outside, addresses: ["2001:db8::1/64"] } } }
            firewall:
              allow:
                - { id: in, from: any, to: a, services: ssh }
            """
        )
        let (intent, host) = (Intent(of: site), try #require(site.hosts["a"]))
        func held(_ rules: [HeldRule]) -> HeldRuleset {
            var held = HeldRuleset.dropping(at: .input)
            held.chains[0].base?.drops = false
            held.chains[0].rules = rules
            return held
        }
        let six = HeldCondition.fields([.family], entries: [[IntervalSet(1)]], isNegated: false)
        let far = HeldCondition.oddity(.throughRouter, isPresent: true)
        let rule = HeldRule([.condition(six), .condition(far), .verdict(.drop)])
        let open = try #require(site.answers(held: ["a": held([])]).byID["in"])
        #expect(open.answer == .proved, "\(open.summary)")
        let shut = try #require(site.answers(held: ["a": held([rule])]).byID["in"])
        #expect(shut.answer == .refuted, "\(shut.summary)")
        let (source, own) = (try #require(IPAddress("2600::1")), try #require(IPAddress("2001:db8::1")))
        func outcomes(_ number: ProtocolNumber, _ detail: UInt16) throws -> Outcomes {
            let packet = Explanation.packets(from: source, to: own, number, detail: detail, at: host)[0]
            let journey = Journey.every(packet, at: try #require(intent.host("a")), of: intent, site)[0]
            return journey.trace(in: held([rule])).outcomes
        }
        #expect(try outcomes(.tcp, 22) == .drop)
        #expect(try outcomes(.icmpv6, 128 << 8) == .drop)
        #expect(try outcomes(.icmpv6, 135 << 8) == .accept)
    }

    @Test("hidden lines: the same again, and the opposite")
    func hidden() throws {
        var site = try policySite("foobar.com.yaml")
        site.firewall.allow.append(
            FirewallRule(from: [.role("app")], to: [.role("mysql-primary")], services: [.named("mysql")])
        )
        site.firewall.deny.append(FirewallRule(from: [.network("office")], to: [.all], services: [.named("ssh")]))
        let hidden = try HiddenRule.all(in: Intent(of: site).hosts)
        #expect(Set(hidden.map(\.kind)) == [.redundant, .contradicted], "\(hidden)")
        #expect(hidden.allSatisfy { !$0.hiding.isEmpty })
    }

    @Test("explain names the rule that decides, or the nearest with what lacks")
    func explain() throws {
        let site = try policySite("foobar.com.yaml")
        let intent = Intent(of: site)
        let database = try #require(intent.host("db-01"))
        let host = try #require(site.hosts["db-01"])
        let own = try #require(host.allAddresses.first?.address)
        func explain(_ from: String, _ port: UInt16) throws -> Explanation {
            let source = try #require(IPAddress(from))
            return Explanation(
                Explanation.packets(from: source, to: own, .tcp, detail: port, at: host)[0],
                at: database
            )
        }
        #expect(try explain("10.10.0.21", 3306).isAccepted)
        let dropped = try explain("198.41.0.4", 3306)
        #expect(!dropped.isAccepted && dropped.rule == nil)
        let nearest = try #require(dropped.nearest)
        #expect(nearest.reasons.count == 1 && nearest.reasons[0].contains("source"), "\(nearest)")
    }

    @Test("diff says what opens and what closes, and nothing of lines that moved")
    func diff() throws {
        let site = try policySite("foobar.com.yaml")
        let old = Intent(of: site).hosts
        var moved = site
        moved.firewall.allow.reverse()
        #expect(IntentDiff(from: old, to: Intent(of: moved).hosts).changes.isEmpty)
        var opened = site
        opened.firewall.allow.append(FirewallRule(from: [.any], to: [.host("db-02")], services: [.named("mysql")]))
        let diff = IntentDiff(from: old, to: Intent(of: opened).hosts)
        #expect(diff.opensAnything)
        #expect(diff.changes.contains { $0.host == "db-02" && $0.path == .input && $0.packet.detail == 3306 })
        let back = IntentDiff(from: Intent(of: opened).hosts, to: old)
        #expect(!back.opensAnything && !back.changes.isEmpty)
    }

    @Test("diff knows what no packet shows: how much, until when, and where to")
    func adjustments() throws {
        func hosts(_ line: String, _ more: String = "") throws -> [HostIntent] {
            Intent(of: try Self.router(line, more)).hosts
        }
        func opens(_ old: [HostIntent], _ new: [HostIntent]) -> Bool { IntentDiff(from: old, to: new).opensAnything }
        let slow = try hosts(", limit: { rate: 3/m, burst: 2, connections: 2 }")
        #expect(!opens(slow, slow) && IntentDiff(from: slow, to: slow).adjustments.isEmpty)
        for wider in [
            "{ rate: 4/m, burst: 2, connections: 2 }", "{ rate: 3/m, burst: 3, connections: 2 }",
            "{ rate: 3/m, burst: 2, connections: 3 }", "{ rate: 3/m, burst: 2 }",
        ] {
            let fast = try hosts(", limit: \(wider)")
            #expect(opens(slow, fast), "\(wider)")
            #expect(!opens(fast, slow) && !IntentDiff(from: fast, to: slow).adjustments.isEmpty, "\(wider)")
        }
        let short = try hosts(", expires: 2030-01-01T00:00:00Z")
        let long = try hosts(", expires: 2031-01-01T00:00:00Z")
        #expect(opens(short, long) && !opens(long, short))
        #expect(IntentDiff(from: short, to: long).changes.first?.since == 1_893_456_000)
        #expect(opens(short, try hosts("")))
        let one = try hosts("", "  forward: [{ from: office, service: way-in, to: a, port: 22 }]")
        let other = try hosts("", "  forward: [{ from: office, service: way-in, to: b, port: 22 }]")
        #expect(opens(one, other) && opens(other, one))
        // What a line is called no packet knows; each that changes is told once.
        let named = try hosts("", "  forward: [{ id: f, from: office, service: way-in, to: a, port: 22 }]")
        #expect(!opens(one, named) && IntentDiff(from: one, to: named).adjustments.isEmpty)
        let targets: [Translation.Kind] = [
            .destination(.v4(0x0A01_0005), port: 22), .destination(.v6(0x2001_0DB8 << 96 | 5), port: 22),
        ]
        let bare = HostIntent(host: "gate")
        var both = bare
        both.translations = targets.map { Translation(id: "f", match: PacketMatch(), $0) }
        let told = IntentDiff(from: [bare], to: [both]).adjustments.map(\.sentence)
        #expect(told == ["`f` changes other addresses now"])
        func denied(_ sources: String...) throws -> [HostIntent] {
            let lines = sources.map { "{ id: d-\($0), from: \($0), to: gate, services: way-in }" }
                .joined(separator: ", ")
            return try hosts("", "  forward: [{ from: office, service: way-in, to: a, port: 22 }]\n  deny: [\(lines)]")
        }
        let (some, more) = (try denied("203.0.113.9"), try denied("203.0.113.9", "203.0.113.10"))
        #expect(opens(some, one) && !opens(one, some) && opens(some, other))
        #expect(IntentDiff(from: one, to: some).adjustments.map(\.opens) == [false])
        let turned = try denied("203.0.113.10", "203.0.113.9")
        #expect(IntentDiff(from: more, to: turned).adjustments.isEmpty)
        let fewer = IntentDiff(from: more, to: some).adjustments
        let sentence = "not all that `d-203.0.113.9`, `d-203.0.113.10` kept from port forwards is kept now"
        #expect(fewer.map(\.sentence) == [sentence] && fewer.allSatisfy(\.opens), "\(fewer)")
        #expect(opens(try hosts(""), try hosts("", "  masquerade: [{ from: office, out: outside }]")))
    }

    @Test("diff compares what lines do to addresses, not the lines")
    func translationLines() throws {
        func hosts(_ section: String, _ lines: [String]) throws -> [HostIntent] {
            Intent(of: try Self.router("", "  \(section): [\(lines.joined(separator: ", "))]")).hosts
        }
        let (out, web) = (", out: outside }", ", service: way-in, to: b, port: 22 }")
        let lan = "{ id: m, from: 10.1.0.0/24\(out)"
        let inner = "{ id: k, from: 10.1.0.0/24, to: 192.0.2.0/24, out: inside }"
        let office = "{ id: w, from: office, service: way-in, to: a, port: 22 }"
        let halves = ["{ id: h, from: 192.0.2.0/25\(web)", "{ id: i, from: 192.0.2.128/25\(web)"]
        let cases: [(section: String, old: [String], new: [String])] = [
            ("masquerade", [lan, inner], [inner, lan]),
            ("masquerade", [lan], ["{ id: m, from: 10.1.0.0/25\(out)", "{ id: n, from: 10.1.0.128/25\(out)"]),
            ("masquerade", [lan], ["{ id: n, from: 10.1.0.5\(out)", lan]),
            ("forward", [office, halves[0]], [halves[0], office]),
            ("forward", [office, "{ id: w2, from: 192.0.2.0/24\(web)"], [office] + halves),
        ]
        for (section, old, new) in cases {
            let (one, two) = (try hosts(section, old), try hosts(section, new))
            for diff in [IntentDiff(from: one, to: two), IntentDiff(from: two, to: one)] {
                #expect(!diff.opensAnything && diff.adjustments.isEmpty, "\(new): \(diff.adjustments)")
            }
        }
        let less = IntentDiff(from: try hosts("masquerade", [lan]), to: try hosts("masquerade", [inner]))
        let sentences = ["`m` changes no addresses now", "`k` changes other addresses now"]
        #expect(less.adjustments.map(\.sentence) == sentences)
        // More targets than one function has bits for, and the last two of one port the other way round.
        var (one, two) = (HostIntent(host: "gate"), HostIntent(host: "gate"))
        for number: UInt16 in 0..<14 {
            let (port, target) = (min(8000 + number, 8012), IPAddress.v4(0x0A01_0005 + UInt32(number)))
            var match = PacketMatch()
            match.traffic = TrafficSet(.tcp, details: port...port)
            one.translations.append(Translation(id: "f\(number)", match: match, .destination(target, port: 22)))
        }
        two.translations = one.translations
        two.translations.swapAt(0, 11)
        #expect(IntentDiff(from: [one], to: [two]).adjustments.isEmpty)
        two.translations.swapAt(12, 13)
        let turned = IntentDiff(from: [one], to: [two]).adjustments
        #expect(turned.map(\.sentence) == ["addresses are changed in another order"])
    }

    private static func router(_ line: String, _ more: String) throws -> SiteModel {
        try site(
            """
            site: a.b
            networks: { office: 203.0.113.0/24 }
            hosts:
              gate:
                roles: [router]
                interfaces:
                  wan: { zone: outside, addresses: [198.51.100.2/24] }
                  lan: { zone: inside, addresses: [10.1.0.1/24] }
              a: { roles: [app], addresses: [10.1.0.5/24] }
              b: { roles: [app], addresses: [10.1.0.6/24] }
            services: { ssh: tcp/22, way-in: tcp/2222 }
            firewall:
              allow: [{ from: any, to: app, services: [ssh]\(line) }]
            \(more)
            """
        )
    }
}
