import Firewall
import Site
import Testing

/// What is said of lines that end by themselves: now, and from when on.
@Suite("A policy as time goes by")
struct PolicyTimelineTests {
    private static let now: Int64 = 1_893_456_000
    private static let later = "2096-12-24T18:00:00Z"
    private static let end: Int64 = 4_007_210_400
    private static let before = "2020-12-24T18:00:00Z"

    private static func model(_ policy: String) throws -> SiteModel {
        try site(
            """
            site: a.example
            networks: { lan: [10.9.0.0/24] }
            services: { http: tcp/80, https: tcp/443, ssh: tcp/22 }
            hosts:
              h: { roles: [web], interfaces: { eth0: { zone: outside, addresses: [10.9.0.1/24] } } }
            firewall:

            """ + policy
        )
    }

    private static func proofs(_ policy: String) throws -> [String: ClaimProof] {
        let timeline = PolicyTimeline(try model(policy), at: now)
        return timeline.prove(hidden: try timeline.hidden()).byID
    }

    @Test("a line that has ended lets nothing through, and no claim counts on it")
    func ended() throws {
        let policy =
            "  allow: [{ id: a, from: any, to: web, services: https, expires: \(Self.before) }]\n"
            + "  exactly: [{ id: e, from: internet, to: web, services: https }]\n"
        let proofs = try Self.proofs(policy)
        #expect(proofs["a"]?.word == "void" && proofs["a"]?.ended == 1_608_832_800, "\(proofs)")
        #expect(proofs["e"]?.answer == .refuted && proofs["e"]?.since == nil, "\(proofs)")

        let site = try Self.model(policy)
        let host = try #require(site.hosts["h"])
        let packet = Explanation.packets(from: .v4(0x0808_0808), to: .v4(0x0A09_0001), .tcp, detail: 443, at: host)[0]
        let intent = try #require(Intent(of: site).host("h"))
        #expect(Explanation(packet, at: intent, now: 1_608_832_799).isAccepted)
        let explanation = Explanation(packet, at: intent, now: Self.now)
        #expect(!explanation.isAccepted && explanation.rule == nil)
        #expect(explanation.nearest?.reasons == ["the rule ended on \(Self.before)"])
    }

    @Test("a line is hidden when others take its packets as long as it lasts, and not for a time")
    func hidden() throws {
        func hidden(_ first: String, _ second: String) throws -> [String: HiddenRule.Kind] {
            let policy =
                "  allow:\n    - { id: one, from: lan, to: web, services: http\(first) }\n"
                + "    - { id: two, from: lan, to: web, services: http\(second) }\n"
            let hidden = try PolicyTimeline(try Self.model(policy), at: Self.now).hidden()
            return Dictionary(uniqueKeysWithValues: hidden.always.map { ($0.rule.id, $0.kind) })
        }
        #expect(try hidden("", "") == ["two": .redundant])
        #expect(try hidden(", expires: \(Self.later)", "") == [:])
        #expect(try hidden(", expires: \(Self.later)", ", expires: \(Self.later)") == ["two": .redundant])
        #expect(try hidden("", ", expires: \(Self.later)") == ["two": .redundant])
        // One of them drops what the other lets through.
        #expect(try hidden(", limit: 5/m", "") == ["two": .shadowed])
        #expect(try hidden("", ", limit: 5/m") == ["two": .shadowed])
        #expect(try hidden(", limit: 5/m", ", limit: 5/m") == ["two": .redundant])
    }

    @Test("what a refusal that ends lets through later is said with the moment, by the line that lets it")
    func refusal() throws {
        let proofs = try Self.proofs(
            "  allow: [{ id: long, from: lan, to: web, services: http }]\n"
                + "  deny: [{ id: no, from: lan, to: web, services: http, expires: \(Self.later) }]\n"
                + "  never: [{ id: n, from: lan, to: web, services: http }]\n"
        )
        #expect(proofs["long"]?.word == "proved", "\(proofs)")
        #expect(proofs["n"]?.answer == .refuted && proofs["n"]?.since == Self.end, "\(proofs)")
        #expect(proofs["n"]?.rule?.id == "long", "\(proofs)")
    }

    @Test("a line of which nothing gets from end to end is void, whatever its rules decide")
    func stopped() throws {
        let site = try Self.model(
            "  allow: [{ id: a, from: lan, to: web, services: http }, { id: b, from: lan, to: web, services: ssh }]\n"
                + "  deny: [{ from: lan, to: web, services: http }]\n"
        )
        let proofs = site.answers()
        #expect(proofs.first { $0.claim.id == "a" }?.word == "void", "\(proofs)")
        #expect(proofs.first { $0.claim.id == "a" }?.rule?.verdict == .drop, "\(proofs)")
        #expect(proofs.first { $0.claim.id == "b" }?.isProved == true, "\(proofs)")
    }

    @Test("diff says nothing of what ended before now, nor of limits where there are none")
    func diff() throws {
        func hosts(_ line: String, _ more: String = "") throws -> [HostIntent] {
            let policy = "  allow: [{ id: a, from: any, to: web, services: https\(line) }]\n"
            return Intent(of: try Self.model(policy + more)).hosts
        }
        let (old, older) = (try hosts(", expires: \(Self.before)"), try hosts(", expires: 2019-12-24T18:00:00Z"))
        #expect(!IntentDiff(from: older, to: old, at: Self.now).opensAnything)
        #expect(IntentDiff(from: older, to: old, at: 1_500_000_000).changes.first?.since == 1_577_210_400)
        #expect(IntentDiff(from: old, to: try hosts(""), at: Self.now).changes.first?.since == nil)

        let open = try hosts("", "  defences: { spoofing: false }\n")
        let diff = IntentDiff(from: try hosts(""), to: open, at: Self.now)
        #expect(diff.opensAnything && diff.adjustments.isEmpty, "\(diff.adjustments)")
        #expect(diff.changes.allSatisfy { !$0.summary.contains { $0.contains("udp") && $0.contains("TCP") } })
    }

    @Test("diff tells of each later moment what it opens or closes beside what the moments before it do")
    func laterMoments() throws {
        func hosts(_ allow: String, _ deny: String) throws -> [HostIntent] {
            let line = "{ from: any, to: web, services: https"
            return Intent(of: try Self.model("  allow: [\(line) }\(allow)]\n  deny: [\(line)\(deny) }]\n")).hosts
        }
        let old = try hosts("", "")
        let new = try hosts(", { from: lan, to: web, services: http }", ", expires: \(Self.later)")
        for (diff, opens) in [
            (IntentDiff(from: old, to: new, at: Self.now), true), (IntentDiff(from: new, to: old, at: Self.now), false),
        ] {
            let changes = diff.changes.filter { $0.path == .input }
            #expect(changes.map(\.since) == [nil, Self.end] && changes.allSatisfy { $0.opens == opens }, "\(changes)")
            #expect(changes.map(\.packet.detail) == [80, 443], "\(changes)")
            #expect(changes.last?.summary.allSatisfy { $0.hasPrefix("tcp/443 from ") } == true, "\(changes)")
        }
    }

    @Test("diff tells what opens for unusual packets alone beside what opens for usual ones")
    func unusual() throws {
        func hosts(_ service: String, _ more: String = "") throws -> [HostIntent] {
            let policy = "  allow: [{ from: any, to: web, services: [ssh\(service)] }]\n" + more
            return Intent(of: try Self.model(policy)).hosts
        }
        let new = try hosts(", http", "  defences: { spoofing: false }\n")
        let diff = IntentDiff(from: try hosts(""), to: new, at: Self.now)
        let change = try #require(diff.changes.first { $0.path == .input })
        #expect(change.summary.contains { $0.hasPrefix("tcp/80 from ") }, "\(change.summary)")
        #expect(change.summary.contains { $0.hasPrefix("tcp/22 from ") }, "\(change.summary)")
    }
}
