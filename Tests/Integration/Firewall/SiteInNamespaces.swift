import Firewall
import Foundation
import Site

/// The reference site built of network namespaces, with real servers and the firewalls that `policy apply` puts into
/// force, and what came through. Tests/Tools/site-in-namespaces does the building and the trying.
struct SiteInNamespaces {
    /// A machine with its interfaces; the site's hosts, and two that are none: `internet` and `office`.
    struct Machine: Encodable {
        struct Link: Encodable {
            let name: String
            let bridge: String
            let addresses: [String]
        }

        let name: String
        let isHost: Bool
        let interfaces: [Link]
        /// Where everything goes that lies in no network of an interface. The first interface leads there.
        let routers: [String]
        /// Ports of TCP that a server of the test answers on.
        let services: [UInt16]
    }

    /// One connection that is tried.
    struct Probe: Encodable {
        let machine: String
        let target: String
        let from: String
        let to: String
        let `protocol`: String
        let port: UInt16
        /// Whether the policy lets it through, so that the answer is worth waiting for.
        let awaited: Bool
    }

    struct Results: Decodable {
        struct Scan: Decodable {
            let answered: Int
            let open: [Int]
        }

        struct Round: Decodable {
            /// For each probe `open`, `refused`, or nil when nothing came back.
            let matrix: [String?]
            /// By the address that was scanned.
            let scan: [String: Scan]
        }

        let before: Round
        let after: Round
        let applied: [String: String]
        let pages: [String]
        /// Servers that ended by themselves.
        let ended: [[String]]
        /// Seconds from the start to the end of each phase.
        let times: [String: Double]
    }

    let intent: Intent
    let machines: [Machine]
    let probes: [Probe]
    let results: Results
    /// What the hosts' kernels hold.
    let held: [String: HeldEvaluator]

    /// What the database holds, and a page shows.
    static let goods = "goods-\(UInt32.random(in: 0 ... .max))"

    /// Whether such networks can be made here; says why not.
    static let isPossible: Bool = {
        let tried = try? run("unshare", namespaces + ["true"], in: TemporaryDirectory())
        guard geteuid() == 0, tried?.status == 0 else {
            print("skipped: the site in namespaces: root and namespaces for network, mounts and processes are needed")
            return false
        }
        return true
    }()

    private static let namespaces = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    private static let repository = #filePath.split(separator: "/").dropLast(4).reduce("") { $0 + "/" + $1 }

    init() throws {
        let directory = try TemporaryDirectory()
        let text = try Self.siteText()
        try directory.write(text, to: "site.yaml")
        let outcome = Site.SiteFile.parse(bytes: Array(text.utf8), name: "site.yaml")
        guard let model = outcome.model, !outcome.hasErrors else { throw HarnessError(outcome.text) }
        intent = Intent(of: model)
        machines = Self.machines(model)
        probes = Self.probes(machines, intent)
        let plan = Plan(
            bridges: Self.bridges,
            machines: machines,
            ports: Self.ports,
            probes: probes,
            scanned: machines[0].interfaces[0].addresses.map(Self.bare),
            scanners: Self.scanners,
            administrator: "203.0.113.7",
            goods: Self.goods
        )
        try directory.write(Array(JSONEncoder().encode(plan)), to: "plan.json")
        let ran = try run(
            "unshare",
            Self.namespaces + [
                "\(Self.repository)/Tests/Tools/site-in-namespaces", directory.root, try Gateway.binary,
            ],
            in: directory,
            within: .seconds(900)
        )
        guard ran.status == 0 else { throw HarnessError("the site cannot be built: \(ran)") }
        results = try JSONDecoder().decode(Results.self, from: Data(directory.contents(of: "results.json")))
        var held: [String: HeldEvaluator] = [:]
        for machine in machines where machine.isHost {
            let list = try directory.contents(of: "held-\(machine.name).json")
            held[machine.name] = HeldEvaluator(try HeldRuleset(json: list))
        }
        self.held = held
    }

    private struct Plan: Encodable {
        let bridges: [Bridge]
        let machines: [Machine]
        let ports: [UInt16]
        let probes: [Probe]
        let scanned: [String]
        let scanners: [String]
        let administrator: String
        let goods: String
    }

    /// A network of the provider's, with the provider's router in it.
    private struct Bridge: Encodable {
        let name: String
        let addresses: [String]
    }

    private static let bridges = [
        Bridge(name: "outside", addresses: ["198.51.100.1/24", "2001:db8:1::1/64"]),
        Bridge(name: "inside", addresses: ["10.10.0.1/24", "fd10:10::1/64"]),
        Bridge(name: "world", addresses: ["93.184.216.1/24", "2606:2800::1/64"]),
        Bridge(name: "office", addresses: ["203.0.113.1/24", "2001:db8:100::1/64"]),
    ]

    /// Ports of the site's services, neighbours of theirs, and some that are often open by mistake.
    private static let ports: [UInt16] = [
        1, 21, 22, 25, 53, 80, 81, 111, 123, 443, 444, 3305, 3306, 5432, 6379, 8080, 8081, 33_060, 65_535,
    ]

    /// A source may open a thousand connections a second (the defence `connection-flood`): a scan that is to end soon
    /// comes from many.
    private static let scanners = (101...132).flatMap { ["93.184.216.\($0)", "2606:2800::\($0)"] }

    /// The reference site, where every host has IPv6, too.
    private static func siteText() throws -> String {
        var text = try String(contentsOfFile: "\(repository)/Policies/foobar.com.yaml", encoding: .utf8)
        for number in [10, 21, 22, 31, 32] {
            let old = "addresses: [10.10.0.\(number)/24]"
            guard text.contains(old) else { throw HarnessError("the reference site has no \(old) any more") }
            text = text.replacingOccurrences(
                of: old,
                with: "addresses: [10.10.0.\(number)/24, \"fd10:10::\(number)/64\"]"
            )
        }
        return text.replacingOccurrences(of: "../Certs", with: "Certs")
    }

    private static func machines(_ site: SiteModel) -> [Machine] {
        let services: [String: [UInt16]] = [
            "gateway": [80, 443], "app": [8080], "mysql-primary": [3306], "mysql-replica": [3306],
        ]
        let hosts = site.hosts.values.sorted {
            ($0.interfaces.isEmpty ? 1 : 0, $0.name) < ($1.interfaces.isEmpty ? 1 : 0, $1.name)
        }
        let machines = hosts.map { host in
            let isGateway = !host.interfaces.isEmpty
            let links = host.interfaces.map {
                Machine.Link(name: $0.name, bridge: $0.zone ?? "inside", addresses: $0.addresses.map(text))
            }
            return Machine(
                name: host.name,
                isHost: true,
                interfaces: links
                    + (isGateway ? [] : [.init(name: "eth0", bridge: "inside", addresses: host.addresses.map(text))]),
                routers: bridges[isGateway ? 0 : 1].addresses.map(bare),
                services: host.roles.flatMap { services[$0] ?? [] }
            )
        }
        let world = ["93.184.216.34/24", "2606:2800::34/64"] + scanners.map { $0 + ($0.contains(":") ? "/64" : "/24") }
        return machines + [
            stranger("internet", 2, "world", world),
            stranger("office", 3, "office", ["203.0.113.7/24", "2001:db8:100::7/64"]),
        ]
    }

    private static func stranger(_ name: String, _ bridge: Int, _ network: String, _ addresses: [String]) -> Machine {
        Machine(
            name: name,
            isHost: false,
            interfaces: [.init(name: "eth0", bridge: network, addresses: addresses)],
            routers: bridges[bridge].addresses.map(bare),
            services: []
        )
    }

    private static func text(_ address: InterfaceAddress) -> String { "\(address.address)/\(address.prefixLength)" }
    private static func bare(_ address: String) -> String { String(address.prefix { $0 != "/" }) }

    /// Every machine tries every other at each address, on every port and by an echo request.
    private static func probes(_ machines: [Machine], _ intent: Intent) -> [Probe] {
        var probes: [Probe] = []
        for source in machines {
            for target in machines where target.name != source.name {
                for address in target.probed {
                    guard let destination = IPAddress(address), let from = source.address(toward: destination) else {
                        continue
                    }
                    for (kind, ports) in [("tcp", Self.ports), ("udp", Self.ports), ("icmp", [0])] {
                        for port in ports {
                            let probe = { (awaited: Bool) in
                                Probe(
                                    machine: source.name,
                                    target: target.name,
                                    from: "\(from)",
                                    to: address,
                                    protocol: kind,
                                    port: port,
                                    awaited: awaited
                                )
                            }
                            let packets = Ends(probe(false), source, target)
                            probes.append(probe(packets.verdict(intent) == .accept))
                        }
                    }
                }
            }
        }
        return probes
    }

    /// The packet of a probe at both of its ends.
    func ends(_ probe: Probe) -> Ends {
        func machine(_ name: String) -> Machine { machines.first { $0.name == name } ?? machines[0] }
        return Ends(probe, machine(probe.machine), machine(probe.target))
    }

    /// A probe's first packet, as the host that sends it sees it, and the one that gets it; nil for what is no host.
    struct Ends {
        private(set) var sent: (host: String, packet: Packet)?
        private(set) var received: (host: String, packet: Packet)?

        init(_ probe: Probe, _ source: Machine, _ target: Machine) {
            guard let from = IPAddress(probe.from), let to = IPAddress(probe.to) else { return }
            let isSix = to.width == 128
            let number: ProtocolNumber =
                probe.protocol == "tcp" ? .tcp : probe.protocol == "udp" ? .udp : isSix ? .icmpv6 : .icmp
            let detail: UInt16 = probe.protocol == "icmp" ? (isSix ? 128 : 8) << 8 : probe.port
            let route = PacketRoute.output(by: source.interface(toward: to) ?? "none")
            var packet = Packet(route, from: from, to: to, number, detail: detail)
            if probe.protocol != "icmp" { packet.sourcePort = 50_000 }
            if isSix { packet.oddities.insert(.throughRouter) }
            if source.isHost { sent = (source.name, packet) }
            let bearing = target.interface(bearing: probe.to)
            packet.route = .input(by: bearing ?? "none")
            if target.interface(toward: from) != bearing { packet.oddities.insert(.withoutReturnPath) }
            if target.isHost { received = (target.name, packet) }
        }

        /// What the policy says of it.
        func verdict(_ intent: Intent) -> RuleVerdict {
            for end in [sent, received] {
                guard let end else { continue }
                let verdict = intent.host(end.host)?.rule(for: end.packet)?.verdict ?? .drop
                if verdict != .accept { return verdict }
            }
            return .accept
        }

        /// What the rules that both kernels hold make of it.
        func outcomes(_ held: [String: HeldEvaluator]) -> Outcomes {
            for end in [sent, received] {
                guard let end else { continue }
                let outcomes = held[end.host]?.outcomes(end.packet) ?? .anything
                if outcomes != .accept { return outcomes }
            }
            return .accept
        }
    }
}

extension SiteInNamespaces.Machine {
    /// The addresses that others try: those that it does not bear for scans alone.
    fileprivate var probed: [String] {
        interfaces.flatMap { $0.addresses.prefix(2) }.map { String($0.prefix { $0 != "/" }) }
    }

    /// The interface by which a packet to the address leaves.
    fileprivate func interface(toward address: IPAddress) -> String? { link(toward: address)?.name }

    /// The address that a packet to that one is sent from.
    fileprivate func address(toward address: IPAddress) -> IPAddress? {
        link(toward: address)?.addresses.lazy.compactMap { IPAddress(String($0.prefix { $0 != "/" })) }
            .first { $0.width == address.width }
    }

    private func link(toward address: IPAddress) -> Link? {
        interfaces.first { $0.addresses.contains { IPNetwork.attached($0)?.contains(address) ?? false } }
            ?? interfaces.first
    }

    fileprivate func interface(bearing address: String) -> String? {
        interfaces.first { $0.addresses.contains { $0.hasPrefix(address + "/") } }?.name
    }
}

extension IPNetwork {
    /// The network of an interface's address: `10.10.0.21/24`.
    fileprivate static func attached(_ text: String) -> IPNetwork? {
        let parts = text.split(separator: "/")
        guard parts.count == 2, let address = IPAddress(String(parts[0])), let length = Int(parts[1]) else {
            return nil
        }
        return IPNetwork(containing: address, prefixLength: length)
    }
}
