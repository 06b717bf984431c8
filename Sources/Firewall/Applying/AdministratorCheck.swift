package import Site

/// Whether the person who applies a ruleset could still come in after it.
package struct AdministratorCheck: Sendable {
    /// From where the administrator comes, and where to.
    package struct Access: Sendable, Equatable {
        package let source: IPAddress
        /// nil when it is not known which of the host's addresses is used.
        package let destination: IPAddress?
        package let port: UInt16

        /// Reads SSH_CONNECTION (ssh(1)): the client's address and port, the server's address and port.
        ///
        /// A link-local address comes with its zone, which is left out; an IPv4 address mapped into IPv6 is IPv4.
        package init?(sshConnection text: String) {
            let words = text.split(separator: " ")
            guard words.count == 4, let source = Self.address(words[0]), let destination = Self.address(words[2]),
                let port = UInt16(words[3]), port > 0
            else { return nil }
            (self.source, self.destination, self.port) = (source, destination, port)
        }

        /// Somebody at that address, by SSH.
        package init(source: IPAddress, port: UInt16 = 22) {
            (self.source, self.destination, self.port) = (source, nil, port)
        }

        private static func address(_ word: Substring) -> IPAddress? {
            let text = word.prefix { $0 != "%" }
            return IPAddress(String(text.hasPrefix("::ffff:") && text.contains(".") ? text.dropFirst(7) : text))
        }
    }

    package enum Verdict: Sendable, Equatable {
        /// A new connection would be let in by this rule.
        case admitted(rule: String)
        /// It would not, or its answers would not get out; by what.
        case refused(by: String)
        /// It hangs on a statement that is not understood; which.
        case unknown(String)
        /// The host has no address of the administrator's family.
        case unreachable
    }

    /// Asks rules about a new TCP connection and the answer to it, to any of the host's addresses when it is not known
    /// to which: now, and at `until`, since rules may end by themselves.
    ///
    /// - Parameters:
    ///   - held: what the kernel would hold, tables of others included.
    ///   - own: the machine's addresses, each with its interface.
    ///   - now: seconds since 1970, as `until`.
    package static func verdict(
        _ access: Access,
        _ held: HeldRuleset,
        own: [IPAddress: String],
        now: Int64,
        until: Int64
    ) -> Verdict {
        // Nobody reaches the machine's loopback addresses from elsewhere.
        let near = own.filter {
            $0.key.width == access.source.width && $0.key.isLoopback == access.source.isLoopback
        }
        let destinations = access.destination.flatMap { known in near[known].map { [known: $0] } } ?? near
        var worst = Verdict.unreachable
        for (destination, interface) in destinations.sorted(by: { "\($0.key)" < "\($1.key)" }) {
            let verdict = verdict(access, held, to: destination, by: interface, [now, until])
            if case .admitted = verdict { return verdict }
            if worst == .unreachable { worst = verdict }
        }
        return worst
    }

    private static func verdict(
        _ access: Access,
        _ held: HeldRuleset,
        to destination: IPAddress,
        by interface: String,
        _ moments: [Int64]
    ) -> Verdict {
        let inward = PacketRoute.input(by: interface)
        var request = Packet(inward, from: access.source, to: destination, .tcp, detail: access.port)
        request.sourcePort = clientPort
        // From behind a router, as nearly everybody is.
        if access.source.width == 128 { request.oddities = .throughRouter }
        let outward = PacketRoute.output(by: interface)
        var answer = Packet(outward, from: destination, to: access.source, .tcp, detail: clientPort)
        answer.sourcePort = access.port
        answer.state = .established
        answer.tcpFlags = 0x12
        var admitting: String?
        for moment in moments {
            let evaluator = HeldEvaluator(held.at(moment))
            for packet in [request, answer] {
                let trace = evaluator.trace(packet)
                let deciding = trace.described(in: held).last ?? "no rule"
                if packet.path == .input, let other = trace.redirection(in: held) { return other }
                if trace.outcomes == .accept {
                    admitting = admitting ?? trace.acceptingRule(in: held)
                } else if trace.outcomes.contains(.accept) {
                    return .unknown(trace.steps.lazy.compactMap(\.unknown).first ?? deciding)
                } else {
                    return .refused(by: packet.path == .input ? deciding : "its answer is stopped, \(deciding)")
                }
            }
        }
        return .admitted(rule: admitting ?? "no rule, since nothing is dropped")
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
                case .destination(let target): return .refused(by: "\(rule) sends it to \(target)")
                case .redirect, .other: return .unknown("\(rule) may send it elsewhere")
                case .masquerade, .source: continue
                }
            }
        }
        return nil
    }

    /// The id of the last rule of ours that accepts; of any table when none of ours does.
    fileprivate func acceptingRule(in held: HeldRuleset) -> String? {
        let accepting = steps.filter { $0.outcomes == .accept && $0.rule != nil }
        let ours = accepting.last { held.chains[$0.chain].table == TableName.own.name }
        guard let step = ours ?? accepting.last, let number = step.rule else { return nil }
        let chain = held.chains[step.chain]
        return chain.rules[number].id ?? chain.title
    }
}
