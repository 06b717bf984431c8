import Gateway
import Site

/// Moves one server in and out of the rotation, through the words that all balancers read.
internal struct ServerControl {
    let state: SharedState
    let pool: PoolPlan
    let server: ServerPlan

    /// Requests under way end; new ones go elsewhere.
    func drain() { set(.admin, SharedState.Admin.drain.rawValue) }

    func makeReady() { set(.admin, SharedState.Admin.ready.rawValue) }

    /// - Parameter weight: 0...256. That of the site file takes the hand-set one away, which else holds until the
    /// site file gives the server another weight.
    func setWeight(_ weight: Int) { set(.weight, weight == server.weight ? 0 : UInt64(weight) + 1) }

    private func set(_ word: SharedState.ServerWord, _ value: UInt64) {
        state.store(server: server.slot, word, value)
        state.touch(pool: pool.slot)
    }

    /// `{"admin": "ready" or "drain", "weight": N}`
    var standing: JSONValue {
        let isDrained = state.load(server: server.slot, .admin) == SharedState.Admin.drain.rawValue
        let weight = ServerStanding.weight(of: server, setByHand: state.load(server: server.slot, .weight))
        return .object([
            .init("admin", .string(isDrained ? "drain" : "ready")),
            .init("weight", .integer(weight)),
        ])
    }
}
