import Site

/// Which routers a connection passes, by the networks that they are attached to.
extension Rehearsal {
    /// The routers that a connection may pass, those at its source first, and together those that are as near to it: only
    /// those attached to both ends where there are such. No other leads to one of them that is the destination itself.
    func steps(_ connection: Connection) -> [[SiteHost]] {
        let near = routers.filter { $0.isAttached(to: connection.source) }
        let direct = near.filter { $0.isAttached(to: connection.destination) && isOnTheWay($0, connection) }
        if direct.contains(where: { $0.name == bearers[connection.destination] }) { return [] }
        if !direct.isEmpty { return [direct] }
        let between = routers.filter { isBetween($0, connection) }
        let far = routers.filter {
            !$0.isAttached(to: connection.source) && $0.isAttached(to: connection.destination)
        }
        let row = near.isEmpty ? Array(Self.row(between, from: far).reversed()) : Self.row(between, from: near)
        return [near] + row + (isReachedByItself(connection) ? [] : [far])
    }

    /// Those that a connection passes yet behind a router, by its source as that one sees it: of those that are as near one.
    func routersBehind(_ name: String, _ connection: Connection) -> [[SiteHost]] {
        let steps = steps(connection)
        guard let place = steps.firstIndex(where: { $0.contains { $0.name == name } }) else { return [] }
        return steps[(place + 1)...].map { $0.filter { isOnTheWay($0, connection) } }
    }

    /// The routers between, in the order in which they follow those at one end: first who shares a network with these.
    private static func row(_ between: [SiteHost], from end: [SiteHost]) -> [[SiteHost]] {
        var (row, left, last) = ([[SiteHost]](), between, end)
        while !last.isEmpty {
            let networks = Set(last.flatMap(\.sharedNetworks))
            last = left.filter { !networks.isDisjoint(with: $0.sharedNetworks) }
            left.removeAll { !networks.isDisjoint(with: $0.sharedNetworks) }
            row.append(last)
        }
        return row + left.map { [$0] }
    }

    /// Whether a router is the destination and has the source by an interface that its address is not on, or by its own
    /// provider: others which are attached to the network of the address do not lead there.
    private func isReachedByItself(_ connection: Connection) -> Bool {
        guard let router = bearers[connection.destination].flatMap({ hosts[$0] }), router.isRouter else { return false }
        let inputs = router.interfaces(toward: connection.source)
        let own = router.interfaces(toward: connection.destination)
        let isStranger =
            !router.isAttached(to: connection.source)
            && !router.interfaces.contains { $0.leads(to: connection.source) }
        return !inputs.isEmpty
            && inputs.allSatisfy { input in
                isStranger && input.bordersStrangers || !own.contains { $0.name == input.name }
            }
    }

    /// Whether a router that is attached to neither end is between these.
    func isBetween(_ router: SiteHost, _ connection: Connection) -> Bool {
        rows[router.name]?.contains { $0.leads(connection) } ?? false
    }

    func isOnTheWay(_ router: SiteHost, _ connection: Connection) -> Bool {
        let (source, destination) = (connection.source, connection.destination)
        if isBetween(router, connection) { return true }
        let (inputs, outputs) = (router.interfaces(toward: source), router.interfaces(toward: destination))
        guard router.isAttached(to: source) || router.isAttached(to: destination),
            inputs.count == 1 || outputs.count == 1
        else { return false }
        // Another router leads there behind the very interface that the connection comes by.
        let isBeside = inputs.contains { input in outputs.contains { $0.name == input.name } }
        return !isBeside && router.routes(.forward, from: source, to: destination).contains { $0.input != $0.output }
    }
}
