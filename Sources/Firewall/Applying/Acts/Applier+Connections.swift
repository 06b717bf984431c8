import Linux
package import Site

/// What became of the connections that a change of the rules closed.
package struct EndedConnections: Sendable, Equatable {
    package var count = 0
    /// Whether there were more ends of connections than the kernel is asked the way to. Of the others those were ended,
    /// too, that the rules close by one interface and not by another.
    package var hasUnaskedWays = false
    /// Why some go on until they end by themselves; nil when none does.
    package var failure: String?
    /// Why connections that were open may stand still, since the kernel does not know them; nil when it does.
    package var untold: String?
}

extension Applier {
    /// Tells connection tracking which connections of this machine are open, and who began them, before rules come into
    /// force that let no segment of an unknown one through. Nobody may have tracked until now.
    ///
    /// - Parameter session: SSH_CONNECTION of whoever has the rules loaded; nil where it is not known. On its port this
    ///   machine was connected to.
    /// - Returns: why it could not; nil when it could.
    func tellOpenConnections(session: String? = nil) -> String? {
        let served = session.flatMap { AdministratorCheck.Access(sshConnection: $0) }?.port
        do throws(SystemError) {
            try ConnectionTable.add(OpenSockets.connections(serving: served))
            return nil
        } catch {
            return "\(error)"
        }
    }

    /// Ends what the one ruleset let in and the other does not; nil for no rules, which let everything in.
    func endConnections(from before: StoredPolicy?, to after: StoredPolicy?) -> EndedConnections {
        guard let after else { return EndedConnections() }
        guard let rules = after.intent else {
            let site = "the site file of generation \(after.ruleset.generation)"
            return EndedConnections(failure: "\(site) is not understood any more")
        }
        return endConnections(before: before?.intent, after: rules)
    }

    /// - Parameter before: nil for no rules, and for rules that are not understood any more.
    func endConnections(before: HostIntent?, after: HostIntent) -> EndedConnections {
        let own = InterfaceAddresses.all().compactMap { IPAddress($0.host) }
        let ways = KnownWays { address in
            // Which of several links an address of a link is on no route tells.
            address.isOfLink ? nil : (try? Route.to(address.bytes))?.interfaces
        }
        // What has ended lets nothing in any more, and keeps nothing out.
        let now = Self.now
        let closed = ClosedConnections(before: before?.at(now), after: after.at(now), addresses: own) { ways.to($0) }
        var ended = EndedConnections()
        do throws(SystemError) {
            ended.count = try ConnectionTable.delete { closed.contains($0) }.count
        } catch {
            ended.failure = "\(error)"
        }
        ended.hasUnaskedWays = ways.isExhausted
        return ended
    }
}

/// The ways to addresses, each asked for once: one serves all connections of an address. No more than `limit` are, since
/// other commands and the watchdog wait meanwhile, and whoever opens connections decides how many ends there are.
package final class KnownWays {
    /// About half a second.
    package static let limit = 4_096

    /// Whether there was one more to ask for.
    package private(set) var isExhausted = false
    private var known: [IPAddress: [String]?] = [:]
    private let ask: (IPAddress) -> [String]?

    package init(_ ask: @escaping (IPAddress) -> [String]?) { self.ask = ask }

    /// The interfaces by which the machine sends to the address; nil where that is not known.
    package func to(_ address: IPAddress) -> [String]? {
        if let ways = known[address] { return ways }
        guard known.count < Self.limit else {
            isExhausted = true
            return nil
        }
        let ways = ask(address)
        known[address] = .some(ways)
        return ways
    }
}
