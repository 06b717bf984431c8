import Firewall
import Site

extension Golden {
    /// The topics, each with the intent whose ruleset is `Goldens/TOPIC/host.nft`.
    static let topics: [(name: String, intent: HostIntent)] = services + addresses + extras + ways

    /// Which traffic.
    private static let services: [(name: String, intent: HostIntent)] = [
        ("01-nothing-allowed", host { _ in }),
        (
            "02-baseline",
            host {
                $0.input = start; $0.output = [allow("egress", line: 3)]
            }
        ),
        ("03-one-service", host { $0.input = start + [allow("web", line: 12) { $0.traffic = tcp(443) }] }),
        (
            "04-several-services",
            host {
                $0.input =
                    start + [
                        allow("web", line: 12) { $0.traffic = tcp(80).union(tcp(443)) },
                        allow("mysql", line: 13) {
                            $0.traffic = tcp(3306)
                            $0.sources = addresses("10.10.0.21", "10.10.0.22")
                        },
                        allow("ssh", line: 14) {
                            $0.traffic = tcp(22)
                            $0.sources = addresses("203.0.113.0/24", "2001:db8:100::/48")
                        },
                        allow("dns", line: 15) { $0.traffic = tcp(53).union(udp(53)) },
                    ]
            }
        ),
        (
            "05-port-ranges",
            host {
                $0.input =
                    start + [
                        allow("passive-ftp", line: 4) { $0.traffic = tcp(21...21, 30000...31000) },
                        deny("not-this-one", line: 5) { $0.traffic = tcp(30500) },
                        allow("mosh", line: 6) { $0.traffic = TrafficSet(.udp, details: 60000...61000) },
                        allow("media", line: 7) { $0.traffic = TrafficSet(.udp, details: 60500...62000) },
                    ]
            }
        ),
        (
            "06-whole-protocols",
            host {
                $0.input =
                    start + [
                        allow("gre", line: 4) { $0.traffic = TrafficSet(ProtocolNumber(rawValue: 47)) },
                        allow("ipsec", line: 5) {
                            $0.traffic = TrafficSet(ProtocolNumber(rawValue: 50)).union(udp(500)).union(udp(4500))
                        },
                        allow("all-udp", line: 6) {
                            $0.traffic = TrafficSet(.udp)
                            $0.sources = addresses("10.0.0.0/8")
                        },
                    ]
            }
        ),
        (
            "07-all-but-one-port",
            host {
                $0.output = [
                    allow("no-mail", line: 4) { $0.traffic = TrafficSet.all.subtracting(tcp(25)) },
                    allow("mail", line: 5) {
                        $0.traffic = tcp(25)
                        $0.destinations = addresses("192.0.2.25")
                    },
                ]
            }
        ),
        (
            "08-icmp",
            host {
                $0.input =
                    start + [
                        baseline("icmp", .accept) { $0.traffic = icmp(3, 11, 12).union(icmpv6(1...4, 128...129)) },
                        baseline("icmp-echo", .accept) { $0.traffic = icmp(8) }
                            .with { $0.limit = RuleLimit(rate: .init(count: 10, perSeconds: 1, burst: 20)) },
                    ]
            }
        ),
        (
            "09-neighbour-discovery",
            host {
                $0.input =
                    start + [
                        defence("nd-off-link") {
                            $0.traffic = icmpv6(133...137)
                            $0.oddities = .throughRouter
                        },
                        baseline("neighbour-discovery", .accept) { $0.traffic = icmpv6(135...136) },
                        baseline("router-advertisements", .accept) {
                            $0.traffic = icmpv6(134...134)
                            $0.sources = addresses("fe80::/10")
                        },
                    ]
            }
        ),
        (
            "10-icmp-by-source",
            host {
                $0.input =
                    start + [
                        allow("monitoring-ping", line: 4) {
                            $0.traffic = icmp(8).union(icmpv6(128...128))
                            $0.sources = addresses("192.0.2.7", "2001:db8::7")
                        },
                        allow("fragmentation", line: 5) {
                            $0.traffic = TrafficSet(.icmp, details: 0x0304...0x0304)
                        },
                        allow("web", line: 6) { $0.traffic = tcp(443) },
                        allow("ssh", line: 7) { $0.traffic = tcp(22) },
                    ]
            }
        ),
        (
            "11-sctp",
            host { $0.input = [allow("sigtran", line: 4) { $0.traffic = TrafficSet(.sctp, details: 2905...2905) }] }
        ),
    ]

    /// From where, to where.
    private static let addresses: [(name: String, intent: HostIntent)] = [
        (
            "12-deny-before-allow",
            host {
                $0.input =
                    start + [
                        deny("bad-corner", line: 3) { $0.sources = addresses("203.0.113.128/25") },
                        deny("no-telnet", line: 4) { $0.traffic = tcp(23) },
                        deny("not-from-guests", line: 5) {
                            $0.sources = addresses("10.9.0.0/16")
                            $0.traffic = tcp(22)
                        },
                        allow("office", line: 6) { $0.sources = addresses("203.0.113.0/24", "10.0.0.0/8") },
                    ]
            }
        ),
        (
            "13-overlapping-sources",
            host {
                $0.input =
                    start + [
                        allow("one", line: 3) {
                            $0.sources = addresses("10.0.0.0/24"); $0.traffic = tcp(22)
                        },
                        allow("two", line: 4) {
                            $0.sources = addresses("10.0.0.0/16"); $0.traffic = tcp(22...23)
                        },
                        allow("three", line: 5) {
                            $0.sources = addresses("10.0.0.0/8"); $0.traffic = tcp(1...1024)
                        },
                        allow("four", line: 6) {
                            $0.sources = addresses("10.128.0.0/9"); $0.traffic = tcp(80)
                        },
                    ]
            }
        ),
        (
            "14-blocklist",
            host {
                $0.input =
                    start + [
                        deny("blocklist", line: 3) { $0.sources = scattered(20) },
                        allow("web", line: 4) { $0.traffic = tcp(443) },
                    ]
            }
        ),
        (
            "15-large-set-shared",
            host {
                $0.input =
                    start + [
                        allow("ssh", line: 3) {
                            $0.sources = scattered(70); $0.traffic = tcp(22)
                        },
                        allow("db", line: 4) {
                            $0.sources = scattered(70); $0.traffic = tcp(5432)
                        },
                        allow("web", line: 5) { $0.traffic = tcp(443) },
                    ]
            }
        ),
        (
            "16-own-addresses",
            host {
                $0.input =
                    start + [
                        allow("web", line: 3) {
                            $0.destinations = addresses("198.51.100.10", "2001:db8:1::10")
                            $0.traffic = tcp(443)
                        },
                        allow("admin", line: 4) {
                            $0.destinations = addresses("10.10.0.10")
                            $0.sources = addresses("10.10.0.0/24")
                            $0.traffic = tcp(443)
                        },
                        allow("ssh", line: 5) {
                            $0.destinations = addresses("10.10.0.10")
                            $0.traffic = tcp(22)
                        },
                    ]
            }
        ),
        (
            "17-internet",
            host {
                let own = addresses("10.0.0.0/8", "203.0.113.0/24", "2001:db8::/32")
                $0.input =
                    start + [
                        allow("from-internet", line: 3) {
                            $0.sources = AddressSet.all.subtracting(own)
                            $0.traffic = tcp(443)
                        },
                        allow("from-inside", line: 4) {
                            $0.sources = own
                            $0.traffic = tcp(8443)
                        },
                        allow("smtp", line: 5) { $0.traffic = tcp(25) },
                    ]
            }
        ),
        (
            "18-monitoring-sees-all",
            host {
                $0.input =
                    start + [
                        allow("web", line: 3) { $0.traffic = tcp(443) },
                        allow("monitoring", line: 4) { $0.sources = addresses("192.0.2.7", "2001:db8::7") },
                        allow("ssh", line: 5) {
                            $0.sources = addresses("203.0.113.0/24"); $0.traffic = tcp(22)
                        },
                    ]
            }
        ),
        (
            "19-one-family",
            host {
                $0.input =
                    start + [
                        allow("legacy", line: 3) {
                            $0.sources = AddressSet(v4: .all); $0.traffic = tcp(80)
                        },
                        allow("modern", line: 4) {
                            $0.sources = AddressSet(v6: .all); $0.traffic = tcp(443)
                        },
                        allow("both", line: 5) { $0.traffic = tcp(22) },
                    ]
            }
        ),
        (
            "20-interfaces",
            host {
                $0.input =
                    start + [
                        allow("web", line: 3) {
                            $0.inputInterfaces = .among(["eth0"]); $0.traffic = tcp(443)
                        },
                        allow("admin", line: 4) {
                            $0.inputInterfaces = .among(["eth1", "wg0"])
                            $0.traffic = tcp(22)
                        },
                        allow("metrics", line: 5) {
                            $0.inputInterfaces = .except(["eth0"]); $0.traffic = tcp(9100)
                        },
                        allow("cluster", line: 6) {
                            $0.inputInterfaces = .among(["eth1"]); $0.traffic = tcp(443)
                        },
                    ]
            }
        ),
    ]
}
