import Firewall
import Glibc
import Linux
import Site
import Testing

/// Real packets through a router that changes addresses: where they end and with which addresses is what a plain walk
/// through the policy says, and no ruleset is called wrong that does so, nor right that does not.
///
/// `GATEHOUSE_SOAK_RULESETS` and `GATEHOUSE_SOAK_SENT` make it longer, `GATEHOUSE_SOAK_SEED` repeats a run.
@Suite("Real packets through changed addresses", .enabled(if: WiredHost.isPossible))
struct TranslationTests {
    private struct Round {
        let intent: HostIntent
        var packets: [(packet: Packet, segment: Int, end: WiredWalk.End?)] = []
    }

    @Test("end where the policy says, with the addresses that it says")
    func ends() throws {
        let seed = Soak.seed
        print("changed addresses: seed \(seed)")
        let rounds = Self.rounds(seed)
        let folder = "/tmp/gatehouse-changed-addresses-\(getpid())-\(seed)"
        try FileWriting.createFolder(folder)
        defer { FileWriting.removeFolder(folder, first: "plan.json") }
        var plan: [JSONValue] = []
        for (number, round) in rounds.enumerated() {
            let text = Array(Compiler.compile(round.intent).text().text.utf8)
            try FileWriting.replace("\(folder)/\(number).nft", with: text.span, mode: 0o600)
            plan.append(
                .object([
                    .init("ruleset", .string("\(number).nft")), .init("translates", .boolean(true)),
                    .init("packets", .array(round.packets.map { $0.packet.order(segment: $0.segment) })),
                ])
            )
        }
        let written = Array(JSONValue.array(plan).line.utf8)
        try FileWriting.replace("\(folder)/plan.json", with: written.span, mode: 0o600)
        #expect(try WiredHost.end(of: [WiredHost.tool, folder], seconds: 600) == .exited(0), "seed \(seed)")
        let answers = JSONValue(parsing: String(decoding: try Self.read("\(folder)/results.json"), as: UTF8.self))
        var (changed, proved) = (0, 0)
        for (number, round) in rounds.enumerated() {
            let fates = try #require(answers?.items[number]).items.map(\.text)
            try #require(fates.count == round.packets.count)
            for (fate, sent) in zip(fates, round.packets) {
                let found = fate == "refused" ? nil : fate
                if let end = sent.end, end.destination != sent.packet.destination || end.source != sent.packet.source {
                    changed += 1
                }
                guard found != sent.end?.text else { continue }
                Issue.record(
                    """
                    seed \(seed), ruleset \(number): \(sent.packet) ends as \(fate ?? "dropped"), and should as \
                    \(sent.end?.text ?? "dropped")\n\(Compiler.compile(round.intent).text().text)
                    """
                )
                return
            }
            let held = try HeldRuleset(json: try Self.read("\(folder)/held-\(number).json"))
            let proof = HostProof(round.intent, against: held)
            #expect(proof.answer != .refuted, "seed \(seed), ruleset \(number): \(proof)")
            if proof.answer == .proved { proved += 1 }
            // A ruleset that changes something else is not proved to be this one.
            var other = round.intent
            // One that keeps packets may keep none that another would change.
            let places = other.translations.indices.filter { other.translations[$0].kind != .unchanged }
            guard let place = places.last else { continue }
            other.translations.insert(Self.elsewhere(other.translations.remove(at: place)), at: 0)
            #expect(HostProof(other, against: held).answer != .proved, "seed \(seed), ruleset \(number)")
        }
        print("changed addresses: \(changed) packets changed, \(proved) of \(rounds.count) rulesets proved")
        #expect(changed > 0 && proved > rounds.count / 2, "seed \(seed)")
    }

    /// The same packets, led to what no random change leads to.
    private static func elsewhere(_ translation: Translation) -> Translation {
        switch translation.kind {
        case .destination(let address, let port):
            let other: IPAddress = address.width == 32 ? .v4(0x0A00_FF77) : .v6(0x2001_0DB8 << 96 | 0xFF77)
            return Translation(id: translation.id, match: translation.match, .destination(other, port: port))
        case .source(let address) where address.width == 128:
            return Translation(id: translation.id, match: translation.match, .source(.v6(0x2001_0DB8_FFFF << 80 | 9)))
        case .masquerade, .source, .unchanged:
            return Translation(id: translation.id, match: translation.match, .source(.v4(0x0AFF_0007)))
        }
    }

    // MARK: - Random rulesets

    private static func rounds(_ seed: UInt64) -> [Round] {
        var (intents, packets, generator) = (RandomIntent(seed: seed), RealPackets(seed: seed), Seeded(state: seed))
        var taken: Set<String> = []
        return (0..<Soak.setting("GATEHOUSE_SOAK_RULESETS", usual: 12)).map { number in
            var round = Round(intent: router(intents.intent(rules: 3 + number % 6), &generator))
            let walk = WiredWalk(intent: round.intent)
            while round.packets.count < Soak.setting("GATEHOUSE_SOAK_SENT", usual: 120) {
                let (packet, segment) = packets.packet()
                let end = walk.end(of: packet)
                // Two connections that become one are told apart by their ports, or not at all.
                let place = end ?? .init(source: packet.source, destination: packet.destination, port: packet.detail)
                let ends = ["\(place.source) \(packet.sourcePort)", "\(place.destination) \(place.port)"]
                let name = "\(packet.protocolNumber) \(ends.sorted())"
                guard place.source != place.destination, taken.insert(name).inserted else { continue }
                round.packets.append((packet, segment, end))
            }
            return round
        }
    }

    /// The rules without what depends on more than one packet, and with changes of addresses; most packets may pass.
    private static func router(_ intent: HostIntent, _ generator: inout Seeded) -> HostIntent {
        var intent = intent
        for path in [\HostIntent.input, \.forward, \.output] {
            intent[keyPath: path].removeAll(where: isDefence)
            for index in intent[keyPath: path].indices {
                intent[keyPath: path][index].limit = nil
                intent[keyPath: path][index].expires = nil
            }
            var rest = PacketMatch()
            rest.states = .new
            intent[keyPath: path].append(IntentRule(id: "rest", .written, .accept, matches: [rest]))
        }
        // A packet of the host's own has no way back that could be missing, and no site asks for it.
        for rule in intent.output.indices {
            for match in intent.output[rule].matches.indices {
                intent.output[rule].matches[match].oddities.remove(.withoutReturnPath)
            }
        }
        intent.translations = (0..<Int.random(in: 1...4, using: &generator)).map { translation("t\($0)", &generator) }
        return intent
    }

    private static func isDefence(_ rule: IntentRule) -> Bool {
        if case .defence = rule.origin { true } else { false }
    }

    private static func translation(_ id: String, _ generator: inout Seeded) -> Translation {
        func chance(_ of: Int) -> Bool { Int.random(in: 1...of, using: &generator) == 1 }
        func address(_ isSix: Bool) -> IPAddress {
            let low = UInt32.random(in: 0...1023, using: &generator)
            return isSix ? .v6(0x2001_0DB8 << 96 | UInt128(low)) : .v4(0x0A00_0000 | low)
        }
        let isSix = chance(3)
        func some() -> AddressSet {
            guard !chance(3) else { return isSix ? AddressSet(v6: .all) : AddressSet(v4: .all) }
            let length = (isSix ? 118 : 22) + Int.random(in: 0...3, using: &generator)
            return AddressSet([IPNetwork(containing: address(isSix), prefixLength: length)])
        }
        var match = PacketMatch()
        (match.sources, match.destinations) = (some(), some())
        if chance(2) {
            let last = UInt16.random(in: 22...9000, using: &generator)
            match.traffic = TrafficSet(chance(2) ? .tcp : .udp, details: 0...last)
        }
        let interfaces = chance(2) ? InterfaceSet.any : .among([chance(2) ? "eth0" : "eth1"])
        if chance(2) {
            match.outputInterfaces = interfaces
            guard !isSix else { return Translation(id: id, match: match, .source(.v6(0x2001_0DB8_FFFF << 80 | 7))) }
            return Translation(id: id, match: match, chance(2) ? .masquerade : .source(.v4(0x0AFF_0009)))
        }
        match.inputInterfaces = interfaces
        if chance(3) { (match.oddities, match.destinations) = (.toOwnAddress, isSix ? AddressSet(v6: .all) : .all) }
        if chance(4) { return Translation(id: id, match: match, .unchanged) }
        return Translation(id: id, match: match, .destination(address(isSix), port: chance(2) ? 8080 : nil))
    }

    private static func read(_ path: String) throws -> [UInt8] { try FileReading.read(path, limit: 64 << 20) }
}
