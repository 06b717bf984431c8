import Firewall
import Site

extension ClaimProof {
    /// The answer, and where it is not "proved" the packet that shows why.
    func lines(_ site: PolicySite) -> [String] {
        let answer = ["proved": "proved ", "refuted": "BROKEN ", "void": "void   "][word] ?? "unknown"
        var lines = ["\(answer)  \(claim.kind.rawValue) `\(claim.id)`\(site.place(claim.position))"]
        let since = since.map { " from \(DateTime(seconds: $0)) on" } ?? ""
        let lease = lease.map { ", \($0)," } ?? ""
        if let packet { lines.append("         \(packet.text)\(lease) \(reason ?? "")\(since)") }
        if packet == nil, let reason { lines.append("         \(reason)") }
        if let ended { lines.append("         lets nothing through: the line ended on \(DateTime(seconds: ended))") }
        if isVoid, packet != nil {
            lines.append("         lets nothing through: all of it is stopped, as lines or defences say")
        }
        if let host { lines.append("         \(host) decides by \(site.name(rule))") }
        if let taken {
            let others = taken.hiding.map { site.name($0) }.joined(separator: ", ")
            let verb = taken.hiding.count == 1 ? "takes" : "take"
            lines.append("         lets nothing through: \(others) \(verb) all of it")
        }
        return lines
    }

    /// The same for programs.
    var json: JSONValue {
        .object([
            .init("claim", .string(claim.kind.rawValue)),
            .init("id", .string(claim.id)),
            .init("line", .integer(claim.position.line)),
            .init("answer", .string(word)),
            .init("taken-by", taken.map { .array($0.hiding.map(\.json)) } ?? .null),
            .init("packet", packet?.json ?? .null),
            .init("host", host.map { .string($0) } ?? .null),
            .init("by-dhcp", lease.map { .string($0) } ?? .null),
            .init("reason", reason.map { .string($0) } ?? .null),
            .init("since", since.map { .string("\(DateTime(seconds: $0))") } ?? .null),
            .init("ended", ended.map { .string("\(DateTime(seconds: $0))") } ?? .null),
            .init("rule", rule?.json ?? .null),
        ])
    }
}
