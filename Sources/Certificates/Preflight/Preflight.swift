import OpenSSL
package import Site

/// A look at the DNS before a CA looks: what it must refuse is not asked of it, since failures count against its limits, and
/// what it will hardly find is said beside its own words. What is seen from here need not be what the CA sees: nothing found
/// here keeps a certificate from being ordered for good.
package struct Preflight: Sendable {
    /// Names that the CA must refuse, and why.
    package private(set) var refusals: [Unproven] = []
    /// Names that the CA may not find here, and why.
    package private(set) var doubts: [String: String] = [:]

    package init() {}

    /// - Parameters:
    ///   - names: what is to be ordered, as a site file writes it.
    ///   - policy: of the CA; nil for one that does not say how records call it.
    ///   - isReached: the CA comes to the names themselves, and not to the DNS alone.
    ///   - own: the addresses of the gateway.
    package init(
        of names: [String],
        _ policy: CAAPolicy?,
        isReached: Bool,
        own: Set<IPAddress>,
        _ lookup: any NameLookup
    ) {
        let names = names.filter { IPAddress($0) == nil }
        if let policy {
            let places = Set(names.flatMap(CAAPolicy.climb))
            let records = lookup.restrictions(at: places.sorted())
            for name in names {
                guard let why = policy.refusal(of: name, by: records) else { continue }
                refusals.append(Unproven(name: name.withoutWildcard, why: why))
            }
        }
        guard isReached else { return }
        let reached = names.filter { !$0.hasPrefix("*.") }
        for (name, addresses) in lookup.addresses(of: reached) {
            if addresses.isEmpty {
                doubts[name] =
                    "it has no address in the DNS, as seen from here: make an A or AAAA record that leads here"
            } else if own.isDisjoint(with: addresses) {
                doubts[name] =
                    "it leads to \(addresses.map { "\($0)" }.joined(separator: ", ")), as seen from here, which is no "
                    + "address of this gateway: right where addresses are translated before it, else correct the DNS"
            }
        }
    }

    /// What an order would fail by; nil when nothing is known.
    package var problem: ACMEProblem? {
        if refusals.count > 1 { return .challenges(refusals) }
        return refusals.first.map { .challenge(name: $0.name, why: $0.why) }
    }

    /// A failure of an order, with what was seen of the names that it is about.
    package func explaining(_ problem: ACMEProblem) -> ACMEProblem {
        func more(_ name: String, _ why: String) -> String { doubts[name].map { "\(why); \($0)" } ?? why }
        switch problem {
        case .challenge(let name, let why): return .challenge(name: name, why: more(name, why))
        case .challenges(let unproven):
            return .challenges(unproven.map { Unproven(name: $0.name, why: more($0.name, $0.why)) })
        default: return problem
        }
    }
}
