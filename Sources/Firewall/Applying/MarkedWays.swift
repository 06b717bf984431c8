package import Linux
package import Site

/// Ways that the kernel chooses by the mark of a packet, as wg-quick has it where a tunnel takes all addresses. The defence
/// `spoofing` asks for the way back of a packet that has none (`fib saddr . iif`).
package enum MarkedWays {
    /// One warning where `spoofing` may drop what comes by a way of marked packets; none where no rule of routing asks for
    /// marks, or the defence is off.
    ///
    /// - Parameter file: the site file, as it is to be named.
    package static func warnings(
        _ host: SiteHost,
        _ intent: HostIntent,
        rules: [RoutingRule],
        file: String
    ) -> [Diagnostic] {
        let marked = Set(rules.filter(\.asksForMark).map(\.priority)).sorted()
        let spoofing = FirewallDefence.spoofing.rawValue
        guard !marked.isEmpty, intent.input.contains(where: { $0.origin == .defence(spoofing) }) else { return [] }
        let list = marked.map { "\($0)" }.joined(separator: ", ")
        return [
            Diagnostic(
                .warning,
                .ineffective,
                file: file,
                at: host.position,
                message: "`ip rule` has rules that ask for a mark (\(list)), and the defence `\(spoofing)` asks for "
                    + "the way back to a source without one: where that leads by another interface, as with what "
                    + "carries a tunnel for all addresses, what comes is dropped",
                help: "then write `defences: { \(spoofing): false }`"
            )
        ]
    }
}
