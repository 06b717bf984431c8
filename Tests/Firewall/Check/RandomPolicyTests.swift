import Firewall
import Site
import Testing

/// Random policies, against an evaluator that knows nothing of sets: it asks line after line whether a connection is
/// meant, word by word.
@Suite("Random policies")
struct RandomPolicyTests {
    /// Each is the only one of its kind: every set of a policy holds all or none of what it stands for.
    // One for each part into which the words below cut the addresses.
    private static let places: [String: String] = [
        "a1": "10.0.0.1", "a2": "10.0.0.2", "b1": "10.0.0.3", "b2": "10.0.0.4", "near": "10.1.0.9", "far": "10.2.0.9",
        "beyond": "10.2.0.1", "world": "8.8.8.8",
    ]
    private static let hosts = ["a1", "a2", "b1", "b2"]
    /// What a connection is of: a port of TCP, or a protocol without ports.
    private struct Kind: Hashable {
        let number: ProtocolNumber
        var port: UInt16 = 0

        static func tcp(_ port: UInt16) -> Kind { Kind(number: .tcp, port: port) }
        static func whole(_ number: UInt8) -> Kind { Kind(number: ProtocolNumber(rawValue: number)) }
    }

    /// By name and written out.
    private static let services: [String: Set<Kind>] = [
        "one": [.tcp(1)], "two": [.tcp(2)], "tunnels": [.whole(50), .whole(51), .tcp(3)],
        "tcp/3-4": [.tcp(3), .tcp(4)], "esp": [.whole(50)], "ip/99": [.whole(99)],
    ]
    private static let kinds: [Kind] = (1...5).map { .tcp($0) } + [50, 51, 52, 99, 112].map { .whole($0) }
    private static let words = ["a", "b", "a1", "b2", "near-net", "both-nets", "any", "all", "internet", "10.2.0.9"]

    private static let head = """
        site: a.b
        networks: { near-net: 10.1.0.0/16, far-net: 10.2.0.0/16, both-nets: [near-net, far-net] }
        hosts:
          a1: { roles: [a], addresses: [10.0.0.1/24] }
          a2: { roles: [a], addresses: [10.0.0.2/24] }
          b1: { roles: [b], addresses: [10.0.0.3/24] }
          b2: { roles: [b], addresses: [10.0.0.4/24] }
        services: { one: tcp/1, two: tcp/2, tunnels: [ah, esp, tcp/3] }
        firewall:

        """

    /// What a word stands for, by place.
    private static func holds(_ word: String, _ place: String) -> Bool {
        switch word {
        case "any": true
        case "all": hosts.contains(place)
        case "a", "b": hosts.contains(place) && place.hasPrefix(word)
        case "near-net": place == "near"
        case "both-nets": ["near", "far", "beyond"].contains(place)
        case "10.2.0.9": place == "far"
        case "internet": place == "world"
        default: word == place
        }
    }

    private struct Line {
        let from: [String]
        let to: [String]
        let services: [String]

        init(_ generator: inout Seeded) {
            func some(_ words: [String], _ counts: ClosedRange<Int>, _ generator: inout Seeded) -> [String] {
                Array(words.shuffled(using: &generator).prefix(Int.random(in: counts, using: &generator)))
            }
            from = some(RandomPolicyTests.words, 1...2, &generator)
            to = some(RandomPolicyTests.words, 1...2, &generator)
            services = some(RandomPolicyTests.services.keys.sorted(), 0...2, &generator)
        }

        func isAbout(_ source: String, _ destination: String, _ kind: Kind) -> Bool {
            from.contains { holds($0, source) } && to.contains { holds($0, destination) }
                && (services.isEmpty || services.contains { RandomPolicyTests.services[$0]?.contains(kind) == true })
        }

        func text(_ id: String) -> String {
            let end = services.isEmpty ? "" : ", services: [\(services.joined(separator: ", "))]"
            let (from, to) = (from.joined(separator: ", "), to.joined(separator: ", "))
            return "    - { id: \(id), from: [\(from)], to: [\(to)]\(end) }\n"
        }
    }

    @Test("let through what their lines say, at every end, and their claims are judged as one by one")
    func agree() throws {
        let seed = Soak.drawnSeed(of: "random policies")
        var generator = Seeded(state: seed)
        for _ in 0..<60 {
            let allow = (0..<Int.random(in: 1...5, using: &generator)).map { _ in Line(&generator) }
            let deny = (0..<Int.random(in: 0...3, using: &generator)).map { _ in Line(&generator) }
            let claim = Line(&generator)
            let text =
                Self.head + "  allow:\n" + allow.indices.map { allow[$0].text("a\($0)") }.joined()
                + (deny.isEmpty ? "" : "  deny:\n" + deny.indices.map { deny[$0].text("d\($0)") }.joined())
            func isLet(_ source: String, _ destination: String, _ kind: Kind, without gone: Set<String>) -> Bool {
                func has(_ lines: [Line], _ prefix: String) -> Bool {
                    lines.indices.contains {
                        !gone.contains("\(prefix)\($0)") && lines[$0].isAbout(source, destination, kind)
                    }
                }
                return !has(deny, "d") && has(allow, "a")
            }
            let model = try site(text)
            let rehearsal = Rehearsal(model, Intent(of: model))
            let hidden = try HiddenRule.all(in: Intent(of: model).hosts)
            let redundant = Set(hidden.filter { $0.kind == .redundant }.map(\.rule.id))
            var isBroken = false
            var deciding: Set<String> = []
            for source in Self.places.keys {
                for destination in Self.places.keys where source != destination {
                    for kind in Self.kinds {
                        let expected = isLet(source, destination, kind, without: [])
                        // Between strangers no host of the site decides.
                        guard Self.hosts.contains(source) || Self.hosts.contains(destination) else { continue }
                        if expected, claim.isAbout(source, destination, kind) { isBroken = true }
                        let connection = Connection(
                            from: try #require(Self.places[source].flatMap { IPAddress($0) }),
                            to: try #require(Self.places[destination].flatMap { IPAddress($0) }),
                            kind.number,
                            detail: kind.port
                        )
                        let decisions = rehearsal.decisions(connection)
                        deciding.formUnion(decisions.compactMap { $0.rule?.id })
                        let verdict = decisions.last?.verdict
                        #expect((verdict == .accept) == expected, "seed \(seed): \(connection)\n\(text)")
                        let without = isLet(source, destination, kind, without: redundant)
                        #expect(without == expected, "seed \(seed): \(connection) without \(redundant)\n\(text)")
                    }
                }
            }
            let idle = Set(hidden.filter { !$0.decides }.map(\.rule.id))
            #expect(idle.isDisjoint(with: deciding), "seed \(seed): \(idle.intersection(deciding))\n\(text)")
            let claimed = try site(text + "  never:\n" + claim.text("c"))
            let findings = PolicyCheck.findings(claimed, file: "x", now: 0).filter {
                // A claim about nobody is warned of.
                $0.code == .claim && $0.severity == .error
            }
            #expect(findings.isEmpty == !isBroken, "seed \(seed): \(findings)\n\(text)\(claim.text("c"))")
        }
    }
}
