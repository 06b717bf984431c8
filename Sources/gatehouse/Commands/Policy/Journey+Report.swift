import Firewall
import Site

/// What is said of a packet's way.
extension Journey {
    /// - Parameters:
    ///   - trace: what the host's kernel makes of it; nil when that was not asked.
    ///   - steps: the trace in words.
    func lines(_ site: PolicySite, _ trace: HeldTrace?, _ steps: [String]) -> [String] {
        var lines: [String] = []
        if let redirection {
            lines.append(decision.heading(of: packet))
            lines.append("sent to \(redirection.target) by \(site.name(redirection))")
        }
        lines += decision.lines(site)
        if let (line, reason) = nearestRedirection {
            lines.append("\(site.name(line)) would send it to \(line.target), but \(reason)")
        }
        if let trace { lines += ["the kernel: \(trace.outcomes.word)"] + steps.map { "  \($0)" } }
        if let sourceChange {
            let source = sourceChange.source.map { "\($0)" }
            let unknown = "the address of \(sourceChange.interface), which the site file does not say"
            lines.append("its source becomes \(source ?? unknown), by \(site.name(sourceChange.translation))")
        }
        if let arrival {
            let isSourceKnown = sourceChange.map { $0.source != nil } ?? true
            let way = arrival.isShared ? "which of them has the address" : "the interface that it comes in by"
            let lacking = isSourceKnown ? way : "its source there"
            lines +=
                arrival.decision?.lines(site) ?? [
                    "whether \(arrival.host) lets it in is not known, since \(lacking) is not"
                ]
        }
        return lines
    }

    func json(_ trace: HeldTrace?, _ steps: [String]?, _ lease: String?) -> JSONValue {
        let lease: JSONValue = lease.map { .string($0) } ?? .null
        return .object(
            [.init("asked", packet.json), .init("by-dhcp", lease)] + decision.members + [
                .init("forward", redirection?.json(("to", redirection?.target)) ?? .null),
                .init(
                    "nearest-forward",
                    nearestRedirection.map { $0.translation.json(("lacking", $0.reason)) } ?? .null
                ),
                .init("source", sourceChange.map { $0.translation.json(("becomes", $0.source?.description)) } ?? .null),
                .init("destination", arrival.map { $0.decision.map { .object($0.members) } ?? $0.unknown } ?? .null),
                .init("let-through", .boolean(isLetThrough)),
                .init("kernel", trace.map { .string($0.outcomes.word) } ?? .null),
                .init("steps", steps.map { .strings($0) } ?? .null),
            ]
        )
    }
}

extension Journey.Arrival {
    /// The host, of which nobody knows what it decides.
    fileprivate var unknown: JSONValue { .object([.init("host", .string(host)), .init("accepted", .null)]) }
}

extension Explanation {
    fileprivate func heading(of packet: Packet) -> String { "\(host) \(packet.path.rawValue): \(packet.text)" }

    /// The packet, what becomes of it, and which rule decides or nearly did.
    fileprivate func lines(_ site: PolicySite) -> [String] {
        let word = isAccepted ? "accepted" : "dropped"
        let rule = rule.map { rule in
            site.name(rule) + (rule.expires.map { ", which ends on \(DateTime(seconds: $0))" } ?? "")
        }
        var lines = [heading(of: packet), rule.map { "\(word) by \($0)" } ?? "dropped, since no rule lets it through"]
        if let nearest {
            lines.append("the nearest rule that lets packets through is \(site.name(nearest.rule)):")
            lines += nearest.reasons.map { "  \($0)" }
        }
        return lines
    }

    fileprivate var members: [JSONValue.Member] {
        [
            .init("host", .string(host)),
            .init("packet", packet.json),
            .init("accepted", .boolean(isAccepted)),
            .init("rule", rule?.json ?? .null),
            .init("nearest", nearest?.rule.json ?? .null),
            .init("reasons", .strings(nearest?.reasons ?? [])),
        ]
    }
}

extension Translation {
    /// Where a packet is sent instead: `10.10.0.5`, or `10.10.0.5 port 22`.
    fileprivate var target: String {
        guard case .destination(let address, let port) = kind else { return "" }
        return address.description + (port.map { " port \($0)" } ?? "")
    }

    /// The line as an object, with one thing more.
    fileprivate func json(_ more: (name: String, value: String?)) -> JSONValue {
        var members: [JSONValue.Member] = [.init("id", .string(id))]
        if position.line > 0 { members.append(.init("line", .integer(position.line))) }
        members.append(.init(more.name, more.value.map { .string($0) } ?? .null))
        return .object(members)
    }
}
