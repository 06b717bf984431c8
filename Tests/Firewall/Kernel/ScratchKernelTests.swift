import Firewall
import Foundation
import Linux
import Site
import Testing

/// Rulesets tried for real, in networks that go away.
@Suite("Scratch kernel")
struct ScratchKernelTests {
    /// Whether this machine lets the tests make a network at all.
    static let isPossible: Bool = {
        guard let workers = try? BuiltProgram.workers() else { return true }
        if case .unavailable(let why) = outcome(workers, "") {
            print("skipped: scratch kernel: \(why)")
            return false
        }
        return true
    }()

    enum Outcome: Equatable {
        case held(JSONValue)
        case refused(RulesetProblems)
        case unavailable(String)
    }

    static func outcome(_ workers: KernelProcess, _ text: String) -> Outcome {
        do throws(KernelFailure) {
            let bytes = try ScratchKernel(workers).hold(text)
            return .held(JSONValue(parsing: String(decoding: bytes, as: UTF8.self)) ?? .null)
        } catch {
            switch error {
            case .refused(let problems): return .refused(problems)
            case .unavailable(let why), .underway(let why): return .unavailable(why)
            }
        }
    }

    private func outcome(_ text: String) throws -> Outcome {
        Self.outcome(try BuiltProgram.workers(), text)
    }

    private func problems(_ text: String) throws -> [RulesetProblem] {
        guard case .refused(let problems) = try outcome(text) else { return [] }
        return problems.list
    }

    private static let sample = """
        add table inet gatehouse
        delete table inet gatehouse
        table inet gatehouse {
            set admins {
                type ipv4_addr
                flags interval
                elements = { 203.0.113.0/24,
                             198.51.100.7 }
            }
            chain services {
                tcp dport { 80, 443 } accept comment "web line 4"
            }
            chain input {
                type filter hook input priority filter; policy drop;
                iifname "eth0" ip saddr @admins tcp dport vmap { 22 : accept, 443 : jump services }
            }
        }
        """

    @Test(
        "what is loaded is read back, with numbers as numbers, though its interfaces are not there",
        .enabled(if: isPossible)
    )
    func holds() throws {
        guard case .held(let json) = try outcome(Self.sample) else {
            Issue.record("\(try outcome(Self.sample))")
            return
        }
        let entries = json["nftables"]?.items ?? []
        let rules = entries.compactMap { $0["rule"] }
        #expect(rules.count == 2)
        #expect(rules.compactMap { $0["comment"]?.text } == ["web line 4"])
        #expect(rules.contains { $0.line.contains(#""set":[80,443]"#) })
        #expect(entries.compactMap { $0["chain"]?["prio"]?.integer } == [0])
        #expect(entries.compactMap { $0["set"]?["elem"]?.items.count } == [2])
    }

    @Test(
        "a refusal names the line",
        .enabled(if: isPossible),
        arguments: [
            // What the parser finds, and what only the kernel does.
            ("table inet gatehouse {\n chain c {\n  tcp dport 70000 accept\n }\n}\n", 3),
            ("table inet gatehouse {\n chain c {\n  jump nowhere\n }\n}\n", 3),
            ("table inet gatehouse {\n chain c {\n  type filter hook input priority 0\n  masquerade\n }\n}\n", 4),
            ("table inet gatehouse {\n chain c {\n }\n}\nadd rule inet gatehouse d accept\n", 5),
        ]
    )
    func refuses(text: String, line: Int) throws {
        let found = try problems(text)
        #expect(found.first?.line == line, "\(found)")
        #expect(found.first?.message.isEmpty == false)
    }

    @Test("a loop of jumps, which `nft -c` lets pass, is refused", .enabled(if: isPossible))
    func loop() throws {
        let text = """
            table inet gatehouse {
                chain a { }
                chain b { jump a; }
                chain input { type filter hook input priority 0; jump a; }
            }
            add rule inet gatehouse a jump b
            """
        #expect(try !problems(text).isEmpty)
    }

    @Test("JSON is not taken for text, and a zero byte ends nothing early", .enabled(if: isPossible))
    func notText() throws {
        #expect(try !problems(#"{"nftables": [{"add": {"table": {"family": "inet", "name": "x"}}}]}"#).isEmpty)
        #expect(try problems("add table inet x\n\u{0}nonsense").first?.message.contains("zero byte") == true)
    }

    @Test(
        "one kernel tries ruleset after ruleset, each in a network of its own, also after a refusal",
        .enabled(if: isPossible)
    )
    func oneAfterAnother() throws {
        let kernel = ScratchKernel(try BuiltProgram.workers())
        func tables(_ text: String) throws -> [String] {
            let held = JSONValue(parsing: String(decoding: try kernel.hold(text), as: UTF8.self)) ?? .null
            return (held["nftables"]?.items ?? []).compactMap { $0["table"]?["name"]?.text }
        }
        #expect(try tables("add table inet first") == ["first"])
        #expect(try tables("add table inet second") == ["second"])
        #expect(throws: KernelFailure.self) { try kernel.hold("add table inet third\nnonsense") }
        #expect(try tables("") == [])
    }

    @Test("several threads ask one kernel, and each gets its own answer", .enabled(if: isPossible))
    func atOnce() throws {
        let kernel = ScratchKernel(try BuiltProgram.workers())
        let answers = Parallel.map(Array(0..<12)) { number in
            (try? kernel.hold("add table inet t\(number)")).map { String(decoding: $0, as: UTF8.self) } ?? "nothing"
        }
        for (number, answer) in answers.enumerated() { #expect(answer.contains("\"t\(number)\""), "\(answer)") }
        // The other threads have ended, and their workers with them.
        for _ in 0..<3 { _ = try kernel.hold("add table inet t") }
    }

    @Test("a refusal is told with the rule that its line was compiled from")
    func ruleOfLine() {
        let said = """
            /proc/self/fd/5:3:7-11: Error: Could not process rule: No such file or directory
              jump nowhere
                   ^^^^^^^
            """
        let problems = RulesetProblems(parsing: said)
        let message = "Could not process rule: No such file or directory"
        #expect(problems.list == [RulesetProblem(line: 3, message: message)])
        #expect(problems.described { $0 == 3 ? "office" : nil } == "rule office, line 3 of the ruleset: \(message)")
        #expect(RulesetProblems(parsing: "").list.count == 1)
        #expect(RulesetProblems(parsing: "internal:0:0-0: Error: Could not process rule").list[0].line == nil)
    }

    @Test("a worker that does not answer in time is ended, and one that cannot be started is said")
    func hangs() throws {
        let slow = KernelProcess(program: "/bin/sh", arguments: ["sh", "-c", "exec sleep 100", "x"], seconds: 1)
        #expect(throws: KernelFailure.self) { try ScratchKernel(slow).hold("") }
        let missing = KernelProcess(program: "/nonexistent")
        #expect(throws: KernelFailure.self) { try ScratchKernel(missing).hold("") }
    }
}
