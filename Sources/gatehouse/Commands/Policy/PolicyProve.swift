import ArgumentParser
import Firewall
import Linux
import Site

struct PolicyProve: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prove",
        abstract: "Prove each claim of the policy over all hosts, or show a packet that breaks it.",
        discussion: """
            Both ends of a connection count: the source's egress and the destination's ingress. With --live, as root, also
            what this machine's kernel holds is proved to be what is meant, nothing more and nothing less, and the claims
            are proved of it; with --held so is a list of a kernel elsewhere.
            What is not understood makes the answer "unknown"; a line that lets nothing through, since others take all of
            it, is "void". What the baseline lets through beside the lines is listed. Exit status: 0 when all is proved,
            1 when it is not, 2 when a file or the command is wrong, 3 when the kernel cannot be asked.
            """
    )

    @OptionGroup var options: SiteOptions

    @Option(help: "HOST=FILE: what the kernel of a host holds, as `nft -j list ruleset` writes it; may be repeated.")
    var held: [String] = []

    @Flag(help: "What the kernel of this machine holds now, tables of others included.")
    var live = false

    @Option(help: "With --live, which host of the site this machine is. Default: the one whose addresses it bears.")
    var host: String?

    @Flag(help: "Write the answers as JSON.")
    var json = false

    func validate() throws {
        guard live || host == nil else { throw ValidationError("--host says which host this machine is, for --live.") }
    }

    func run() throws {
        Allocator.keepFreedMemory()
        let site = try PolicySite(path: options.path)
        var rulesets = try site.held(held)
        if live {
            let host = try site.machine(host)
            try PolicySite.requireMachine(of: host)
            guard rulesets[host.name] == nil else {
                throw ExitCode.refusal(
                    .wrong,
                    "--live and --held both say what the kernel of \(host.name) holds, which is this machine: leave one out"
                )
            }
            var held = try PolicySite.live()
            held.remarks += site.unnamedAddresses(of: host).map { [$0.message, $0.help ?? ""].joined(separator: "; ") }
            rulesets[host.name] = held
        }
        let hosts = site.intent.hosts.compactMap { host in rulesets[host.host].map { (host, $0) } }
        let proofs = Parallel.map(hosts) { host, held in HostProof(host, against: held) }
        let timeline = PolicyTimeline(site.model, held: rulesets, at: site.now)
        let hidden = Result { () throws(SpaceExhausted) in try timeline.hidden() }
        let known = (try? hidden.get())?.always
        let claims = timeline.prove(hidden: try? hidden.get())
        let defaults = BaselineDefault.all(in: site.intent.hosts)
        let isProved = known != nil && proofs.allSatisfy { $0.answer == .proved } && claims.allSatisfy(\.isProved)
        if json {
            let members: [JSONValue.Member] = [
                .init("proved", .boolean(isProved)),
                .init("hosts", .array(proofs.map { .object($0.members(rulesets[$0.host])) })),
                .init("claims", .array(claims.map(\.json))),
                .init("hidden", known.map { .array($0.map(Self.json)) } ?? .null),
                .init("defaults", .array(defaults.map(Self.json))),
            ]
            Output.line(JSONValue.object(members).indented)
        } else {
            for proof in proofs { for line in proof.lines(rulesets[proof.host], site) { Output.line(line) } }
            for claim in claims { for line in claim.lines(site) { Output.line(line) } }
            switch hidden {
            case .success(let rules):
                let void = Set(claims.filter { $0.word == "void" }.map(\.claim.id))
                for rule in rules.always where !void.contains(rule.rule.id) { show(rule, site) }
            case .failure(let bound): Output.line("unknown  whether rules hide others: \(bound.reason("the rules"))")
            }
            for one in defaults { show(one, site) }
        }
        if !isProved { throw ExitCode(1) }
    }

    // MARK: - For people

    private func show(_ one: BaselineDefault, _ site: PolicySite) {
        let all = one.hosts.count == site.intent.hosts.count
        let hosts = all ? "every host" : one.hosts.joined(separator: ", ")
        let limit = one.limit.map { ", \(Self.list(one.limitedPaths)) at most \($0) for each source" } ?? ""
        Output.line("default  `\(one.id)` lets \(one.traffic) through (\(Self.list(one.paths))) on \(hosts)\(limit)")
    }

    private static func list(_ paths: [PacketPath]) -> String { paths.map(\.rawValue).joined(separator: ", ") }

    private func show(_ hidden: HiddenRule, _ site: PolicySite) {
        let others = hidden.hiding.map { site.name($0) }.joined(separator: ", ")
        let words =
            hidden.decides
            ? "could go, it is redundant: without it the same becomes of all its packets, by"
            : "decides about nothing by the interfaces of the site file, it is \(hidden.kind.rawValue):"
        Output.line("note     rule \(site.name(hidden.rule)) \(words) \(others)")
    }

    // MARK: - For programs

    private static func json(_ one: BaselineDefault) -> JSONValue {
        .object([
            .init("id", .string(one.id)),
            .init("traffic", .string(one.traffic)),
            .init("paths", .strings(one.paths.map(\.rawValue))),
            .init("hosts", .strings(one.hosts)),
            .init("limit", one.limit.map { .string($0) } ?? .null),
            .init("limited-paths", .strings(one.limitedPaths.map(\.rawValue))),
        ])
    }

    private static func json(_ hidden: HiddenRule) -> JSONValue {
        .object([
            .init("kind", .string(hidden.kind.rawValue)),
            .init("decides", .boolean(hidden.decides)),
            .init("rule", hidden.rule.json),
            .init("hiding", .array(hidden.hiding.map(\.json))),
        ])
    }
}
