import Firewall
import Site
import Testing

/// What is said of all hosts at once, against a world of machines and wires in which packets really go: through routers
/// that pass them on, send them elsewhere and change where they come from.
///
/// `GATEHOUSE_SOAK_SITES` asks more sites, `GATEHOUSE_SOAK_SEED` repeats a run.
@Suite("Claims and the world")
struct SiteWorldTests {
    private struct Lines {
        var generator: Seeded

        mutating func one(_ words: [String]) -> String { words[Int.random(in: 0..<words.count, using: &generator)] }
        mutating func chance(_ of: Int) -> Bool { Int.random(in: 1...of, using: &generator) == 1 }

        mutating func ends(_ words: [String]) -> String {
            let services = chance(4) ? "" : ", services: [\(one(["one", "two", "way-in", "one, two"]))]"
            return "from: [\(one(words))\(chance(3) ? ", " + one(words) : "")], to: [\(one(words))]\(services)"
        }

        mutating func section(_ name: String, _ lines: [String]) -> String {
            lines.isEmpty ? "" : "  \(name):\n" + lines.map { "    - { \($0) }\n" }.joined()
        }

        mutating func text(_ site: SiteTopology) -> String {
            func some(_ most: Int, _ line: (inout Lines) -> String) -> [String] {
                (0..<Int.random(in: 0...most, using: &generator)).map { _ in line(&self) }
            }
            let allow = some(6) { $0.ends(site.words) + ($0.chance(5) ? ", in: \($0.one(site.zones))" : "") }
            let deny = some(2) {
                $0.chance(2)
                    ? $0.ends(site.words)
                    : "from: \($0.one(site.words)), to: \($0.one(site.routers)), services: way-in"
            }
            let masquerade = some(2) {
                "from: \($0.one(["guests", "10.2.0.0/24", "any", "pc", "10.1.0.2"])), out: \($0.one(site.zones))"
            }
            let forward = some(2) {
                "from: \($0.one(["internet", "any", "partner", "guests", "10.1.0.2"])), "
                    + "service: \($0.one(["one", "way-in"])), to: \($0.one(site.targets))"
                    + ($0.chance(2) ? ", port: \($0.one(["1", "2"]))" : "")
                    + ($0.chance(3) ? ", in: \($0.one(site.zones))" : "")
            }
            return site.head + section("allow", allow) + section("deny", deny) + section("masquerade", masquerade)
                + section("forward", forward) + section("never", some(3) { $0.ends(site.words) })
                + section("exactly", some(1) { $0.ends(site.words) })
        }
    }

    /// - Parameter isBetween: whether a router is between two others.
    @Test(
        "what is proved is so, whichever way packets take, and what is broken is shown to be",
        arguments: [false, true]
    )
    func agree(isBetween: Bool) throws {
        let seed = Soak.drawnSeed(of: "claims and the world")
        var lines = Lines(generator: Seeded(state: seed))
        var (counts, judged): ([ProofAnswer: Int], Int) = ([:], 0)
        let usual = Soak.setting("GATEHOUSE_SOAK_SITES", usual: 60)
        for number in 0..<10 * usual {
            // Lines are drawn by lot: of few of some seeds' sites enough are broken.
            if number >= usual, (counts[.proved] ?? 0) > 20, (counts[.refuted] ?? 0) > 20 { break }
            let site =
                isBetween
                ? SiteTopology.drawnBetween(&lines.generator) : SiteTopology.drawn(&lines.generator)
            let text = lines.text(site)
            let outcome = SiteFile.parse(bytes: Array(text.utf8), name: "site.yaml")
            guard let model = outcome.model, !outcome.hasErrors else { continue }
            let intent = Intent(of: model)
            let strangers = try site.strangers.map { addresses in
                try addresses.map { InterfaceAddress(try #require(IPAddress($0)), prefixLength: 24) }
            }
            let world = SiteWorld(model, intent, strangers: strangers)
            let proofs = ClaimProver(SiteHosts(intent, of: model)).prove(intent.claims)
            for proof in proofs { counts[proof.answer, default: 0] += 1 }
            var roaming = world
            roaming.takesAnyWay = true
            for (one, world) in Connection.all(in: world).flatMap({ [($0, world), ($0, roaming)] }) {
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
            // What is to be let through is taken to go the usual way.
            guard !world.takesAnyWay, claim.kind != .never, !claim.isBoundToInterfaces,
                isMeant(destination, port, claim.traffic)
            else {
                return nil
            }
            // Which routers are between two strangers the site file does not say.
            let ends = world.machines.filter { $0.intent != nil && ($0.bears(source) || $0.bears(destination)) }
            if ends.isEmpty, world.machines.filter({ $0.intent != nil && $0.isRouter }).count > 1 { return nil }
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
