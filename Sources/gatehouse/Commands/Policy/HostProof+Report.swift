import Firewall
import Site

extension HostProof {
    /// The answer, and each difference with its packet and the rules that decide on both sides.
    func lines(_ held: HeldRuleset?, _ site: PolicySite) -> [String] {
        var lines: [String] = []
        switch answer {
        case .proved: lines.append("proved   \(host): the kernel holds what is meant, nothing more, nothing less")
        case .refuted: lines.append("BROKEN   \(host): the kernel does not hold what is meant")
        case .unknown: lines.append("unknown  \(host): \(doubt ?? "a statement is not understood")")
        }
        for difference in differences {
            let packet = "\(difference.packet.path.rawValue): \(difference.packet.text) \(difference.kind.sentence)"
            let since = difference.since.map { ", from \(DateTime(seconds: $0)) on" } ?? ""
            lines.append("         \(packet)\(since)")
            lines.append("           the policy decides by \(site.name(difference.rule))")
            for step in held.map({ difference.trace.described(in: $0) }) ?? [] {
                lines.append("           the kernel: \(step)")
            }
        }
        return lines + (held?.remarks ?? []).map { "         note: \($0)" }
    }

    /// The same for programs.
    func members(_ held: HeldRuleset?) -> [JSONValue.Member] {
        [
            .init("host", .string(host)),
            .init("answer", .string(answer.rawValue)),
            .init("doubt", doubt.map { .string($0) } ?? .null),
            .init("remarks", .strings(held?.remarks ?? [])),
            .init(
                "differences",
                .array(
                    differences.map { difference in
                        .object([
                            .init("kind", .string(difference.kind.rawValue)),
                            .init("packet", difference.packet.json),
                            .init("since", difference.since.map { .string("\(DateTime(seconds: $0))") } ?? .null),
                            .init("rule", difference.rule?.json ?? .null),
                            .init("kernel", .strings(held.map { difference.trace.described(in: $0) } ?? [])),
                        ])
                    }
                )
            ),
        ]
    }
}

extension HostProof.Kind {
    fileprivate var sentence: String {
        switch self {
        case .more: "is let through and should not be"
        case .less: "is dropped and should not be"
        case .perhapsMore: "should be dropped, and may be let through"
        case .perhapsLess: "should be let through, and may be dropped"
        case .changed: "gets other addresses than it should"
        case .perhapsChanged: "may get other addresses than it should"
        }
    }
}
