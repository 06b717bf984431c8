import Site

/// The wires of a made-up site, with the words that lines may name its hosts and networks by.
struct SiteTopology {
    /// The part of the site file before the lines.
    let head: String
    /// Addresses of machines that are no hosts of the site; what has several is a router. All networks are of 256
    /// addresses.
    let strangers: [[String]]
    let words: [String]
    let zones: [String]
    /// Who may be the end of a port forward, and who forwards.
    let targets: [String]
    let routers: [String]

    /// Claims go over the routers by name: each is drawn by lot.
    static func drawn(_ generator: inout Seeded) -> SiteTopology {
        let names = ["aa", "mm", "zz"].shuffled(using: &generator)
        return switch Int.random(in: 0..<4, using: &generator) {
        case 0: ring(names[0], around: nil)
        case 1: ring(names[0], around: names[1])
        case 2: row(names[0], names[1], outside: Bool.random(using: &generator) ? "outside" : "wan")
        default: uplinks(names[0], second: Bool.random(using: &generator) ? "outside" : "backup")
        }
    }

    /// The same where a router is between two others, and attached to the networks of neither end.
    static func drawnBetween(_ generator: inout Seeded) -> SiteTopology {
        let names = ["aa", "mm", "zz"].shuffled(using: &generator)
        return between(names[0], names[1], names[2], isOneArmed: Bool.random(using: &generator))
    }

    private static func file(_ networks: String, _ hosts: [String]) -> String {
        """
        site: a.b
        networks: { \(networks) }
        hosts:
          \(hosts.joined(separator: "\n  "))
        services: { one: tcp/1, two: tcp/2, way-in: tcp/3 }
        firewall:
          defences: { bogons: false }

        """
    }

    private static func host(_ name: String, _ role: String, _ interfaces: String...) -> String {
        "\(name): { roles: [\(role)], interfaces: { \(interfaces.joined(separator: ", ")) } }"
    }

    private static func interface(_ name: String, _ zone: String, _ address: String) -> String {
        "\(name): { zone: \(zone), addresses: [\(address)/24] }"
    }

    /// Two networks behind a router that faces the outside, and perhaps another router between the same two: then there
    /// is a way around each.
    private static func ring(_ gate: String, around inner: String?) -> SiteTopology {
        var hosts = [
            host(
                gate,
                "router",
                interface("wan", "outside", "198.51.100.2"),
                interface("dmz", "servers", "10.1.0.1"),
                interface("lan", "people", "10.2.0.1")
            ),
            host("db", "database", interface("eth0", "servers", "10.1.0.5")),
            host("web", "app", interface("eth0", "servers", "10.1.0.6")),
            host("pc", "desk", interface("eth0", "people", "10.2.0.5")),
        ]
        if let inner {
            let (up, down) = (interface("up", "people", "10.2.0.2"), interface("down", "servers", "10.1.0.2"))
            hosts.append(host(inner, "router", up, down))
        }
        return SiteTopology(
            head: file("guests: 10.2.0.64/26, servers: 10.1.0.0/24, partner: 198.51.100.64/26", hosts),
            strangers: [
                ["10.2.0.77"], ["10.2.0.9"], ["10.1.0.9"], ["198.51.100.77"], ["8.8.8.8"], ["198.51.100.1", "8.8.8.1"],
            ],
            words: [
                gate, "db", "web", "pc", "guests", "servers", "partner", "internet", "any", "10.2.0.0/24", "10.1.0.9",
                "8.8.8.8", "database", "198.51.100.2",
            ] + (inner.map { [$0, "10.2.0.2"] } ?? []),
            zones: ["people", "servers", "outside"],
            targets: ["db", "web", "pc", gate, "10.1.0.9"],
            routers: [gate] + (inner.map { [$0] } ?? [])
        )
    }

    /// Two routers, one behind the other, of which the first faces the world, by whatever name.
    private static func row(_ outer: String, _ inner: String, outside: String) -> SiteTopology {
        SiteTopology(
            head: file(
                "guests: 10.2.0.64/26, middle: 10.1.0.0/24, partner: 198.51.100.64/26",
                [
                    host(
                        outer,
                        "router",
                        interface("wan", outside, "198.51.100.2"),
                        interface("mid", "middle", "10.1.0.1")
                    ),
                    host(
                        inner,
                        "router",
                        interface("up", "middle", "10.1.0.2"),
                        interface("lan", "people", "10.2.0.1")
                    ),
                    host("db", "database", interface("eth0", "middle", "10.1.0.5")),
                    host("pc", "desk", interface("eth0", "people", "10.2.0.5")),
                    host("far", "app", interface("eth0", outside, "198.51.100.9")),
                ]
            ),
            strangers: [["10.2.0.77"], ["10.1.0.9"], ["198.51.100.77"], ["8.8.8.8"], ["198.51.100.1", "8.8.8.1"]],
            words: [
                outer, inner, "db", "pc", "far", "guests", "middle", "partner", "internet", "any", "10.2.0.0/24",
                "10.1.0.2", "198.51.100.2", "8.8.8.8",
            ],
            zones: ["people", "middle", outside],
            targets: ["db", "pc", inner, outer, "far", "10.2.0.77"],
            routers: [outer, inner]
        )
    }

    /// A router with two ways to the world.
    private static func uplinks(_ gate: String, second: String) -> SiteTopology {
        SiteTopology(
            head: file(
                "guests: 10.2.0.64/26, partner: 198.51.100.64/26",
                [
                    host(
                        gate,
                        "router",
                        interface("fibre", "outside", "198.51.100.2"),
                        interface("mobile", second, "203.0.113.2"),
                        interface("lan", "people", "10.2.0.1")
                    ),
                    host("pc", "desk", interface("eth0", "people", "10.2.0.5")),
                    host("db", "database", interface("eth0", "people", "10.2.0.6")),
                    host("far", "app", interface("eth0", "away", "203.0.113.9")),
                ]
            ),
            // Strangers are taken to come by the zone `outside`.
            strangers: [["10.2.0.77"], ["198.51.100.77"], ["8.8.8.8"], ["198.51.100.1", "8.8.8.1"]]
                + (second == "outside" ? [["203.0.113.1", "8.8.8.2"]] : []),
            words: [
                gate, "db", "pc", "far", "guests", "partner", "internet", "any", "10.2.0.0/24", "203.0.113.2",
                "198.51.100.2", "8.8.8.8",
            ],
            zones: ["people", "outside", second],
            targets: ["db", "pc", gate, "10.2.0.77"],
            routers: [gate]
        )
    }

    /// Three routers in a row; or the middle one beside the wire of the two others, with one interface.
    private static func between(
        _ first: String,
        _ middle: String,
        _ last: String,
        isOneArmed: Bool
    ) -> SiteTopology {
        let wire = isOneArmed ? "10.2.0" : "10.3.0"
        let left = interface("left", "left", "10.2.0.2")
        let arms = isOneArmed ? left : "\(left), \(interface("right", "right", "10.3.0.2"))"
        return SiteTopology(
            head: file(
                "guests: 10.1.0.64/26, partner: 10.4.0.64/26",
                [
                    host(first, "router", interface("lan", "people", "10.1.0.1"), interface("up", "up", "10.2.0.1")),
                    host(middle, "router", arms),
                    host(last, "router", interface("in", "near", "\(wire).3"), interface("lan", "far", "10.4.0.1")),
                    host("pc", "desk", interface("eth0", "people", "10.1.0.5")),
                    host("web", "app", interface("eth0", "up", "10.2.0.6")),
                    host("db", "database", interface("eth0", "far", "10.4.0.5")),
                ]
            ),
            strangers: [["10.1.0.77"], ["10.2.0.9"], ["10.4.0.77"], ["10.4.0.9"]],
            words: [
                first, middle, last, "pc", "web", "db", "guests", "partner", "any", "10.1.0.0/24", "10.4.0.0/24",
                "10.2.0.0/24", "10.2.0.2", "\(wire).2",
            ],
            zones: ["people", "up", "left", "near", "far"] + (isOneArmed ? [] : ["right"]),
            targets: ["pc", "web", "db"],
            routers: [first, middle, last]
        )
    }
}
