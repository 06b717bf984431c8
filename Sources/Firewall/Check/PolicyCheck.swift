package import Site

/// What `gatehouse check` says of the policy, without a kernel: lines that can have no effect, claims that lines break,
/// the file's own tests, and where the gateway needs what the policy does not give.
package struct PolicyCheck {
    let site: SiteModel
    let file: String
    let now: Int64
    let intent: Intent
    private var findings: [Diagnostic] = []

    /// - Parameters:
    ///   - file: the site file, as the user named it.
    ///   - now: in seconds since 1970.
    /// - Returns: nothing for a site that does not use the firewall.
    package static func findings(_ site: SiteModel, file: String, now: Int64) -> [Diagnostic] {
        guard site.firewall.isUsed else { return [] }
        var check = PolicyCheck(site, file, now)
        check.checkLines()
        check.checkTranslations()
        check.checkClaims()
        check.checkVoidLines()
        check.checkMasquerades()
        check.checkTests()
        check.checkGateway()
        return check.findings
    }

    /// The claims that lines of the policy break, as warnings.
    package static func brokenClaims(_ site: SiteModel, file: String, now: Int64) -> [Diagnostic] {
        guard !site.firewall.never.isEmpty || !site.firewall.exactly.isEmpty else { return [] }
        var check = PolicyCheck(site, file, now)
        check.checkClaims()
        return check.findings.map { finding in
            var warning = finding
            warning.severity = .warning
            return warning
        }
    }

    /// The file's own tests that do not get what they expect, as errors.
    package static func failedTests(_ site: SiteModel, file: String, now: Int64) -> [Diagnostic] {
        guard !site.firewall.tests.isEmpty else { return [] }
        var check = PolicyCheck(site, file, now)
        check.checkTests()
        return check.findings
    }

    /// The lines of `allow` of which a masquerade takes something at a host, or by it as a router, as warnings.
    package static func maskedLines(_ site: SiteModel, host: String, file: String, now: Int64) -> [Diagnostic] {
        guard !site.firewall.masquerade.isEmpty else { return [] }
        var check = PolicyCheck(site, file, now)
        check.checkMasquerades(concerned: host)
        return check.findings
    }

    init(_ site: SiteModel, _ file: String, _ now: Int64) {
        self.site = site
        self.file = file
        self.now = now
        intent = Intent(of: site, at: now)
    }

    mutating func report(
        _ severity: Diagnostic.Severity,
        _ code: Diagnostic.Code,
        _ position: SourcePosition,
        _ message: String,
        help: String? = nil
    ) {
        findings.append(
            Diagnostic(
                severity,
                code,
                file: file,
                at: position,
                message: message,
                help: help
            )
        )
    }

    // MARK: Lines

    /// Lines that are over, that no packet fulfils, or that no host of the site carries out.
    private mutating func checkLines() {
        for rule in site.firewall.allow + site.firewall.deny {
            if let expires = rule.expires, expires.seconds <= now {
                report(.warning, .ineffective, rule.position, "the rule ended on \(expires)", help: "remove the line")
            }
        }
        let carried = Set(intent.hosts.flatMap { ($0.input + $0.forward + $0.output).map(\.id) })
        for flow in intent.flows where flow.origin == .written && !carried.contains(flow.id) {
            report(
                .warning,
                .ineffective,
                flow.position,
                "the rule `\(flow.id)` concerns no host of the site",
                help: "one end must be a host, or a router must be between them, with interfaces of the named zones"
            )
        }
        checkZones(carried)
        checkBaseline()
    }

    /// Lines that mean hosts by name which have no interface of the line's zone. A `deny` is as good as carried out where
    /// the site file says of all interfaces that they are of others.
    private mutating func checkZones(_ carried: Set<String>) {
        for flow in intent.flows where flow.origin == .written && flow.ends == .both && carried.contains(flow.id) {
            for (zone, party) in [(flow.inZone, flow.destinations), (flow.outZone, flow.sources)] {
                guard let zone else { continue }
                let named = party.named.sorted().compactMap { site.hosts[intent.hosts[$0].host] }
                let idle = named.filter {
                    $0.interfaces(in: zone) == nil && (flow.verdict == .accept || $0.interfaces.isEmpty)
                }
                if idle.isEmpty { continue }
                let rest = idle.count > 3 ? ["\(idle.count - 3) more"] : []
                let names = idle.prefix(3).map { "`\($0.name)`" } + rest
                report(
                    .warning,
                    .ineffective,
                    flow.position,
                    "the rule `\(flow.id)` says nothing at \(names.joined(separator: ", ")): no interface of theirs is of "
                        + "the zone `\(zone)`",
                    help: "give the host `interfaces` with zones, name other hosts, or leave the zone out"
                )
            }
        }
    }

    /// Lines of `forward` and `masquerade` that no router carries out, or of which another line leaves nothing.
    private mutating func checkTranslations() {
        let lines =
            site.firewall.forwards.map { ($0.position, $0.inZone) }
            + site.firewall.masquerade.map { ($0.position, $0.outZone) }
        for (position, zone) in lines {
            let hiding: [Translation?] = intent.hosts.flatMap { host in
                host.translations.indices.filter { host.translations[$0].isOf(position) }.map { index in
                    let one = host.translations[index]
                    return host.translations[..<index].first { $0.isAll(of: one) }
                }
            }
            if hiding.isEmpty {
                report(
                    .warning,
                    .ineffective,
                    position,
                    "no router carries the line out",
                    help: "it takes a host with the role `router` and an interface of the zone `\(zone)`, and "
                        + "addresses of one family at both ends; IPv6 is not masqueraded"
                )
            } else if let first = hiding[0], hiding.allSatisfy({ $0 != nil }) {
                report(
                    .warning,
                    .ineffective,
                    position,
                    "line \(first.position.line) \(first.kind == .unchanged ? "denies" : "changes") all of it before "
                        + "this line is asked",
                    help: "remove one of the lines, or have them name different sources or services"
                )
            }
        }
    }

    // MARK: Claims

    private mutating func checkClaims() {
        for proof in PolicyTimeline(site, at: now).prove([.never, .exactly]) {
            let claim = proof.claim
            let since = proof.since.map { " from \(DateTime(seconds: $0)) on" } ?? ""
            let word = "the claim `\(claim.id)`"
            switch proof.answer {
            case .proved:
                guard proof.isVoid else { continue }
                // What is about nobody is harmless, as of a group with one host; what should be about the internet is not.
                report(
                    claim.emptiness == nil ? .warning : .error,
                    .claim,
                    claim.position,
                    "\(word) is void: \(proof.reason ?? "")",
                    help: claim.emptiness == nil
                        ? "name ends of which a connection can be, with addresses of one family, or remove the claim"
                        : "write `any` for every address, and remove it from `networks`"
                )
            case .unknown:
                // `apply` refuses what is not proved.
                report(
                    .error,
                    .claim,
                    claim.position,
                    "\(word) cannot be decided\(since): \(Self.subject(proof, described))\(proof.reason ?? "")",
                    help: "`gatehouse policy prove` shows the packet"
                )
            case .refuted:
                report(
                    .error,
                    .claim,
                    claim.position,
                    "\(word) is broken\(since): \(Self.subject(proof, described))\(Self.verdict(proof.rule))",
                    help: remedy(proof)
                )
            }
        }
    }

    /// What mends a broken claim. Strangers whom a `deny` is about, and not all of them, need only be none by name.
    private func remedy(_ proof: ClaimProof) -> String {
        guard let rule = proof.rule, rule.verdict == .accept || rule.origin == .written else {
            return "allow it, or give up the claim"
        }
        let narrowing = "narrow that rule, or give up the claim"
        let strangers = proof.claim.strangers
        guard rule.verdict != .accept, let packet = proof.packet, strangers.contains(packet.source),
            let line = intent.flows.first(where: { $0.origin == .written && $0.id == rule.id }),
            !strangers.isSubset(of: line.sources.addresses)
        else { return narrowing }
        return "whom that rule keeps out, give a name in `networks`, which is no part of `internet`; or \(narrowing)"
    }

    /// The connection that a proof is about, before what becomes of it; empty when there is none.
    static func subject(_ proof: ClaimProof, _ described: (Connection) -> String) -> String {
        proof.packet.map { described(Connection($0)) + (proof.lease.map { ", \($0)," } ?? "") + " " } ?? ""
    }

    static func verdict(_ rule: IntentRule?) -> String {
        guard let rule else { return "is let through by no rule" }
        let line = rule.position.line > 0 ? " (line \(rule.position.line))" : ""
        return "is \(rule.verdict == .accept ? "let through" : "refused") by `\(rule.id)`\(line)"
    }

    /// The connection, with the names of the hosts at its ends.
    func described(_ connection: Connection) -> String {
        let bearers = site.hosts.values.filter { host in
            host.allAddresses.contains { $0.address == connection.destination }
        }.map(\.name).sorted()
        return connection.description + (bearers.isEmpty ? "" : " (\(bearers.joined(separator: " or ")))")
    }
}

extension Translation {
    /// Whether the line at that place makes it. Positions as such are all equal.
    fileprivate func isOf(_ place: SourcePosition) -> Bool {
        (position.line, position.column) == (place.line, place.column)
    }

    /// Whether it is of another line and takes whatever the other would change.
    fileprivate func isAll(of other: Translation) -> Bool {
        let (one, two) = (changed, other.changed)
        return decidesDestination == other.decidesDestination && !isOf(other.position) && expires == nil
            && one.inputInterfaces == two.inputInterfaces && one.outputInterfaces == two.outputInterfaces
            && one.oddities == two.oddities && two.sources.isSubset(of: one.sources)
            && two.destinations.isSubset(of: one.destinations) && two.traffic.isSubset(of: one.traffic)
    }
}
