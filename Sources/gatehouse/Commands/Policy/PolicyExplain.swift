import ArgumentParser
import Firewall
import Site

struct PolicyExplain: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Follow one packet through a host's rules: which decides, and which nearly did.",
        discussion: """
            The packet begins a connection. It goes to the host, from it, or else through it. What a router passes on,
            to a forwarded port or otherwise, is followed to the host of the site that it is for. Exit status: 0 when
            it is let through, 1 when it is dropped, 2 when the site file or the command is wrong.
            """
    )

    @OptionGroup var options: SiteOptions

    @Option(help: "The host whose rules are followed. May be left out where the site has one.")
    var host: String?

    @Option(help: "The packet's source address.")
    var from: String

    @Option(help: "The packet's destination address.")
    var to: String

    @Option(name: .customLong("proto"), help: "tcp, udp, sctp, icmp, icmpv6, or a number from 0 to 255.")
    var transport = "tcp"

    @Option(help: "The destination port; for ICMP the type.")
    var port: UInt16?

    @Option(help: "The interface that the packet comes in or leaves by. Default: the one nearest to its peer.")
    var interface: String?

    @Option(help: "What the host's kernel holds, as `nft -j list ruleset` writes it: follow the packet there too.")
    var held: String?

    @Flag(help: "Write the answer as JSON.")
    var json = false

    func run() throws {
        let site = try PolicySite(path: options.path)
        let intent = try site.host(host)
        let packet = try packet(site.model.hosts[intent.host] ?? SiteHost(name: intent.host))
        let journey = Journey(packet, at: intent, of: site.intent, site.model, now: site.now)
        let ruleset = try held.flatMap { try site.held(["\(intent.host)=\($0)"])[intent.host] }?.at(site.now)
        let trace = ruleset.map { journey.trace(in: $0) }
        let steps = ruleset.flatMap { ruleset in trace.map { $0.described(in: ruleset) } }
        if json {
            Output.line(journey.json(trace, steps).indented)
        } else {
            for line in journey.lines(site, trace, steps ?? []) { Output.line(line) }
        }
        let isThere = trace.map { $0.outcomes == .accept } ?? true
        if !journey.isLetThrough || !isThere { throw ExitCode(1) }
    }

    private func packet(_ host: SiteHost) throws -> Packet {
        guard let source = IPAddress(from), let destination = IPAddress(to), source.width == destination.width else {
            Output.error("--from \(from) --to \(to): these must be two addresses, both of IPv4 or both of IPv6")
            throw ExitCode(2)
        }
        guard let number = ProtocolNumber(word: transport) else {
            Output.error("--proto \(transport): write tcp, udp, sctp, icmp, icmpv6 or a number from 0 to 255")
            throw ExitCode(2)
        }
        let isICMP = number == .icmp || number == .icmpv6
        guard !isICMP || port ?? 0 <= 255 else {
            Output.error("--port \(port ?? 0): the types of ICMP go from 0 to 255")
            throw ExitCode(2)
        }
        let echo: UInt16 = number == .icmp ? 8 : 128
        let detail = isICMP ? (port ?? echo) << 8 : port ?? 0
        return Explanation.packet(from: source, to: destination, number, detail: detail, at: host, by: interface)
    }
}
