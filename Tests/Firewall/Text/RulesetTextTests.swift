import Firewall
import Site
import Testing

@Suite("The text of a ruleset")
struct RulesetTextTests {
    private static let intent = Golden.host {
        $0.input =
            Golden.start + [
                Golden.allow("web", line: 12) { $0.traffic = Golden.tcp(443) },
                Golden.allow("ssh", line: 14) {
                    $0.traffic = Golden.tcp(22)
                    $0.sources = Golden.scattered(9)
                },
                Golden.allow("dns", line: 15) { $0.traffic = Golden.udp(53) },
            ]
    }

    @Test("a line knows the rule that it was made of")
    func lines() throws {
        let text = Compiler.compile(Self.intent).text()
        let lines = text.text.split(separator: "\n", omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            guard let mark = line.range(of: "comment \"") else { continue }
            // What leads to several rules is no single one's.
            guard let owner = text.rule(ofLine: index + 1) else { continue }
            let comment = line[mark.upperBound...].prefix { $0 != "\"" && $0 != "," }
            #expect(owner.text == String(comment), "\(line)")
        }
        let network = try #require(lines.firstIndex { $0.contains("45.0.2.0/24") })
        #expect(text.rule(ofLine: network + 1)?.text == "ssh line 14")
        #expect(text.rule(ofLine: 0) == nil)
        #expect(text.rule(ofLine: lines.count + 1) == nil)
        #expect(text.rule(ofLine: 1) == nil)
    }

    @Test("a chain that several lead to is called by none of them")
    func names() throws {
        var shared = 0
        for host in Intent(of: try policySite("office-router.yaml")).hosts {
            let ruleset = Compiler.compile(host)
            var users: [String: Set<String>] = [:]
            for chain in ruleset.chains {
                for rule in chain.rules {
                    let verdicts: [Verdict?] =
                        switch rule.action {
                        case .verdict(let verdict): [verdict]
                        case .lookup(_, let elements): elements.map(\.verdict)
                        case .lookupNamed(_, let map):
                            ruleset.sets.first { $0.name == map }?.elements.map(\.verdict) ?? []
                        default: []
                        }
                    for case .goto(let target)? in verdicts { users[target, default: []].insert(chain.name) }
                }
            }
            for (name, chains) in users where chains.count > 1 && !name.hasPrefix("rule_") {
                #expect(name.contains("_shared"), "\(host.host): \(name) is reached from \(chains.sorted())")
                shared += 1
            }
        }
        #expect(shared > 0)
    }

    @Test("few rules of a router are a list, each line with its rule, and as much to read as a person reads")
    func router() throws {
        let intent = try #require(Intent(of: try policySite("office-router.yaml")).host("router"))
        let ruleset = Compiler.compile(intent)
        let list = try #require(ruleset.chains.first { $0.name == "forward_allow" })
        #expect(list.rules.count <= 32)
        // In the order of the policy.
        var order: [String] = []
        for rule in list.rules {
            let label = try #require(rule.label)
            if order.last != label.id { order.append(label.id) }
        }
        let written = intent.forward.map(\.id)
        #expect(order.count > 8 && order == written.filter(order.contains))
        let text = ruleset.text().text
        #expect(text.split(separator: "\n", omittingEmptySubsequences: false).count < 800)
        #expect(!text.contains("and more"))
    }

    @Test("of many rules a comment names the first, and says how many there are besides, and where")
    func manyRules() throws {
        func notes(_ count: Int) -> [String] {
            let rules = (1...count).map { number in
                Golden.allow("a-rather-long-name-\(number)", line: 10 + number) {
                    $0.traffic = Golden.tcp(UInt16(number))
                }
            }
            let text = Compiler.compile(Golden.host { $0.input = rules }).text().text
            return text.split(separator: "\n").compactMap { line in
                guard line.contains("jump input_allow"), let start = line.range(of: "comment \"") else { return nil }
                return String(line[start.upperBound...].dropLast())
            }
        }
        let named = (11...13).map { "a-rather-long-name-\($0 - 10) line \($0)" }.joined(separator: ", ")
        #expect(notes(3) == [named])
        #expect(notes(100) == [named + " and 97 more of lines 14-110"])
        #expect(notes(4) == [named + ", a-rather-long-name-4 line 14"])
        #expect(notes(5) == [named + " and 2 more of lines 14-15"])
        #expect(notes(2000).allSatisfy { $0.utf8.count <= 127 && $0.hasSuffix("of lines 14-2010") })
    }

    @Test("addresses, networks and ranges are written as people write them")
    func addresses() {
        let linkLocal: ClosedRange<UInt128> = 0xFE80 << 112...(0xFEC0 << 112) - 1
        let odd: ClosedRange<UInt128> = (1 << 112) + (5 << 16)...(1 << 112) + (9 << 16)
        let v4 = IntervalSet<UInt32>([1...3, 0x0A00_0000...0x0AFF_FFFF, 0xFFFF_FFFF...0xFFFF_FFFF])
        let v6 = IntervalSet<UInt128>([1...1, linkLocal, odd])
        let rule = Golden.deny("a", line: 1) { $0.sources = AddressSet(v4: v4, v6: v6) }
        let lines = Compiler.compile(Golden.host { $0.input = [rule] }).text().text
        let text = lines.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        #expect(text.contains("{ 0.0.0.1-0.0.0.3, 10.0.0.0/8, 255.255.255.255 }"))
        #expect(text.contains("{ ::1, 1::5:0-1::9:0, fe80::/10 }"), "\(text)")
    }

    /// What makes the ruleset of the one intent that of the other by elements alone; nil when rules differ.
    private static func change(from old: HostIntent, to new: HostIntent) throws -> String? {
        let scripts = try [old, new].map { try RulesetScript(Compiler.compile($0).text().text) }
        var handles: [String: [Int]] = [:]
        for block in scripts[0].tables[0].blocks where !block.rules.isEmpty {
            handles[block.name] = Array(1...block.rules.count)
        }
        let changes = try #require(scripts[0].changes(to: scripts[1], handles: handles))
        return changes.isOfElementsAlone ? changes.text : nil
    }

    @Test("a change of addresses is told as elements, and nothing else is")
    func elementChanges() throws {
        var changed = Self.intent
        changed.input[4].matches[0].sources = Golden.scattered(10)
        let change = try #require(try Self.change(from: Self.intent, to: changed))
        #expect(change.hasPrefix("add element inet gatehouse ") && change.contains("45.0.18.0/24"), "\(change)")
        #expect(try Self.change(from: Self.intent, to: Self.intent) == "")
        changed.input[4].limit = RuleLimit(connections: 3)
        #expect(try Self.change(from: Self.intent, to: changed) == nil)
    }

    @Test(
        "the kernel takes the change of elements",
        .enabled(if: ScratchNetwork.isAvailable, "no network namespace")
    )
    func elementChangesLoad() throws {
        var changed = Self.intent
        // One network shrinks, one grows: both overlap what they replace.
        changed.input[4].matches[0].sources = Golden.scattered(9).subtracting(Golden.addresses("45.0.0.128/25"))
            .union(Golden.addresses("45.0.3.0/24"))
        let change = try #require(try Self.change(from: Self.intent, to: changed))
        let problems = try ScratchNetwork.problems(
            loading: [("change", Compiler.compile(Self.intent).text().text)],
            then: change,
            asIf: Compiler.compile(changed).text().text
        )
        #expect(problems == [])
    }
}

extension Substring {
    fileprivate func range(of text: String) -> Range<Index>? {
        indices.first { self[$0...].hasPrefix(text) }.map { $0..<index($0, offsetBy: text.count) }
    }
}
