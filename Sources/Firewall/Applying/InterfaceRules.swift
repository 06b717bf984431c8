/// The rules of one path, to be asked about one packet by many interfaces: one walk through all rules tells which few
/// may decide about the packet, and only those are judged for each interface. A router of many interfaces would
/// otherwise walk through all its rules for each pair of them.
struct InterfaceRules {
    /// What a rule says of a packet that fulfils all but its interfaces.
    struct Decision {
        /// Any where packets of the path come in by none.
        let inputs: InterfaceSet
        /// Any where packets of the path leave by none.
        let outputs: InterfaceSet
        let admits: Bool

        fileprivate var isForAll: Bool { inputs.isAny && outputs.isAny }

        fileprivate func isAbout(_ input: String, _ output: String) -> Bool {
            inputs.contains(input) && outputs.contains(output)
        }
    }

    /// Each match of each rule, in order, with its interfaces apart.
    private let matches: [(match: PacketMatch, decision: Decision)]

    init(_ rules: [IntentRule], _ path: PacketPath) {
        matches = rules.flatMap { rule in
            rule.matches.map { match in
                let decision = Decision(
                    inputs: path == .output ? .any : match.inputInterfaces,
                    outputs: path == .input ? .any : match.outputInterfaces,
                    admits: rule.verdict == .accept
                )
                var rest = match
                (rest.inputInterfaces, rest.outputInterfaces) = (.any, .any)
                return (rest, decision)
            }
        }
    }

    /// What may decide about the packet, whatever its interfaces; the first that is about them does.
    func decisions(for packet: Packet) -> [Decision] {
        var decisions: [Decision] = []
        for (match, decision) in matches where match.contains(packet) {
            decisions.append(decision)
            if decision.isForAll { break }
        }
        return decisions
    }
}

extension [InterfaceRules.Decision] {
    /// Whether the packet that they are of is let through by these interfaces; what none decides about is dropped.
    func admit(by input: String, to output: String) -> Bool {
        first { $0.isAbout(input, output) }?.admits ?? false
    }
}
