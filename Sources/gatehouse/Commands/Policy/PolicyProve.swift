import ArgumentParser
import Firewall
import Linux
import Site

struct PolicyProve: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prove",
        abstract: "Prove each claim of the policy over all hosts, or show a packet that breaks it.",
        discussion: """
            Both ends of a connection count: the source's egress and the destination's ingress. With --held also what a
            kernel holds is proved to be what is meant, nothing more and nothing less, and the claims are proved of it.
            What is not understood makes the answer "unknown"; a line that lets nothing through, since others take all of
            it, is "void". What the baseline lets through beside the lines is listed. Exit status: 0 when all is proved,
            1 when it is not, 2 when a file or the command is wrong.
            """
    )

    @OptionGroup var options: SiteOptions

    @Option(help: "HOST=FILE: what the kernel of a host holds, as `nft -j list ruleset` writes it; may be repeated.")
    var held: [String] = []

    @Flag(help: "Write the answers as JSON.")
    var json = false

    func run() throws {
        Allocator.keepFreedMemory()
        let site = try PolicySite(path: options.path)
        let rulesets = try site.held(held)
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
                .init("claims", .array(claims.map(Self.json))),
                .init("hidden", known.map { .array($0.map(Self.json)) } ?? .null),
                .init("defaults", .array(defaults.map(Self.json))),
            ]
            Output.line(JSONValue.object(members).indented)
        } else {
            for proof in proofs { for line in proof.lines(rulesets[proof.host], site) { Output.line(line) } }
            for claim in claims { show(claim, site) }
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

    private func show(_ proof: ClaimProof, _ site: PolicySite) {
        let word = ["proved": "proved ", "refuted": "BROKEN ", "void": "void   "][proof.word] ?? "unknown"
        let claim = "\(proof.claim.kind.rawValue) `\(proof.claim.id)`\(site.place(proof.claim.position))"
        Output.line("\(word)  \(claim)")
        let since = proof.since.map { " from \(DateTime(seconds: $0)) on" } ?? ""
        if let packet = proof.packet { Output.line("         \(packet.text) \(proof.reason ?? "")\(since)") }
        if proof.packet == nil, let reason = proof.reason { Output.line("         \(reason)") }
        if let ended = proof.ended {
            Output.line("         lets nothing through: the line ended on \(DateTime(seconds: ended))")
        }
        if proof.isVoid, proof.packet != nil {
            Output.line("         lets nothing through: all of it is stopped, as lines or defences say")
        }
        if let host = proof.host { Output.line("         \(host) decides by \(site.name(proof.rule))") }
        if let taken = proof.taken {
            let others = taken.hiding.map { site.name($0) }.joined(separator: ", ")
            let verb = taken.hiding.count == 1 ? "takes" : "take"
            Output.line("         lets nothing through: \(others) \(verb) all of it")
        }
    }

    private func show(_ one: BaselineDefault, _ site: PolicySite) {
        let all = one.hosts.count == site.intent.hosts.count
        let hosts = all ? "every host" : one.hosts.joined(separator: ", ")
        let limit = one.limit.map { ", \(Self.list(one.limitedPaths)) at most \($0) for each source" } ?? ""
        Output.line("default  `\(one.id)` lets \(one.traffic) through (\(Self.list(one.paths))) on \(hosts)\(limit)")
    }

    private static func list(_ paths: [PacketPath]) -> String { paths.map(\.rawValue).joined(separator: ", ") }

    private func show(_ hidden: HiddenRule, _ site: PolicySite) {
        let others = hidden.hiding.map { site.name($0) }.joined(separator: ", ")
        Output.line(
            "note     rule \(site.name(hidden.rule)) decides about nothing, it is \(hidden.kind.rawValue): \(others)"
        )
    }

    // MARK: - For programs

    private static func json(_ proof: ClaimProof) -> JSONValue {
        .object([
            .init("claim", .string(proof.claim.kind.rawValue)),
            .init("id", .string(proof.claim.id)),
            .init("line", .integer(proof.claim.position.line)),
            .init("answer", .string(proof.word)),
            .init("taken-by", proof.taken.map { .array($0.hiding.map(\.json)) } ?? .null),
            .init("packet", proof.packet?.json ?? .null),
            .init("host", proof.host.map { .string($0) } ?? .null),
            .init("reason", proof.reason.map { .string($0) } ?? .null),
            .init("since", proof.since.map { .string("\(DateTime(seconds: $0))") } ?? .null),
            .init("ended", proof.ended.map { .string("\(DateTime(seconds: $0))") } ?? .null),
            .init("rule", proof.rule?.json ?? .null),
        ])
    }

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
            .init("rule", hidden.rule.json),
            .init("hiding", .array(hidden.hiding.map(\.json))),
        ])
    }
}
