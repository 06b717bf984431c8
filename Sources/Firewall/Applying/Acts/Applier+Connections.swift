import Linux
import Site

/// What became of the connections that a change of the rules closed.
package struct EndedConnections: Sendable, Equatable {
    package var count = 0
    /// Why some go on until they end by themselves; nil when none does.
    package var failure: String?
}

extension Applier {
    /// Ends what the one ruleset let in and the other does not; nil for no rules, which let everything in.
    func endConnections(from before: StoredRuleset?, to after: StoredRuleset?) -> EndedConnections {
        guard let after else { return EndedConnections() }
        guard let rules = intent(of: after) else {
            let site = "the site file of generation \(after.generation)"
            return EndedConnections(failure: "\(site) is not understood any more")
        }
        return endConnections(before: before.flatMap { intent(of: $0) }, after: rules)
    }

    /// - Parameter before: nil for no rules, and for rules that are not understood any more.
    func endConnections(before: HostIntent?, after: HostIntent) -> EndedConnections {
        let own = InterfaceAddresses.all().compactMap { IPAddress($0.host) }
        // One way serves all connections of an address.
        var known: [IPAddress: [String]?] = [:]
        let closed = ClosedConnections(before: before, after: after, addresses: own) { address in
            if let ways = known[address] { return ways }
            let ways = (try? Route.to(address.bytes))?.interfaces
            known[address] = .some(ways)
            return ways
        }
        do throws(SystemError) {
            return EndedConnections(count: try ConnectionTable.delete { closed.contains($0) }.count)
        } catch {
            return EndedConnections(failure: "\(error)")
        }
    }
}
