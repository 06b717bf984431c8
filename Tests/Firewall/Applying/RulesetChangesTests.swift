import Firewall
import Glibc
import Linux
import Site
import Testing

/// What makes one ruleset of another and leaves what both have.
@Suite("Ruleset changes")
struct RulesetChangesTests {
    private let text = """
        table inet gatehouse {
            set admins {
                type ipv4_addr; flags interval
                elements = { 203.0.113.0/24, 198.51.100.7 comment "a, {b}" }
            }
            map verdicts {
                type inet_service : verdict
                elements = { 22 : jump x, 80 : accept }
            }
            chain x { counter accept comment "ssh line 4"; }
            chain input {
                type filter hook input priority filter; policy drop;
                iifname "lo" counter accept comment "loopback"
                tcp dport vmap @verdicts comment "ssh line 4, web line 5 and 2 more of lines 6-7"
                ip saddr @admins counter accept comment "admins line 8"
                counter comment "default"
            }
        }
        """

    private static let handles = ["x": [4], "input": [5, 6, 7, 8]]

    private func changes(to other: String, handles: [String: [Int]] = Self.handles) throws -> RulesetChanges? {
        try RulesetScript(text).changes(to: try RulesetScript(other), handles: handles)
    }

    @Test("a difference in elements alone is told as commands about elements")
    func elements() throws {
        let other = text.replacing("203.0.113.0/24", with: "192.0.2.0/24").replacing("80 : accept", with: "80 : drop")
        let changes = try #require(try changes(to: other))
        #expect(changes.isOfElementsAlone)
        #expect(
            changes.text == """
                delete element inet gatehouse admins { 203.0.113.0/24 }
                delete element inet gatehouse verdicts { 80 }
                add element inet gatehouse admins { 192.0.2.0/24 }
                add element inet gatehouse verdicts { 80 : drop }

                """
        )
    }

    @Test("lines of the site file that move are no difference; a rule's name is one")
    func lines() throws {
        let moved = text.replacing("line 4", with: "line 14").replacing("of lines 6-7", with: "of line 16")
        #expect(try changes(to: moved) == (try changes(to: text)))
        #expect(try changes(to: moved)?.text == "")
        let renamed = try #require(try changes(to: text.replacing("admins line", with: "staff line")))
        #expect(
            renamed.text == """
                delete rule inet gatehouse input handle 7
                insert rule inet gatehouse input handle 8 ip saddr @admins counter accept comment "staff line 8"

                """
        )
        #expect(!renamed.isOfElementsAlone)
    }

    @Test("rules come and go one by one; a set that is declared differently comes anew, and with it who looks it up")
    func rules() throws {
        let more = text.replacing(#"counter comment "default""#, with: "counter drop\ncounter\ncounter log")
        #expect(
            try changes(to: more)?.text == """
                delete rule inet gatehouse input handle 8
                add rule inet gatehouse input counter drop
                add rule inet gatehouse input counter
                add rule inet gatehouse input counter log

                """
        )
        #expect(
            try changes(to: text.replacing("flags interval", with: "size 9"))?.text == """
                delete rule inet gatehouse input handle 7
                delete set inet gatehouse admins
                add set inet gatehouse admins { type ipv4_addr; size 9; }
                add element inet gatehouse admins { 203.0.113.0/24, 198.51.100.7 comment "a, {b}" }
                insert rule inet gatehouse input handle 8 ip saddr @admins counter accept comment "admins line 8"

                """
        )
        let renamed = text.replacing("chain x", with: "chain y").replacing("jump x", with: "jump y")
        #expect(
            try changes(to: renamed)?.text == """
                flush chain inet gatehouse x
                delete element inet gatehouse verdicts { 22 }
                delete chain inet gatehouse x
                add chain inet gatehouse y
                add element inet gatehouse verdicts { 22 : jump y }
                add rule inet gatehouse y counter accept comment "ssh line 4"

                """
        )
    }

    @Test("a set that packets fill comes anew when its limit is another, and stays when that is the same")
    func limits() throws {
        let limited = """
            table inet gatehouse {
                set known { type ipv4_addr; size 65536; flags dynamic,timeout; timeout 61s; }
                chain input {
                    type filter hook input priority filter; policy drop;
                    tcp dport 22 update @known { ip saddr limit rate over 5/minute burst 5 packets } counter drop
                    tcp dport 22 counter accept
                }
            }
            """
        let script = try RulesetScript(limited)
        func changes(_ old: String, _ new: String) throws -> String? {
            script.changes(to: try RulesetScript(limited.replacing(old, with: new)), handles: ["input": [5, 6]])?.text
        }
        #expect(
            try changes("over 5/minute", "over 6/minute") == """
                delete rule inet gatehouse input handle 5
                delete set inet gatehouse known
                add set inet gatehouse known { type ipv4_addr; size 65536; flags dynamic,timeout; timeout 61s; }
                insert rule inet gatehouse input handle 6 tcp dport 22 update @known { ip saddr limit rate over \
                6/minute burst 5 packets } counter drop

                """
        )
        #expect(
            try changes("dport 22 update", "dport { 22, 23 } update") == """
                delete rule inet gatehouse input handle 5
                insert rule inet gatehouse input handle 6 tcp dport { 22, 23 } update @known { ip saddr limit rate over \
                5/minute burst 5 packets } counter drop

                """
        )
    }

    @Test("what cannot be changed in parts, or is not what is held, is not")
    func whole() throws {
        #expect(try changes(to: text.replacing("policy drop", with: "policy accept")) == nil)
        #expect(try changes(to: text.replacing("inet gatehouse", with: "inet other")) == nil)
        #expect(try changes(to: text, handles: ["x": [4], "input": [5, 6, 7]]) == nil)
    }

    /// A set and a map of addresses that have these numbers, and rules that ask them.
    private static func many(_ numbers: Range<Int>, flags: String = "interval", port: Int = 22) -> String {
        let addresses = numbers.map { "10.\($0 / 250).\($0 % 250).1" }
        return """
            table inet gatehouse {
                set many {
                    type ipv4_addr; flags \(flags)
                    elements = { \(addresses.joined(separator: ", ")) }
                }
                map ways {
                    type ipv4_addr : verdict; flags \(flags)
                    elements = { \(addresses.map { "\($0) : goto port_\(port)" }.joined(separator: ", ")) }
                }
                chain port_\(port) { tcp dport \(port) counter accept; }
                chain input {
                    type filter hook input priority filter; policy drop;
                    ip saddr @many counter accept
                    ip saddr vmap @ways
                }
            }
            """
    }

    @Test("a set of intervals that loses many comes anew, which is less work than to take them out")
    func manyElements() throws {
        func changes(_ numbers: Range<Int>, flags: String = "interval") throws -> RulesetChanges {
            let scripts = try [0..<3000, numbers].map { try RulesetScript(Self.many($0, flags: flags)) }
            return try #require(scripts[0].changes(to: scripts[1], handles: ["port_22": [7], "input": [8, 9]]))
        }
        let some = try changes(10..<3010)
        #expect(some.text.hasPrefix("delete element inet gatehouse many { 10.0.0.1, ") && !some.text.contains("flush"))
        let most = try changes(1000..<4000)
        let lines = most.text.split(separator: "\n")
        #expect(
            lines.prefix(6) == [
                "delete rule inet gatehouse input handle 8", "delete rule inet gatehouse input handle 9",
                "delete set inet gatehouse many", "delete map inet gatehouse ways",
                "add set inet gatehouse many { type ipv4_addr; flags interval; }",
                "add map inet gatehouse ways { type ipv4_addr : verdict; flags interval; }",
            ]
        )
        #expect(lines.count == 8 + 2 * 3000 / 50 && !most.isOfElementsAlone && !most.text.contains("flush"))
        #expect(lines.dropFirst(6).dropLast(2).allSatisfy { $0.hasPrefix("add element ") })
        #expect(lines.suffix(2).allSatisfy { $0.hasPrefix("add rule inet gatehouse input ip saddr ") })
        // What the kernel knows more of than the elements, or finds without going through all, is not put in anew.
        for flags in ["interval,timeout", "timeout"] {
            #expect(try changes(1000..<4000, flags: flags).isOfElementsAlone, "\(flags)")
        }
    }

    @Test(
        "the kernel takes a set that comes anew with many elements, and who looks it up",
        .enabled(if: ScratchNetwork.isAvailable, "no network namespace")
    )
    func manyElementsLoad() throws {
        let folder = "/tmp/gatehouse-ruleset-changes-\(getpid())-many"
        try FileWriting.createFolder(folder)
        defer { FileWriting.removeFolder(folder, first: "old.nft") }
        let texts = [Self.many(0..<3000), Self.many(1000..<4000, port: 23)]
        try Self.write(texts[0], "\(folder)/old.nft")
        try Self.write(texts[1], "\(folder)/new.nft")
        let scripts = try texts.map { try RulesetScript($0) }
        try #require(try ScratchNetwork.run("nft -f old.nft && nft -nj list ruleset > old.json", in: folder))
        let handles = try Self.listing("\(folder)/old.json").ownHandles
        let changes = try #require(scripts[0].changes(to: scripts[1], handles: handles))
        try Self.write(changes.text, "\(folder)/changes.nft")
        try #require(
            try ScratchNetwork.run(
                """
                nft -f old.nft && nft -f changes.nft && nft -nj list ruleset > changed.json \
                    && nft flush ruleset && nft -f new.nft && nft -nj list ruleset > new.json
                """,
                in: folder
            ),
            "the kernel does not take it"
        )
        let changed = try Self.listing("\(folder)/changed.json")
        #expect(changed.text == (try Self.listing("\(folder)/new.json")).text)
    }

    /// Numbers for the rules of a script, as if the kernel had given them.
    private static func handles(_ script: RulesetScript) -> [String: [Int]] {
        var handles: [String: [Int]] = [:]
        for block in script.tables.flatMap(\.blocks) where !block.rules.isEmpty {
            handles[block.name] = Array(1...block.rules.count)
        }
        return handles
    }

    private static func changes(from old: HostIntent, to new: HostIntent) throws -> RulesetChanges {
        let scripts = try [old, new].map { try RulesetScript(Compiler.compile($0).text().text) }
        return try #require(scripts[0].changes(to: scripts[1], handles: handles(scripts[0])))
    }

    @Test("networks grow and shrink by elements; only one that stands in the rule itself does not")
    func networks() throws {
        /// Two rules about two networks of so many prefixes, one of them with an exception.
        func host(_ count: UInt32) -> HostIntent {
            func match(_ first: UInt32, _ port: UInt16) -> PacketMatch {
                var match = PacketMatch()
                // Every second /24, so that they stay apart.
                let networks = (0..<count).map { IPNetwork(containing: .v4(first + $0 << 9), prefixLength: 24) }
                match.sources = AddressSet(networks)
                match.traffic = TrafficSet(.tcp, details: port...port)
                return match
            }
            var host = HostIntent(host: "app-01")
            host.input = [
                IntentRule(id: "bad", .written, .drop, matches: [match(0xCB00_0000, 22)]),
                IntentRule(id: "office", .written, .accept, matches: [match(0xC633_0000, 22)]),
                IntentRule(id: "shop", .written, .accept, matches: [match(0xC633_0000, 443)]),
            ]
            return host
        }
        for count: UInt32 in 2...12 {
            let grown = try Self.changes(from: host(count), to: host(count + 1))
            #expect(grown.isOfElementsAlone && !grown.text.contains("delete element"), "\(count) and one more")
            #expect(try Self.changes(from: host(count + 1), to: host(count)).isOfElementsAlone, "and one less")
        }
        #expect(try !Self.changes(from: host(1), to: host(2)).isOfElementsAlone)
    }

    @Test(
        "the kernel makes the new ruleset of the old one, whatever the two are",
        .enabled(if: ScratchNetwork.isAvailable, "no network namespace")
    )
    func random() throws {
        var random = RandomIntent(seed: Soak.seed)
        var sums = (kept: 0, all: 0)
        for number in 0..<12 {
            let old = random.intent(rules: 3 + number)
            var new = old
            let others = random.intent(rules: 4)
            for path in [\HostIntent.input, \.forward, \.output] {
                for index in new[keyPath: path].indices where new[keyPath: path][index].origin == .written {
                    new[keyPath: path][index].position = SourcePosition(line: 10 + index, column: 7)
                }
                if !new[keyPath: path].isEmpty {
                    let place = random.number(0...new[keyPath: path].count - 1)
                    new[keyPath: path].remove(at: place)
                }
                for var rule in others[keyPath: path].prefix(random.number(0...2)) {
                    rule.id = "new-\(rule.id)"
                    new[keyPath: path].append(rule)
                }
            }
            let texts = [old, new].map { Compiler.compile($0).text().text }
            let folder = "/tmp/gatehouse-ruleset-changes-\(getpid())-\(number)"
            try FileWriting.createFolder(folder)
            defer { FileWriting.removeFolder(folder, first: "old.nft") }
            try Self.write(texts[0], "\(folder)/old.nft")
            try Self.write(texts[1], "\(folder)/new.nft")
            try #require(
                try ScratchNetwork.run("nft -f old.nft && nft -nj list ruleset > old.json", in: folder),
                "seed \(Soak.seed), pair \(number)"
            )
            let scripts = try texts.map { try RulesetScript($0) }
            let held = try Self.listing("\(folder)/old.json")
            let changes = try #require(scripts[0].changes(to: scripts[1], handles: held.ownHandles))
            try Self.write(changes.text, "\(folder)/changes.nft")
            let load = "nft -f old.nft && nft -f changes.nft && nft -nj list ruleset > changed.json"
            let isTaken = try ScratchNetwork.run(
                "\(load) && nft -f new.nft && nft -nj list ruleset > new.json",
                in: folder
            )
            guard isTaken else {
                Issue.record("seed \(Soak.seed), pair \(number): the kernel does not take:\n\(changes.text)")
                continue
            }
            let changed = try Self.listing("\(folder)/changed.json")
            #expect(changed.text == (try Self.listing("\(folder)/new.json")).text, "seed \(Soak.seed), pair \(number)")
            let (was, now) = (Set(held.ownHandles.values.joined()), Set(changed.ownHandles.values.joined()))
            sums.kept += was.intersection(now).count
            sums.all += was.count
        }
        print("seed \(Soak.seed): of \(sums.all) rules \(sums.kept) stayed")
        #expect(sums.kept * 2 > sums.all)
    }

    private static func write(_ text: String, _ path: String) throws {
        try FileWriting.replace(path, with: Array(text.utf8).span, mode: 0o600)
    }

    private static func listing(_ path: String) throws -> HeldListing {
        try #require(HeldListing(try FileReading.read(path, limit: 64 << 20)))
    }
}
