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

    @Option(help: "The packet's source: an address, or a host of the site.")
    var from: String

    @Option(help: "The packet's destination: an address, or a host of the site.")
    var to: String

    @Option(
        name: .customLong("proto"),
        help: "tcp, udp, icmp, icmpv6, a name such as esp, or a number from 0 to 255. Default: the service's, else tcp."
    )
    var transport: String?

    @Option(help: "The destination port: a number, or a service as in the site file's lines; for ICMP the type.")
    var port: String?

    @Option(help: "The interface that the packet comes in or leaves by. Default: the one nearest to its peer.")
    var interface: String?

    @Option(help: "What the host's kernel holds, as `nft -j list ruleset` writes it: follow the packet there too.")
    var held: String?

    @Flag(help: "Write the answer as JSON.")
    var json = false

    func run() throws {
        let site = try PolicySite(path: options.path)
        let intent = try site.host(host)
        let asked = site.model.hosts[intent.host] ?? SiteHost(name: intent.host)
        for warning in site.unnamedAddresses(of: asked) { Output.error(warning.description) }
        let words = PacketWords(from: from, to: to, transport: transport, port: port, interface: interface)
        let journeys = try journeys(words, intent, site)
        let journey = journeys[0]
        let lease = words.lease(journey.packet, at: asked)
        let ruleset = try held.flatMap { try site.held(["\(intent.host)=\($0)"])[intent.host] }?.at(site.now)
        let trace = ruleset.map { HeldTrace(of: journeys, in: $0) }
        let steps = ruleset.flatMap { ruleset in trace.map { $0.described(in: ruleset) } }
        if json {
            Output.line(journey.json(trace, steps, lease).indented)
        } else {
            if let lease { Output.line(lease) }
            for line in journey.lines(site, trace, steps ?? []) { Output.line(line) }
        }
        let isThere = trace.map { $0.outcomes == .accept } ?? true
        if !journey.isLetThrough || !isThere { throw ExitCode(1) }
    }

    private func journeys(_ words: PacketWords, _ intent: HostIntent, _ site: PolicySite) throws -> [Journey] {
        do throws(PacketWords.Problem) {
            return try words.journeys(at: intent, of: site.intent, site.model, now: site.now)
        } catch {
            Output.error("\(error)")
            throw ExitCode(2)
        }
    }
}
