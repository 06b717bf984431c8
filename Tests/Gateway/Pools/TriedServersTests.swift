import Gateway
import Linux
import Testing

@Suite("Servers that have failed a request")
struct TriedServersTests {
    /// A pool of so many servers, all of the same weight but for those of weight 0.
    private func balancer(_ count: Int, without idle: Range<Int> = 0..<0) throws -> Balancer {
        let layout = SharedState.Layout(workers: 1, pools: 1, servers: count)
        let state = SharedState(region: try SharedMapping(name: "test", words: layout.words), layout: layout)
        var pool = PoolPlan(name: "web", slot: 0)
        pool.servers = (0..<count).map { index in
            let weight = idle.contains(index) ? 0 : 1
            return ServerPlan(name: "app-\(index)", slot: index, address: "10.0.0.1", port: 80, weight: weight)
        }
        return Balancer(plan: pool, state: state)
    }

    @Test("are not given to it again, wherever they stand in the pool", arguments: [2, 16, 64, 65, 300])
    func never(count: Int) throws {
        let balancer = try balancer(count)
        for _ in 0..<count {
            var tried = TriedServers()
            var seen: Set<Int> = []
            for _ in 0..<min(count, TriedServers.most) {
                let server = try #require(balancer.select(now: 1, tried: tried))
                #expect(seen.insert(server).inserted, "server \(server) twice")
                #expect(!tried.contains(server))
                tried.insert(server)
                #expect(tried.contains(server))
                balancer.release(server)
            }
            if count <= TriedServers.most { #expect(balancer.select(now: 1, tried: tried) == nil) }
        }
    }

    @Test("leave the other one of two behind the first sixty-four")
    func behind() throws {
        let balancer = try balancer(72, without: 0..<70)
        var tried = TriedServers()
        tried.insert(71)
        for _ in 0..<10 { #expect(balancer.select(now: 1, tried: tried) == 70) }
        tried.removeAll()
        #expect(Set((0..<10).compactMap { _ in balancer.select(now: 1, tried: tried) }) == [70, 71])
    }

    @Test("are as many as a request may have tries, and no more are taken")
    func bound() {
        var tried = TriedServers()
        for server in 0..<100 { tried.insert(server) }
        #expect((0..<100).filter { tried.contains($0) } == Array(0..<TriedServers.most))
    }
}
