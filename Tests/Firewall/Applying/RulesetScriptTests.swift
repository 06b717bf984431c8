import Firewall
import Site
import Testing

@Suite("Ruleset script")
struct RulesetScriptTests {
    private let text = """
        add table inet gatehouse   # first
        delete table inet gatehouse
        table inet gatehouse {
            set admins {
                type ipv4_addr; flags interval
                elements = { 203.0.113.0/24,
                             198.51.100.7 comment "a, {b}" }
            }
            map verdicts {
                type inet_service : verdict
                elements = { 22 : jump x, 80 : accept }
            }
            chain x { accept; }
            chain input {
                type filter hook input priority filter; policy drop;
                tcp dport { 80,
                    443 } accept comment "web; {line 4} # 1"
                tcp dport vmap @verdicts
            }
        }
        """

    @Test("statements keep their lines; braces, quotes and comments are understood")
    func takesApart() throws {
        let script = try RulesetScript(text)
        #expect(script.commands.map(\.text) == ["add table inet gatehouse", "delete table inet gatehouse"])
        let table = try #require(script.tables.first)
        #expect(table.blocks.map(\.name) == ["admins", "verdicts", "x", "input"])
        #expect(table.blocks[0].elements.map(\.text) == ["203.0.113.0/24", #"198.51.100.7 comment "a, {b}""#])
        #expect(table.blocks[3].statements.map(\.line) == [15, 15, 16, 18])
        #expect(table.blocks[3].statements[2].text == #"tcp dport { 80, 443 } accept comment "web; {line 4} # 1""#)
    }

    @Test("pieces say where each line comes from, and declare before they refer")
    func pieces() throws {
        let pieces = try RulesetScript(text).pieces(of: 3)
        #expect(pieces.count == 4)
        let lines = pieces.flatMap { $0.text.split(separator: "\n").map(String.init) }
        #expect(lines.count == pieces.flatMap(\.lines).count)
        let chain = try #require(lines.firstIndex { $0.hasPrefix("add chain inet gatehouse x") })
        let map = try #require(lines.firstIndex { $0.hasPrefix("add map") })
        #expect(chain < map)
        #expect(lines.last == "add rule inet gatehouse input tcp dport vmap @verdicts")
        #expect(pieces.last?.lines.last == 18)
    }

    @Test(
        "text that does not close what it opens is refused with a line",
        arguments: ["table inet x {", "a { b {\n", "x \"y", "}"]
    )
    func broken(text: String) {
        #expect(throws: RulesetScriptError.self) { try RulesetScript(text) }
    }

    @Test("random changes of the text never trap")
    func random() {
        var random = Seeded(state: Soak.drawnSeed(of: "changed rulesets"))
        let bytes = Array(text.utf8)
        for _ in 0..<2_000 {
            var copy = bytes
            for _ in 0..<3 {
                let place = Int.random(in: 0..<copy.count, using: &random)
                copy[place] = UInt8.random(in: 0...127, using: &random)
            }
            if let script = try? RulesetScript(String(decoding: copy, as: UTF8.self)) {
                _ = script.pieces()
            }
        }
    }
}
