import Foundation
import Gateway
import Linux
import Site
import Testing

/// Places of servers and pools in the shared state, over many configurations.
@Suite("Places in the shared state")
struct SlotTests {
    private let layout = SharedState.Layout(workers: 2, pools: 4, servers: 8, berths: 2)

    private func state() throws -> SharedState {
        SharedState(region: try SharedMapping(name: "test", words: layout.words), layout: layout)
    }

    /// A plan with a pool of each name, each with the servers given by the last byte of their address.
    private func plan(_ pools: [String: [Int]], _ slots: inout PlanCompiler.Slots) throws -> Plan {
        let text = """
            site: slots.test
            gateway:
              listen: [{ port: 8080 }]
              routes: [{ hosts: "*", pool: \(try #require(pools.keys.min())) }]
              pools:
            \(pools.map { name, servers in
                "    \(name): { servers: [\(servers.map { "{ address: 192.0.2.\($0), port: 80 }" }.joined(separator: ", "))] }"
            }.joined(separator: "\n"))

            """
        return try compile(text, &slots)
    }

    private func compile(_ text: String, _ slots: inout PlanCompiler.Slots) throws -> Plan {
        let path = NSTemporaryDirectory() + "/slots-\(UUID().uuidString).yaml"
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let outcome = SiteFile.load(path: path)
        let site = try #require(outcome.model, "\(outcome.text)")
        return PlanCompiler(site: site, gateway: try #require(site.gateway))
            .plan(generation: 1, slots: &slots, readFile: { (_: String) throws(Never) in [] })
    }

    private func servers(_ plan: Plan) -> [String: Int] {
        Dictionary(uniqueKeysWithValues: plan.pools.flatMap(\.servers).map { ($0.address, $0.slot) })
    }

    @Test("a server keeps its place as long as it is named, and another one gets it when it has gone")
    func reuse() throws {
        let state = try state()
        var slots = PlanCompiler.Slots()
        let first = servers(try plan(["web": [1, 2]], &slots))
        let second = try plan(["web": [2, 3]], &slots)
        #expect(servers(second)["192.0.2.2"] == first["192.0.2.2"])
        #expect(slots.servers.extent == 3, "what is in force when the next one is made is not given away")
        slots.release(besides: second, state)
        let third = servers(try plan(["web": [2, 4]], &slots))
        #expect(third["192.0.2.4"] == first["192.0.2.1"])
        #expect(slots.servers.extent == 3)
    }

    @Test("a server keeps its place when another of its address joins it, and it is called by its port from then on")
    func sameAddress() throws {
        func plan(_ servers: String, _ slots: inout PlanCompiler.Slots) throws -> [ServerPlan] {
            let text = """
                site: slots.test
                hosts: { app-01: { roles: [app], addresses: [192.0.2.21/24] } }
                gateway:
                  listen: [{ port: 8080 }]
                  routes: [{ hosts: "*", pool: web }]
                  pools: { web: { servers: [\(servers)] } }

                """
            return try compile(text, &slots).pools[0].servers
        }
        var slots = PlanCompiler.Slots()
        let (address, host) = ("{ address: 192.0.2.1, port: 80 }", "{ host: app-01, port: 80 }")
        let few = try plan("\(address), \(host)", &slots)
        let many = try plan(
            "{ address: 192.0.2.1, port: 81 }, { host: app-01, port: 81 }, \(host), \(address)",
            &slots
        )
        #expect(many.map(\.name) == ["192.0.2.1:81", "app-01:81", "app-01:80", "192.0.2.1:80"])
        #expect(many[3].slot == few[0].slot && many[2].slot == few[1].slot)
        #expect(Set(many.map(\.slot)).count == 4)
    }

    @Test("a place where requests are under way is nobody else's, nor is its pool's")
    func busy() throws {
        let state = try state()
        var slots = PlanCompiler.Slots()
        let old = try plan(["old": [1]], &slots)
        let (server, pool) = (old.pools[0].servers[0].slot, old.pools[0].slot)
        state.store(server: server, .inFlight, 1)
        let new = try plan(["new": [2]], &slots)
        slots.release(besides: new, state)
        #expect(slots.servers.held["old/192.0.2.1:80"] == server && slots.pools.held["old"] == pool)
        state.store(server: server, .inFlight, 0)
        state.region.store(state.index(pool: pool, .queued), 1)
        slots.release(besides: new, state)
        #expect(slots.servers.held["old/192.0.2.1:80"] == nil && slots.pools.held["old"] == pool)
        state.region.store(state.index(pool: pool, .queued), 0)
        slots.release(besides: new, state)
        #expect(slots.pools.held["old"] == nil)
    }

    @Test("whoever gets a place finds nothing there of the one before")
    func cleared() throws {
        let state = try state()
        var slots = PlanCompiler.Slots()
        let old = try plan(["old": [1], "stays": [9]], &slots)
        let places = Dictionary(uniqueKeysWithValues: old.pools.map { ($0.name, ($0.slot, $0.servers[0].slot)) })
        for (pool, server) in places.values {
            for word in SharedState.ServerWord.allCases where word != .inFlight { state.store(server: server, word, 7) }
            for berth in 0..<2 {
                for worker in 0..<2 {
                    let seen = state.at(berth: berth)
                    seen.region.store(seen.index(worker: worker, pool: pool), 5)
                }
            }
        }
        let between = try plan(["stays": [9]], &slots)
        slots.release(besides: between, state)
        let before = slots
        let new = try plan(["new": [2], "stays": [9]], &slots)
        slots.clear(takenSince: before, in: state)
        let fresh = try #require(new.pools.first { $0.name == "new" })
        let (pool, server) = try #require(places["old"])
        #expect(fresh.slot == pool && fresh.servers[0].slot == server)
        #expect(SharedState.ServerWord.allCases.allSatisfy { state.load(server: server, $0) == 0 })
        #expect(state.total(pool: pool, 0) == 0)
        let (kept, keptServer) = try #require(places["stays"])
        #expect(state.load(server: keptServer, .health) == 7 && state.total(pool: kept, 0) == 20)
    }

    @Test("thousands of names in turn take no more room than those that are there at a time")
    func thousands() throws {
        let state = try state()
        var slots = PlanCompiler.Slots()
        var seed = UInt64.random(in: 1 ... .max)
        let first = seed
        for _ in 0..<3_000 {
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let name = "pool-\(seed >> 40)"
            let plan = try plan([name: [Int(seed >> 33 & 63) + 1, Int(seed >> 20 & 127) + 128]], &slots)
            slots.release(besides: plan, state)
            let taken = plan.pools[0].servers.map(\.slot)
            #expect(Set(taken).count == 2 && slots.servers.held.count == 2 && slots.pools.held.count == 1)
        }
        #expect(slots.servers.extent <= 4 && slots.pools.extent <= 2, "seed \(first): \(slots.servers.extent)")
    }
}
