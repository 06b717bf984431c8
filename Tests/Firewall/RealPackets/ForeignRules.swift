/// Rulesets as other people and other programs write them: whatever nft takes, in tables of every family that packets of
/// IP pass, with all that may mislead a proof. In nft's language, since what is read back is what is tried.
struct ForeignRules {
    var generator: Seeded

    init(seed: UInt64) { generator = Seeded(state: seed) }

    /// One ruleset, of which a kernel may refuse some.
    mutating func text() -> String {
        var text = ""
        for number in 0..<number(1...3) { text += table("x\(number)", one(["inet", "inet", "inet", "ip", "ip6"])) }
        if chance(4) { text += device() }
        return text
    }

    // MARK: - Tables

    /// Sets that rules look into, one that packets fill, one of which elements end, and chains to jump to.
    private mutating func table(_ name: String, _ family: String) -> String {
        let bases = (0..<number(1...4)).map { base("b\($0)", family) }
        return """
            table \(family) \(name) {\(chance(12) ? " flags dormant;" : "")
            set s4 { type ipv4_addr; flags interval; elements = { 10.0.0.0/25, 10.0.2.7-10.0.3.9 }; }
            set s6 { type ipv6_addr; flags interval; elements = { 2001:db8::/121, 2001:db8::300-2001:db8::380 }; }
            set pairs { type ifname . inet_service; elements = { "eth0" . 22, "eth1" . 80, "eth0" . 443 }; }
            set ending { type ipv4_addr; flags interval,timeout; elements = { 10.0.0.0/24 timeout 1h }; }
            set filled { type inet_service; flags dynamic; size 100; }
            set full { type ipv4_addr; flags dynamic; size 1; elements = { 192.0.2.1 }; }
            map verdicts { type inet_service : verdict; flags interval; elements = { 0-60 : accept, 80 : drop }; }
            \((0..<3).map { chain("c\($0)", $0, family) }.joined())\(bases.joined())}

            """
    }

    private mutating func base(_ name: String, _ family: String) -> String {
        let place = one(Self.places)
        return "chain \(name) { \(place); policy \(chance(6) ? "drop" : "accept");\n" + rules(0, family, place) + "}\n"
    }

    private mutating func chain(_ name: String, _ index: Int, _ family: String) -> String {
        "chain \(name) {\n" + rules(index + 1, family, "") + "}\n"
    }

    private static let places: [String] = {
        var places = ["type route hook output priority -150"]
        for (hook, priorities) in [
            ("prerouting", [-450, -300, -200, -150, 0]), ("input", [-10, 0, 10]), ("forward", [-10, 0, 10]),
            ("output", [-300, -150, 0]), ("postrouting", [0, 100, 300]),
        ] {
            for priority in priorities { places.append("type filter hook \(hook) priority \(priority)") }
        }
        return places
    }()

    private mutating func device() -> String {
        let (hook, device) = (one(["ingress", "ingress", "egress"]), one(["eth0", "eth1"]))
        return "table netdev low { chain c { type filter hook \(hook) device \(device) priority 0; policy accept;\n"
            + "meta protocol != { ip, ip6 } accept\n" + rules(3, "netdev", hook) + "}\n}\n"
    }

    // MARK: - Rules

    /// - Parameter next: the first of the three chains that a rule may jump to; 3 for none.
    private mutating func rules(_ next: Int, _ family: String, _ place: String) -> String {
        (0..<number(1...6)).map { _ in
            let conditions = (0..<number(0...2)).map { _ in condition(family) }
            return (conditions + [action(next, family, place)]).joined(separator: " ") + "\n"
        }.joined()
    }

    private mutating func condition(_ family: String) -> String {
        var kinds = Self.anywhere
        if family != "ip6" { kinds += Self.four }
        if family != "ip" { kinds += Self.six }
        if family != "netdev" { kinds += Self.tracked }
        return one(kinds)
    }

    private static let anywhere = [
        "tcp dport 22", "tcp dport != 80", "tcp dport { 22, 400-9000 }", "udp dport >= 53", "th dport 443",
        "th sport < 2000", "meta l4proto tcp", "meta l4proto != { tcp, udp }", "meta l4proto 47", "meta mark 0",
        "meta mark != 5", "tcp flags syn", "tcp flags & (syn | ack) == syn", "tcp flags ! syn,rst",
        "tcp flags & (fin | syn | rst | ack) != syn", "tcp flags { syn, syn | ack }", "tcp flags & (syn | ack) != 0",
        "meta length < 60", "meta protocol ip", "meta protocol != ip6", "@th,16,16 80", "meta pkttype host",
        "tcp option maxseg size < 536", "tcp option maxseg size 1460", "tcp option sack-perm exists",
        "iifname \"eth0\"",
        "iifname != \"eth0\"", "oifname \"eth*\"", "oifname != \"eth1\"", "iifname \"e*\"",
        "iif \"eth1\"", "oif != \"eth0\"", "oif 0", "oif != 0", "iif 0", "oif 0-5", "iif { 0, 1 }", "iif > 1",
        "oif . tcp dport { 0 . 22, 0 . 80 }",
        "meta hour >= \"00:00\"",
    ]
    private static let four = [
        "ip saddr 10.0.0.0/23", "ip saddr != 10.0.2.0/24", "ip daddr { 10.0.0.1-10.0.0.90, 10.0.2.0/25 }",
        "ip protocol tcp",
        "ip protocol != udp", "ip ttl 64", "ip ttl < 64", "ip frag-off & 0x1fff == 0", "ip length > 40", "ip dscp cs0",
        "icmp type echo-request", "icmp type != echo-request", "icmp code 1", "ip version 4", "ip hdrlength 5",
    ]
    private static let six = [
        "ip6 saddr 2001:db8::/119", "ip6 daddr != 2001:db8::200/120", "ip6 nexthdr tcp", "ip6 nexthdr != tcp",
        "ip6 hoplimit 255", "ip6 hoplimit != 255", "ip6 hoplimit < 100", "icmpv6 type echo-request",
        "icmpv6 type != echo-request", "exthdr frag missing", "ip6 flowlabel 0",
    ]
    private static let tracked = [
        "ct state new", "ct state != new", "ct state established,related", "ct state untracked", "ct state invalid",
        "ct state { new, invalid }", "ct state ! established", "ct direction original", "ct direction reply",
        "ct mark 0",
        "ct status & dnat == 0", "ct expiration > 1s", "fib saddr . iif oif missing",
        "fib saddr . iif oif exists", "fib daddr type local", "fib saddr type unicast", "fib saddr type != multicast",
        "fib daddr . iif type != local", "ip saddr @s4", "ip saddr != @s4", "ip6 daddr @s6", "ip saddr @ending",
        "iifname . tcp dport @pairs", "tcp dport @filled",
        "ip saddr . tcp dport { 10.0.0.0/24 . 22, 10.0.2.0/23 . 80-443 }",
        "meta nfproto ipv4", "meta nfproto != ipv4", "rt ip nexthop 10.0.0.1", "meta skuid 0",
        "limit rate 1/hour burst 1 packets", "limit rate over 1/hour burst 1 packets", "quota over 1 kbytes",
        "ct count over 1", "add @filled { tcp dport }", "update @filled { th sport }", "counter", "log prefix \"x\"",
    ]

    private mutating func action(_ next: Int, _ family: String, _ place: String) -> String {
        var kinds = ["accept", "accept", "accept", "drop", "drop", "drop", "drop", "return", "continue", "counter"]
        if family == "netdev" {
            return one(kinds + ["fwd to \"eth1\"", "dup to \"eth0\"", "meta mark set 5", "vmap", "tcp dport set 22"])
                .replacing("vmap", with: "tcp dport vmap { 22 : accept, 80 : drop }")
        }
        kinds += [
            "reject", "tcp dport vmap @verdicts", "meta mark set 5 accept", "ct mark set 5", "notrack",
            "notrack accept", "tcp dport vmap { 22 : drop, 53-90 : accept }",
            "ct state vmap { new : accept, invalid : drop }",
            "iifname . meta l4proto vmap { \"eth0\" . tcp : drop, \"eth1\" . udp : accept }", "queue num 7",
            "queue num 7 bypass", "tcp dport set 22", "th sport set 53", "tcp option maxseg size set 400",
            "meta priority set 1:1", "reject", "continue drop", "tcp dport vmap { 22 : continue, 80 : accept } drop",
            "reject with tcp reset", "ct zone set 5", "oif vmap { 0 : drop, 1 : accept }",
            "tcp option maxseg size set 1000 drop",
        ]
        for target in next..<3 {
            kinds += ["jump c\(target)", "goto c\(target)", "tcp dport vmap { 22 : jump c\(target) }"]
        }
        if family == "ip" {
            kinds += ["ip saddr set 10.0.0.9", "ip daddr set 10.0.2.130", "ip dscp set cs1", "dup to 10.0.0.140"]
        }
        if family == "inet" { kinds += ["reject with icmp port-unreachable", "reject with icmpv6 no-route"] }
        if family != "ip6" {
            kinds += [
                "ip dscp set cs1 drop", "add @full { ip saddr } drop",
                "meta mark set ip saddr map { 10.0.0.0/25 : 1 } drop",
                "ip saddr . tcp dport vmap { 10.0.0.0/26 . 22 : accept, 10.0.0.0/24 . 20-443 : drop }",
            ]
        }
        if place.contains("prerouting"), family != "inet" { kinds += ["tproxy to :80"] }
        if place.contains("forward") || place.contains("input") { kinds += ["synproxy mss 1460 wscale 7"] }
        return one(kinds)
    }

    private mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }
    private mutating func chance(_ of: Int) -> Bool { number(1...of) == 1 }
    private mutating func one<Item>(_ items: [Item]) -> Item { items[number(0...items.count - 1)] }
}
