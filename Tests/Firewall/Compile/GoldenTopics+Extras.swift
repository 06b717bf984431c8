import Firewall
import Site

extension Golden {
    /// What a rule does besides letting in or out.
    static let extras: [(name: String, intent: HostIntent)] = [
        (
            "21-rate-limit",
            host {
                $0.input =
                    start + [
                        allow("ssh", line: 3) { $0.traffic = tcp(22) }
                            .with { $0.limit = RuleLimit(rate: .init(count: 6, perSeconds: 60, burst: 3)) },
                        allow("web", line: 4) { $0.traffic = tcp(443) },
                        allow("api", line: 5) { $0.traffic = tcp(8443) },
                    ]
            }
        ),
        (
            "22-connection-limit",
            host {
                $0.input =
                    start + [
                        allow("imap", line: 3) { $0.traffic = tcp(993) }.with { $0.limit = RuleLimit(connections: 20) }
                    ]
            }
        ),
        (
            "23-both-limits-and-log",
            host {
                $0.input =
                    start + [
                        allow("ssh", line: 3) {
                            $0.sources = addresses("0.0.0.0/0"); $0.traffic = tcp(22)
                        }.with {
                            $0.limit = RuleLimit(rate: .init(count: 1, perSeconds: 86_400, burst: 2), connections: 4)
                            $0.isLogged = true
                        }
                    ]
            }
        ),
        (
            "24-logged-deny",
            host {
                $0.input =
                    start + [
                        deny("guests", line: 3) { $0.sources = addresses("10.9.0.0/16") }.with { $0.isLogged = true },
                        allow("web", line: 4) { $0.traffic = tcp(443) },
                        rule("rest", 5, .written, .drop, states: .new) { _ in }.with { $0.isLogged = true },
                    ]
            }
        ),
        (
            "25-reject",
            host {
                $0.input =
                    start + [
                        rule("ident", 3, .written, .reject, states: .new) { $0.traffic = tcp(113) },
                        allow("web", line: 4) { $0.traffic = tcp(443) },
                    ]
                $0.output = [rule("closed", 6, .written, .reject, states: .new) { _ in }]
            }
        ),
        (
            "26-expires",
            host {
                $0.input =
                    start + [
                        allow("visitor", line: 3) {
                            $0.sources = addresses("192.0.2.9"); $0.traffic = tcp(22)
                        }
                        .with { $0.expires = 1_900_000_000 }
                    ]
            }
        ),
        (
            "27-expires-over-others",
            host {
                $0.input =
                    start + [
                        deny("maintenance", line: 3) {
                            $0.sources = addresses("10.0.0.0/8"); $0.traffic = tcp(443)
                        }
                        .with { $0.expires = 1_900_000_000 },
                        deny("guests", line: 4) { $0.sources = addresses("10.9.0.0/16") },
                        deny("telnet", line: 5) { $0.traffic = tcp(23) },
                        allow("first", line: 6) { $0.traffic = tcp(443) }.with { $0.expires = 1_900_000_000 },
                        allow("second", line: 7) { $0.traffic = tcp(443) }.with { $0.expires = 1_950_000_000 },
                        allow("third", line: 8) { $0.sources = addresses("10.0.0.0/8") },
                    ]
            }
        ),
        (
            "28-syn-flood",
            host {
                $0.input =
                    start + [
                        rule("syn-flood", 0, .defence("syn-flood"), .drop, states: .new) {
                            $0.traffic = TrafficSet(.tcp)
                            $0.oddities = .overLimit
                        }.with { $0.limit = RuleLimit(rate: .init(count: 100, perSeconds: 1, burst: 200)) },
                        allow("web", line: 4) { $0.traffic = tcp(443) },
                    ]
            }
        ),
        (
            "29-defences",
            host {
                $0.input =
                    defences + start + [allow("web", line: 4) { $0.traffic = tcp(443) }]
            }
        ),
        (
            "30-defences-of-a-router",
            host {
                $0.input = defences + start
                $0.forward =
                    defences + [allow("through", line: 9) { $0.inputInterfaces = .among(["eth1"]) }]
            }
        ),
        (
            "31-dhcp-client",
            host {
                $0.input =
                    start + [
                        baseline("dhcp", .accept) {
                            $0.traffic = udp(68)
                            $0.sourcePorts = IntervalSet(67)
                        },
                        baseline("dhcpv6", .accept) {
                            $0.traffic = udp(546)
                            $0.sources = addresses("fe80::/10")
                            $0.sourcePorts = IntervalSet(547)
                        },
                    ]
            }
        ),
    ]

    private static let defences: [IntentRule] = [
        defence("spoofing") {
            $0.oddities = .withoutReturnPath
            $0.traffic = TrafficSet.all.subtracting(udp(68))
        },
        defence("broadcast") { $0.oddities = .broadcastSource },
        defence("syn-fin") { $0.tcpFlags = flags(3, 3) },
        defence("syn-rst") { $0.tcpFlags = flags(6, 6) },
        defence("null") { $0.tcpFlags = flags(0x3F, 0) },
        defence("xmas") { $0.tcpFlags = flags(0x3F, 0x29) },
        defence("small-segments") {
            $0.tcpFlags = flags(0x17, 2)
            $0.oddities = .smallSegments
        },
        defence("off-link") {
            $0.inputInterfaces = .except(["lo"])
            $0.traffic = icmpv6(133...137)
            $0.oddities = .throughRouter
        },
        defence("bogons") {
            $0.inputInterfaces = .among(["eth0"])
            $0.sources = addresses(
                "0.0.0.0/8",
                "10.0.0.0/8",
                "127.0.0.0/8",
                "169.254.0.0/16",
                "172.16.0.0/12",
                "192.168.0.0/16",
                "224.0.0.0/3",
                "fc00::/7"
            )
        },
        defence("loopback-from-outside") {
            $0.inputInterfaces = .except(["lo"])
            $0.sources = addresses("127.0.0.0/8", "::1")
        },
    ]

    /// Lines about the port that came, one of them for a time, and one about all that somebody sends.
    private static let deniedForwards = """
        site: a.b
        networks: { partner: 203.0.113.0/24, rude: [203.0.113.8, 203.0.113.16/28] }
        hosts:
          gate:
            roles: [router]
            interfaces:
              wan: { zone: outside }
              lan: { zone: lan, addresses: [10.1.0.1/24] }
          files: { interfaces: { eth0: { zone: lan, addresses: [10.1.0.5/24] } } }
        services: { ssh: tcp/22, way-in: tcp/2222 }
        firewall:
          deny:
            - { id: rude, from: rude, to: gate, services: way-in, reject: true }
            - { id: one, from: 203.0.113.40, to: gate, services: way-in, log: true }
            - { id: later, from: 203.0.113.50, to: gate, services: way-in, expires: 2030-01-01T00:00:00Z }
            - { id: nobody, from: 203.0.113.60, to: all }
          forward: [{ id: in, from: partner, service: way-in, to: files, port: 22 }]
        """

    /// Outwards, through, and under other addresses.
    static let ways: [(name: String, intent: HostIntent)] = [
        (
            "32-egress",
            host {
                $0.output = [
                    baseline("loopback", .accept) { $0.outputInterfaces = .among(["lo"]) },
                    baseline("established", .accept) { $0.states = [.established, .related] },
                    allow("dns", line: 3) {
                        $0.destinations = addresses("192.0.2.53", "2001:db8::53")
                        $0.traffic = tcp(53).union(udp(53))
                    },
                    allow("ntp", line: 4) { $0.traffic = udp(123) },
                    allow("mirror", line: 5) {
                        $0.destinations = addresses("192.0.2.80")
                        $0.traffic = tcp(80).union(tcp(443))
                    },
                    allow("app", line: 6) {
                        $0.destinations = addresses("10.10.0.21", "10.10.0.22")
                        $0.traffic = tcp(8080)
                    },
                ]
            }
        ),
        (
            "33-router",
            host {
                $0.forward = [
                    baseline("established", .accept) { $0.states = [.established, .related] },
                    baseline("invalid", .drop) { $0.states = .invalid },
                    deny("guests-to-lan", line: 3) {
                        $0.sources = addresses("10.9.0.0/16")
                        $0.destinations = addresses("10.0.0.0/8")
                    },
                    allow("lan-out", line: 4) {
                        $0.inputInterfaces = .among(["eth1"])
                        $0.outputInterfaces = .among(["eth0"])
                    },
                    allow("dmz-db", line: 5) {
                        $0.sources = addresses("10.1.0.0/24")
                        $0.destinations = addresses("10.2.0.5", "10.2.0.6")
                        $0.traffic = tcp(3306)
                    },
                    allow("to-web", line: 6) {
                        $0.destinations = addresses("10.1.0.5", "2001:db8:1::5")
                        $0.traffic = tcp(80).union(tcp(443))
                    },
                ]
            }
        ),
        (
            "34-masquerade",
            host {
                $0.forward = [allow("lan-out", line: 3) { $0.inputInterfaces = .among(["eth1"]) }]
                $0.translations = [
                    translation("lan-out", line: 3, .masquerade) {
                        $0.outputInterfaces = .among(["eth0"])
                        $0.sources = addresses("10.0.0.0/8")
                    }
                ]
            }
        ),
        (
            "35-source-address",
            host {
                $0.translations = [
                    translation("mail-out", line: 3, .source(.v4(0xC633_640A))) {
                        $0.sources = addresses("10.0.0.25")
                        $0.traffic = tcp(25)
                    },
                    translation("v6-out", line: 4, .source(IPAddress("2001:db8::1")!)) {
                        $0.outputInterfaces = .among(["eth0"])
                    },
                ]
            }
        ),
        (
            "36-port-forwards",
            host {
                $0.forward = [
                    allow("lan-out", line: 2) { $0.inputInterfaces = .among(["eth1"]) },
                    forwarded("web", line: 3) {
                        $0.destinations = addresses("10.1.0.5"); $0.traffic = tcp(8080)
                    },
                    forwarded("dns", line: 4) {
                        $0.destinations = addresses("10.1.0.6"); $0.traffic = tcp(5353).union(udp(5353))
                    },
                    forwarded("v6", line: 5) {
                        $0.destinations = addresses("2001:db8:1::5"); $0.traffic = tcp(8443)
                    },
                    forwarded("dmz-host", line: 6) { $0.destinations = addresses("10.1.0.7") },
                ]
                $0.translations = [
                    translation("web", line: 3, .destination(.v4(0x0A01_0005), port: 8080)) {
                        $0.inputInterfaces = .among(["eth0"])
                        $0.destinations = addresses("198.51.100.10")
                        $0.traffic = tcp(80)
                    },
                    translation("dns", line: 4, .destination(.v4(0x0A01_0006), port: 5353)) {
                        $0.traffic = tcp(53).union(udp(53))
                    },
                    translation("v6", line: 5, .destination(IPAddress("2001:db8:1::5")!, port: 8443)) {
                        $0.traffic = tcp(443)
                    },
                    translation("dmz-host", line: 6, .destination(.v4(0x0A01_0007), port: nil)) {
                        $0.destinations = addresses("198.51.100.11")
                    },
                ]
            }
        ),
        (
            "41-forwards-to-an-address-by-dhcp",
            host {
                $0.forward = [
                    forwarded("web", line: 3) {
                        $0.destinations = addresses("10.1.0.5", "2001:db8:1::5"); $0.traffic = tcp(8080)
                    }
                ]
                let own = { (family: AddressSet, match: inout PacketMatch) in
                    match.inputInterfaces = .among(["eth0"])
                    match.destinations = family
                    match.oddities = .toOwnAddress
                }
                $0.translations = [
                    translation("web", line: 3, .destination(.v4(0x0A01_0005), port: 8080)) {
                        own(AddressSet(v4: .all), &$0)
                        $0.traffic = tcp(80)
                    },
                    translation("web", line: 3, .destination(IPAddress("2001:db8:1::5")!, port: 8080)) {
                        own(AddressSet(v6: .all), &$0)
                        $0.traffic = tcp(80)
                    },
                    translation("dmz-host", line: 6, .destination(.v4(0x0A01_0007), port: nil)) {
                        own(AddressSet(v4: .all), &$0)
                        $0.sources = addresses("192.0.2.0/24")
                    },
                ]
            }
        ),
        (
            "45-deny-before-forwards",
            (try? Intent(of: site(Golden.deniedForwards)))?.host("gate") ?? host { _ in }
        ),
        (
            "37-defences-before-forwards",
            host {
                $0.input = [
                    defence("spoofing") { $0.oddities = .withoutReturnPath },
                    defence("no-netbios") { $0.traffic = udp(137) },
                ]
                $0.translations = [
                    translation("web", line: 3, .destination(.v4(0x0A01_0005), port: nil)) { $0.traffic = tcp(80) }
                ]
            }
        ),
        (
            "38-hostile-names",
            host {
                $0.host = "evil\"; flush ruleset; \""
                $0.input = [
                    allow("a\" accept; #", line: 3) {
                        $0.inputInterfaces = .among(["eth*", "a\" }\nb"])
                        $0.traffic = tcp(22)
                    }
                ]
            }
        ),
        (
            "46-mid-stream",
            host {
                let unknown = baseline("mid-stream", .drop) {
                    $0.traffic = TrafficSet(.tcp)
                    $0.states = .new
                    $0.tcpFlags = flags(0x17, 0x02).complement
                }
                $0.input = start + [unknown, allow("web", line: 12) { $0.traffic = tcp(443) }]
                $0.output = start + [unknown, allow("egress", line: 3)]
            }
        ),
        ("40-dropped-is-logged", host { $0.logsDropped = true }),
        // Few rules that cross each other: the list of them is shorter than what would look them up.
        ("42-office-router", (try? Intent(of: policySite("office-router.yaml")))?.host("router") ?? host { _ in }),
        ("47-shared-address", (try? Intent(of: site(SharedAddressTests.text)))?.host("lb-02") ?? host { _ in }),
        ("44-protocols", (try? Intent(of: site(ProtocolTests.text)))?.host("gate") ?? host { _ in }),
        ("43-groups", (try? Intent(of: site(GroupTests.text)))?.host("a") ?? host { _ in }),
        (
            "39-hundred-services",
            host { intent in
                intent.input =
                    start
                    + (0..<100).map { number in
                        allow("service-\(number)", line: 10 + number) {
                            $0.traffic = tcp(1000 + UInt16(number))
                            $0.sources = AddressSet([
                                IPNetwork(containing: .v4(0x0A00_0000 | UInt32(number) << 8), prefixLength: 24)
                            ])
                        }
                    }
            }
        ),
    ]
}
