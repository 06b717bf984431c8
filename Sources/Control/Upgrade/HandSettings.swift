package import Gateway

/// What operators set by hand, apart from the memory in which it is: an upgrade to a version that lays this memory
/// out in another way must not send requests to a server that was drained.
package struct HandSettings: Codable, Equatable, Sendable {
    private struct Server: Codable, Equatable {
        let isDrained: Bool
        /// As `SharedState.ServerWord.weight`.
        let weight: UInt64
    }

    private var servers: [String: Server] = [:]

    /// Those that hold now.
    package init(_ slots: PlanCompiler.Slots, _ state: SharedState) {
        for (name, slot) in slots.servers.held {
            let server = Server(
                isDrained: state.load(server: slot, .admin) == SharedState.Admin.drain.rawValue,
                weight: state.load(server: slot, .weight)
            )
            if server.isDrained || server.weight != 0 { servers[name] = server }
        }
    }

    /// Sets them in new memory, for the servers that have a place in it.
    package func apply(_ slots: PlanCompiler.Slots, _ state: SharedState) {
        for (name, server) in servers {
            guard let slot = slots.servers.held[name] else { continue }
            let admin: SharedState.Admin = server.isDrained ? .drain : .ready
            state.store(server: slot, .admin, admin.rawValue)
            state.store(server: slot, .weight, server.weight)
        }
    }
}
