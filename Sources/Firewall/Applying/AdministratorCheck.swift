package import Site

/// Whether the person who applies a ruleset could still come in after it.
package struct AdministratorCheck: Sendable {
    /// From where the administrator comes, and where to.
    package struct Access: Sendable, Equatable {
        package let source: IPAddress
        /// nil when it is not known which of the host's addresses is used.
        package let destination: IPAddress?
        package let port: UInt16
        /// The interface that an address of a link comes by; nil when it is not said.
        package let interface: String?

        /// Reads SSH_CONNECTION (ssh(1)): the client's address and port, the server's address and port.
        ///
        /// A link-local address comes with its zone; an IPv4 address mapped into IPv6 is IPv4.
        package init?(sshConnection text: String) {
            let words = text.split(separator: " ")
            guard words.count == 4, let (source, zone) = Self.address(words[0]),
                let (destination, _) = Self.address(words[2]), let port = UInt16(words[3]), port > 0
            else { return nil }
            (self.source, self.destination, self.port, interface) = (source, destination, port, zone)
        }

        /// Somebody at an address, which may have a zone as fe80::7%eth0 has, by SSH; nil when it is none.
        package init?(_ address: String, port: UInt16) {
            guard let (source, zone) = Self.address(Substring(address)) else { return nil }
            (self.source, destination, self.port, interface) = (source, nil, port, zone)
        }

        private static func address(_ word: Substring) -> (IPAddress, zone: String?)? {
            let parts = word.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
            let text = parts[0]
            let plain = text.hasPrefix("::ffff:") && text.contains(".") ? text.dropFirst(7) : text
            return IPAddress(String(plain)).map { ($0, parts.count == 2 ? String(parts[1]) : nil) }
        }
    }

    package enum Verdict: Sendable, Equatable {
        /// A new connection would be let in by this rule.
        case admitted(rule: String)
        /// It would not, or what follows its first packet would not come through; by what.
        case refused(by: Refusal)
        /// It hangs on a statement that is not understood; which.
        case unknown(String)
        /// The machine knows no way to the administrator.
        case unreachable
    }

    /// What stops a connection.
    package struct Refusal: Sendable, Equatable, CustomStringConvertible {
        package let description: String
        /// Whether it is a table of others, of which the site file says nothing.
        package let isForeign: Bool
        /// Whether it stops no packet of the connection, but neighbour discovery (`discovery`).
        package let stopsNeighbours: Bool
        /// The id of our rule that stops it; nil when no rule lets it through.
        package let rule: String?
    }

    /// What is said of a connection, and of which way in; nil when there is none.
    package typealias Finding = (verdict: Verdict, entrance: Entrance?)

    /// Asks rules about a new TCP connection, the answer to it, what then goes both ways, and what IPv6 needs before any of
    /// it: now, and at `until`, since rules may end by themselves.
    ///
    /// One way in is enough; it must be open by each of its interfaces.
    /// - Parameters:
    ///   - held: what the kernel would hold, tables of others included.
    ///   - entrances: where the connection may come in.
    ///   - now: seconds since 1970, as `until`.
    package static func finding(
        _ access: Access,
        _ held: HeldRuleset,
        at entrances: [Entrance],
        now: Int64,
        until: Int64
    ) -> Finding {
        var worst: Finding = (.unreachable, nil)
        for entrance in entrances {
            var verdict = Verdict.unreachable
            for interface in entrance.interfaces {
                verdict = self.verdict(access, held, at: entrance, by: interface, [now, until])
                guard case .admitted = verdict else { break }
            }
            if case .admitted = verdict { return (verdict, entrance) }
            if worst.entrance == nil { worst = (verdict, entrance) }
        }
        return worst
    }

    private static func verdict(
        _ access: Access,
        _ held: HeldRuleset,
        at entrance: Entrance,
        by interface: String,
        _ moments: [Int64]
    ) -> Verdict {
        let request = request(access, at: entrance, by: interface)
        let outward = PacketRoute.output(by: interface)
        var answer = Packet(outward, from: entrance.destination, to: access.source, .tcp, detail: clientPort)
        answer.sourcePort = access.port
        answer.state = .established
        answer.tcpFlags = 0x12
        var exchange = [(packet: request, what: ""), (answer, "its answer is stopped, ")]
        // The acknowledgement, and data: by now the connection is known.
        for flags in [UInt8(0x10), 0x18] {
            for (first, what) in [(request, "what follows it is stopped, "), (answer, "what goes back is stopped, ")] {
                var packet = first
                (packet.state, packet.tcpFlags) = (.established, flags)
                exchange.append((packet, what))
            }
        }
        exchange += discovery(access, at: entrance, by: interface)
        var admitting: String?
        for moment in moments {
            let evaluator = HeldEvaluator(held.at(moment))
            for (packet, what) in exchange {
                let trace = evaluator.trace(packet)
                let deciding = trace.described(in: held).last ?? "no rule"
                if packet.path == .input, let other = trace.redirection(in: held) { return other }
                if trace.outcomes == .accept {
                    admitting = admitting ?? trace.acceptingRule(in: held)
                } else if trace.outcomes.contains(.accept) {
                    return .unknown(trace.doubt(in: held) ?? deciding)
                } else {
                    let isDiscovery = packet.protocolNumber == .icmpv6
                    return .refused(by: trace.refusal(what + deciding, in: held, stopsNeighbours: isDiscovery))
                }
            }
        }
        return .admitted(rule: admitting ?? "no rule, since nothing is dropped")
    }

    /// The first packet of a new connection.
    private static func request(_ access: Access, at entrance: Entrance, by interface: String) -> Packet {
        let inward = PacketRoute.input(by: interface)
        var request = Packet(inward, from: access.source, to: entrance.destination, .tcp, detail: access.port)
        request.sourcePort = clientPort
        request.oddities = .toOwnAddress
        // From behind a router, as nearly everybody is.
        if access.source.width == 128 { request.oddities.insert(.throughRouter) }
        if entrance.isDetour { request.oddities.insert(.withoutReturnPath) }
        return request
    }

    /// The rules whose limits a new connection meets: the one that lets it in, and defences that come before it. How many
    /// connections of one source the house lets through of itself is more than a person begins, and bounds nobody.
    ///
    /// - Parameter rule: the id of the one that lets it in.
    package static func bounds(
        _ access: Access,
        at entrance: Entrance,
        _ intent: HostIntent,
        admittedBy rule: String
    ) -> [IntentRule] {
        let requests = entrance.interfaces.map { interface in
            var packet = request(access, at: entrance, by: interface)
            packet.oddities.insert(.overLimit)
            return packet
        }
        guard let last = intent.input.firstIndex(where: { $0.id == rule }) else { return [] }
        return intent.input[...last].filter { rule in
            guard let limit = rule.limit, requests.contains(where: rule.matches) else { return false }
            return rule.verdict == .accept
                || limit.measures.contains { !LimitMeasure.rate(FirewallDefence.usualFlood).isAtMost($0) }
        }
    }

    /// A port as clients have them.
    private static let clientPort: UInt16 = 40_000
}

extension HeldTrace {
    /// What becomes of the connection when a rule sends it elsewhere; nil when none does.
    fileprivate func redirection(in held: HeldRuleset) -> AdministratorCheck.Verdict? {
        for step in steps {
            guard let number = step.rule, held.chains.indices.contains(step.chain) else { continue }
            let chain = held.chains[step.chain]
            let (comment, handle) = (chain.rules[number].comment, chain.rules[number].handle)
            let rule = "\(chain.title): " + (comment.map { "\"\($0)\"" } ?? "the rule with handle \(handle)")
            for case .translation(let change) in chain.rules[number].statements {
                if let unknown = step.unknown { return .unknown("\(rule), which hangs on \(unknown)") }
                switch change {
                case .destination(let target): return .refused(by: refusal("\(rule) sends it to \(target)", in: held))
                case .redirect, .other: return .unknown("\(rule) may send it elsewhere")
                case .masquerade, .source: return .unknown("\(rule) changes where it comes from")
                }
            }
        }
        return nil
    }

    fileprivate func refusal(
        _ text: String,
        in held: HeldRuleset,
        stopsNeighbours: Bool = false
    ) -> AdministratorCheck.Refusal {
        let last = steps.last { held.chains.indices.contains($0.chain) }
        let chain = last.map { held.chains[$0.chain] }
        let isOwn = chain?.isOwn ?? true
        let rule = last?.rule.flatMap { chain?.rules[$0].id }
        return AdministratorCheck.Refusal(
            description: text,
            isForeign: !isOwn,
            stopsNeighbours: stopsNeighbours,
            rule: isOwn ? rule : nil
        )
    }

    /// The id of the last rule of ours that accepts; of any table when none of ours does.
    fileprivate func acceptingRule(in held: HeldRuleset) -> String? {
        let accepting = steps.filter { $0.outcomes == .accept && $0.rule != nil }
        let ours = accepting.last { held.chains[$0.chain].isOwn }
        guard let step = ours ?? accepting.last, let number = step.rule else { return nil }
        let chain = held.chains[step.chain]
        return chain.rules[number].id ?? chain.title
    }
}
