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
            What is not understood makes the answer "unknown". Exit status: 0 when all is proved, 1 when it is not,
            2 when a file or the command is wrong.
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
        let claims = ClaimProver(SiteHosts(site.intent, of: site.model, held: rulesets)).prove(site.intent.claims)
        let hidden = Result { () throws(SpaceExhausted) in try HiddenRule.all(in: site.intent.hosts) }
        let isProved = proofs.allSatisfy { $0.answer == .proved } && claims.allSatisfy { $0.answer == .proved }
        if json {
            let members: [JSONValue.Member] = [
                .init("proved", .boolean(isProved)),
                .init("hosts", .array(proofs.map { .object($0.members(rulesets[$0.host])) })),
                .init("claims", .array(claims.map(Self.json))),
                .init("hidden", (try? hidden.get()).map { .array($0.map(Self.json)) } ?? .null),
            ]
            Output.line(JSONValue.object(members).indented)
        } else {
            for proof in proofs { for line in proof.lines(rulesets[proof.host], site) { Output.line(line) } }
            for claim in claims { show(claim, site) }
            switch hidden {
            case .success(let rules): for rule in rules { show(rule, site) }
            case .failure(let bound): Output.line("unknown  whether rules hide others: \(bound.reason("the rules"))")
            }
        }
        if !isProved { throw ExitCode(1) }
    }

    // MARK: - For people

    private func show(_ proof: ClaimProof, _ site: PolicySite) {
        let word = proof.answer == .proved ? "proved " : proof.answer == .refuted ? "BROKEN " : "unknown"
        let claim = "\(proof.claim.kind.rawValue) `\(proof.claim.id)`\(site.place(proof.claim.position))"
        Output.line("\(word)  \(claim)")
        if let packet = proof.packet { Output.line("         \(packet.text) \(proof.reason ?? "")") }
        if proof.packet == nil, let reason = proof.reason { Output.line("         \(reason)") }
        if let host = proof.host { Output.line("         \(host) decides by \(site.name(proof.rule))") }
    }

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
            .init("answer", .string(proof.answer.rawValue)),
            .init("packet", proof.packet?.json ?? .null),
            .init("host", proof.host.map { .string($0) } ?? .null),
            .init("reason", proof.reason.map { .string($0) } ?? .null),
            .init("rule", proof.rule?.json ?? .null),
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
