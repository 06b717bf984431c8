import Firewall
import Glibc
import Linux
import Site
import Testing

/// Rules in a real kernel that nft lists as if they asked for less, or for something else, than the kernel does.
@Suite("Rules that nft lists otherwise", .enabled(if: geteuid() == 0 && ScratchKernelTests.isPossible))
struct UnlistedRulesTests {
    /// Of a chain that drops what the rule does not accept; each with the family of its table.
    private static let doubtful = [
        ("inet", "tcp sport >= 443 tcp dport <= 443"), ("inet", "tcp sport < 1024 tcp dport > 2048"),
        ("inet", "tcp sport >= 20 tcp dport >= 22 tcp dport <= 23"),
        ("ip", "ip saddr >= 10.0.0.1 ip daddr <= 10.0.0.200"),
        ("inet", "meta l4proto >= 5 meta nfproto <= 10"), ("inet", "ct l3proto ipv6 tcp dport 22"),
        ("ip", "ct l3proto ipv6 ip saddr 10.0.0.0/8"), ("inet", "ether type ip ip saddr 10.0.0.0/8"),
        ("inet", "meta iiftype ether ip saddr 10.0.0.0/8"), ("inet", "meta iiftype ether meta nfproto ipv4"),
        ("ip", "ether type ip tcp dport 22"), ("ip", "meta protocol 8021q ip saddr 10.0.0.0/8"),
        ("inet", "meta l4proto 50 th dport { 22, 23 }"), ("inet", "meta l4proto 47 th dport 22"),
        ("inet", "meta l4proto 50 meta l4proto . th dport { tcp . 22, udp . 3 }"),
        ("ip", "ip saddr & 255.255.0.0 == 10.0.0.9"),
    ]

    private static let plain = [
        ("inet", "tcp dport 20-30"), ("inet", "ip saddr 10.0.0.1-10.0.0.10 tcp dport 20-30"),
        ("inet", "th sport 39999-40001 tcp dport != 30-40"), ("inet", "tcp dport >= 22"),
        ("inet", "ip saddr 10.0.0.0/8 tcp dport 22"), ("ip", "meta protocol ip tcp dport >= 20 tcp dport < 30"),
        ("inet", "meta l4proto { tcp, udp } th dport 22"), ("inet", "meta l4proto . th dport { tcp . 20-30, udp . 3 }"),
        ("inet", "meta l4proto tcp ip saddr 10.0.0.0/8 tcp dport { 22, 23 }"), ("ip", "ip protocol tcp tcp dport 22"),
    ]

    @Test("of what nft leaves out, or makes one of two, the kernel itself is asked")
    func asked() async {
        await #expect(processExitsWith: .success) {
            _ = try Namespaces.isolateNetwork()
            let kernel = LiveKernel(try BuiltProgram.workers())
            var packet = Packet(.input(by: "eth0"), from: .v4(0x0A00_0009), to: .v4(0x0A00_0001), .tcp, detail: 22)
            packet.sourcePort = 40000
            for (rules, expected) in [(Self.doubtful, [Outcomes.accept, .drop]), (Self.plain, [.accept])] {
                for (family, rule) in rules {
                    let chain = "type filter hook input priority filter; policy drop; \(rule) accept;"
                    try kernel.load("table \(family) other { chain c { \(chain) }; }\n")
                    let held = try kernel.held().ruleset()
                    let outcomes = HeldEvaluator(held).outcomes(packet)
                    #expect(outcomes == expected.reduce(into: Outcomes()) { $0.formUnion($1) }, "\(family): \(rule)")
                    let listed = try HeldRuleset(json: try kernel.json(.ruleset))
                    // A list alone is at least not proof of a range.
                    if rule.contains(">= 443") {
                        #expect(HeldEvaluator(listed).outcomes(packet) == [.accept, .drop])
                    }
                    try kernel.load("delete table \(family) other\n")
                }
            }
        }
    }

    @Test("of elements that count by several statements the kernel tells that there are more")
    func elements() async {
        await #expect(processExitsWith: .success) {
            _ = try Namespaces.isolateNetwork()
            let kernel = LiveKernel(try BuiltProgram.workers())
            try kernel.load(
                """
                table inet gatehouse {
                    set seen { type ipv4_addr; size 100; flags dynamic,timeout; timeout 1m; }
                    set six { type ipv6_addr; size 100; flags dynamic,timeout; timeout 1m; }
                    chain input {
                        type filter hook input priority filter; policy drop;
                        update @seen { ip saddr limit rate over 5/minute } drop
                        update @six { ip6 saddr limit rate over 5/minute } drop
                        accept
                    }
                }
                add element inet gatehouse seen { 192.0.2.1 limit rate over 5/minute }

                """
            )
            func miscounting() throws -> Set<String> {
                try kernel.held().text.tables["inet gatehouse"]?.miscounting ?? []
            }
            #expect(try miscounting() == [])
            let two = "limit rate over 5/minute limit rate over 9/second"
            try kernel.load("add element inet gatehouse seen { 192.0.2.2 \(two) }\n")
            try kernel.load("add element inet gatehouse seen { 192.0.2.3 limit rate over 5/minute }\n")
            try kernel.load("add element inet gatehouse six { 2001:db8::7 \(two) }\n")
            let found = try miscounting().sorted()
            #expect(found.count == 2 && found[0].hasPrefix("set seen: 192.0.2.2 "), "\(found)")
            #expect(found.last?.hasPrefix("set six: 2001:db8::7 ") == true, "\(found)")
            let words = "(by limit and limit, of which nft may list one alone)"
            #expect(found.allSatisfy { $0.contains(words) }, "\(found)")
        }
    }
}
