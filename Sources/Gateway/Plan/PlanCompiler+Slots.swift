extension PlanCompiler {
    /// Places in the shared state, which servers and pools keep over reloads, and which others get once they have
    /// gone: so the room is used up by what there is at a time, not by all that there ever was.
    package struct Slots: Codable, Equatable, Sendable {
        package private(set) var pools = Places()
        package private(set) var servers = Places()

        package init() {}

        mutating func pool(_ name: String) -> Int { pools.take(name) }

        mutating func server(_ pool: String, _ name: String) -> Int { servers.take("\(pool)/\(name)") }

        /// Gives back the places that `plan`, which every worker goes by, does not name, and where no request is
        /// under way that began with a plan before it.
        ///
        /// A request that waits in a pool, or is tried again, keeps its servers' places as long as one of them is in
        /// use. What a straggler still writes to a place that has another owner by then is one count too many.
        package mutating func release(besides plan: Plan, _ state: SharedState) {
            let named = Set(plan.pools.flatMap { $0.servers.map(\.slot) })
            servers.release { _, place in !named.contains(place) && state.load(server: place, .inFlight) == 0 }
            let busy = Set(servers.held.keys.map { $0.prefix { $0 != "/" } })
            let kept = Set(plan.pools.map(\.slot))
            pools.release { name, place in
                !kept.contains(place) && !busy.contains(name[...]) && state.load(pool: place, .queued) == 0
            }
        }

        /// Forgets what stands at the places that names have got, or have got anew, since `before`.
        package func clear(takenSince before: Slots, in state: SharedState) {
            for place in servers.taken(since: before.servers) { state.clear(server: place) }
            for place in pools.taken(since: before.pools) { state.clear(pool: place) }
        }
    }

    /// Numbers from 0 on that names hold. One that is given back is the next that is taken.
    package struct Places: Codable, Equatable, Sendable {
        package private(set) var held: [String: Int] = [:]
        private var free: [Int] = []

        /// All places, held or free, are below it.
        package var extent: Int { held.count + free.count }

        fileprivate func taken(since before: Places) -> [Int] {
            held.filter { before.held[$0.key] != $0.value }.map(\.value)
        }

        mutating func take(_ name: String) -> Int {
            if let place = held[name] { return place }
            let place = free.popLast() ?? held.count
            held[name] = place
            return place
        }

        mutating func release(where isUnused: (String, Int) -> Bool) {
            let gone = held.filter { isUnused($0.key, $0.value) }
            for name in gone.keys { held[name] = nil }
            free += gone.values.sorted(by: >)
        }
    }
}
