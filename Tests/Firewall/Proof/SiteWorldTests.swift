import Firewall
import Site
import Testing

/// What is said of all hosts at once, against a world of machines and wires in which packets really go: through routers
/// that pass them on, send them elsewhere and change where they come from.
@Suite("Claims and the world")
struct SiteWorldTests {
    /// Two networks behind a router that faces the outside, and another router between the same two: there is a way
    /// around each.
    private static let head = """
        site: a.b
        networks: { guests: 10.2.0.64/26, servers: 10.1.0.0/24, partner: 198.51.100.64/26 }
        hosts:
          gate:
            roles: [router]
            interfaces:
              wan: { zone: outside, addresses: [198.51.100.2/24] }
              dmz: { zone: servers, addresses: [10.1.0.1/24] }
              lan: { zone: people, addresses: [10.2.0.1/24] }
          SECOND
          db: { roles: [database], interfaces: { eth0: { zone: servers, addresses: [10.1.0.5/24] } } }
          web: { roles: [app], interfaces: { eth0: { zone: servers, addresses: [10.1.0.6/24] } } }
          pc: { roles: [desk], interfaces: { eth0: { zone: people, addresses: [10.2.0.5/24] } } }
        services: { one: tcp/1, two: tcp/2, way-in: tcp/3 }
        firewall:
          defences: { bogons: false }

        """
    private static let second = """
        inner:
            roles: [router]
            interfaces:
              up: { zone: people, addresses: [10.2.0.2/24] }
              down: { zone: servers, addresses: [10.1.0.2/24] }
        """
    /// All their networks are of 256 addresses.
    private static let strangers: [[String]] = [
        ["10.2.0.77"], ["10.2.0.9"], ["10.1.0.9"], ["198.51.100.77"], ["8.8.8.8"], ["198.51.100.1", "8.8.8.1"],
    ]
    private static let hosts = ["gate", "db", "web", "pc"]
    private static let words = [
        "gate", "db", "web", "pc", "guests", "servers", "partner", "internet", "any", "10.2.0.0/24", "10.1.0.9",
        "8.8.8.8", "database", "198.51.100.2",
    ]

    private struct Lines {
        var generator: Seeded
        let hasSecond: Bool

        mutating func one(_ words: [String]) -> String { words[Int.random(in: 0..<words.count, using: &generator)] }
        mutating func chance(_ of: Int) -> Bool { Int.random(in: 1...of, using: &generator) == 1 }

        mutating func ends() -> String {
            let all = SiteWorldTests.words + (hasSecond ? ["inner", "10.2.0.2"] : [])
            let services = chance(4) ? "" : ", services: [\(one(["one", "two", "way-in", "one, two"]))]"
            return "from: [\(one(all))\(chance(3) ? ", " + one(all) : "")], to: [\(one(all))]\(services)"
        }

        mutating func section(_ name: String, _ lines: [String]) -> String {
            lines.isEmpty ? "" : "  \(name):\n" + lines.map { "    - { \($0) }\n" }.joined()
        }

        mutating func text() -> String {
            func some(_ most: Int, _ line: (inout Lines) -> String) -> [String] {
                (0..<Int.random(in: 0...most, using: &generator)).map { _ in line(&self) }
            }
            let allow = some(5) {
                $0.ends() + ($0.chance(5) ? ", in: \($0.one(["people", "servers", "outside"]))" : "")
            }
            let deny = some(2) {
                $0.chance(2) ? $0.ends() : "from: \($0.one(SiteWorldTests.words)), to: gate, services: way-in"
            }
            let masquerade = some(2) {
                "from: \($0.one(["guests", "10.2.0.0/24", "any", "pc", "servers"])), "
                    + "out: \($0.one(["outside", "servers", "people"]))"
            }
            let forward = some(2) {
                "from: \($0.one(["internet", "any", "partner", "guests"])), service: \($0.one(["one", "way-in"])), "
                    + "to: \($0.one(["db", "web", "pc", "gate", "10.1.0.9"]))"
                    + ($0.chance(2) ? ", port: \($0.one(["1", "2"]))" : "")
                    + ($0.chance(3) ? ", in: \($0.one(["people", "servers"]))" : "")
            }
            let head = SiteWorldTests.head.replacing("SECOND\n", with: hasSecond ? SiteWorldTests.second + "\n" : "\n")
            return head + section("allow", allow) + section("deny", deny) + section("masquerade", masquerade)
                + section("forward", forward) + section("never", some(3) { $0.ends() })
                + section("exactly", some(1) { $0.ends() })
        }
    }

    @Test("what is proved is so, whichever way packets take, and what is broken is shown to be")
    func agree() throws {
        let seed = Soak.drawnSeed(of: "claims and the world")
        var lines = Lines(generator: Seeded(state: seed), hasSecond: false)
        var (counts, judged): ([ProofAnswer: Int], Int) = ([:], 0)
        for number in 0..<40 {
            lines = Lines(generator: lines.generator, hasSecond: number % 3 == 0)
            let text = lines.text()
            let outcome = SiteFile.parse(bytes: Array(text.utf8), name: "site.yaml")
            guard let model = outcome.model, !outcome.hasErrors else { continue }
            let intent = Intent(of: model)
            let strangers = try Self.strangers.map { addresses in
                try addresses.map { InterfaceAddress(try #require(IPAddress($0)), prefixLength: 24) }
            }
            let world = SiteWorld(model, intent, strangers: strangers)
            let proofs = ClaimProver(SiteHosts(intent, of: model)).prove(intent.claims)
            for proof in proofs { counts[proof.answer, default: 0] += 1 }
            for one in Connection.all(in: world) {
                let end = world.send(from: one.source, to: one.destination, port: one.port, &lines.generator)
                for proof in proofs where proof.answer == .proved {
                    judged += 1
                    guard let problem = Self.problem(proof.claim, one, end, world) else { continue }
                    let claim = "\(proof.claim.kind) \(proof.claim.id)"
                    Issue.record("seed \(seed), site \(number): \(claim) is proved, \(one) \(problem)\n\(text)")
                    return
                }
            }
        }
        print("claims and the world: \(counts), \(judged) judged")
        #expect((counts[.proved] ?? 0) > 20 && (counts[.refuted] ?? 0) > 20, "seed \(seed): \(counts)")
    }

    private struct Connection: CustomStringConvertible {
        let source: IPAddress
        let destination: IPAddress
        let port: UInt16

        var description: String { "\(source) to \(destination) port \(port)" }

        /// From every address of a world to every other, to four ports.
        static func all(in world: SiteWorld) -> [Connection] {
            let places: [IPAddress] = world.machines.flatMap(\.interfaces).flatMap(\.addresses).map(\.address)
            return places.flatMap { source in
                places.filter { $0 != source }.flatMap { destination in
                    (UInt16(1)...4).map { Connection(source: source, destination: destination, port: $0) }
                }
            }
        }
    }

    /// How what became of a connection breaks a claim; nil when it does not.
    private static func problem(
        _ claim: Claim,
        _ connection: Connection,
        _ end: SiteWorld.End,
        _ world: SiteWorld
    ) -> String? {
        let (source, destination, port) = (connection.source, connection.destination, connection.port)
        // What a machine says to itself is no connection of a claim.
        if world.machines.contains(where: { $0.bears(source) && $0.bears(destination) }) { return nil }
        func isMeant(_ destination: IPAddress, _ port: UInt16, _ traffic: TrafficSet) -> Bool {
            claim.sources.contains(source) && claim.destinations.contains(destination)
                && traffic.contains(.tcp, detail: port)
        }
        let refused = claim.kind == .never ? claim.traffic : claim.scope.subtracting(claim.traffic)
        switch end {
        case .delivered(let machine, let packet, let isDecided):
            guard claim.kind != .allow, isDecided, !machine.bears(source) else { return nil }
            if isMeant(destination, port, refused) { return "arrives at \(machine.name)" }
            if isMeant(packet.destination, packet.detail, refused) {
                return "arrives at \(machine.name) port \(packet.detail)"
            }
            return nil
        case .stopped(let rule):
            guard claim.kind != .never, !claim.isBoundToInterfaces, isMeant(destination, port, claim.traffic) else {
                return nil
            }
            // A line that opens one end says nothing of the other.
            if claim.ends == .inwards, world.machines.contains(where: { $0.intent != nil && $0.bears(source) }) {
                return nil
            }
            // A line of `allow` yields to those of `deny`, and to what comes with the house.
            if let rule, rule.verdict != .accept {
                if claim.kind == .allow { return nil }
                if rule.origin != .written { return nil }
            }
            return "is stopped by \(rule?.id ?? "no rule")"
        case .lost: return nil
        }
    }
}
