import Gateway
import Operations
import Testing

@Suite("How servers stand")
struct PoolStandingTests {
    @Test("up, with the last check's outcome")
    func up() throws {
        let made = try MadeView()
        made.bringUp()
        let server = made.standing.servers[0]
        #expect(server.state == .up)
        #expect(server.why == "last check passed: HTTP 200")
        #expect(server.effectiveWeight == 2)
    }

    @Test("failed checks that do not take it out yet are told")
    func failing() throws {
        let made = try MadeView()
        made.bringUp()
        made.set(0, .lastCheck, HealthVerdicts.Failure.badStatus.rawValue | 503 << 8)
        made.set(0, .checksInARow, 2)
        let server = made.standing.servers[0]
        #expect(server.state == .up)
        #expect(server.why == "last check failed: HTTP 503; 2 failed of the 3 in a row that take it out")
    }

    @Test("down says why, for each failure", arguments: HealthVerdicts.Failure.allCases)
    func down(failure: HealthVerdicts.Failure) throws {
        let made = try MadeView()
        made.bringUp()
        made.set(1, .health, SharedState.Health.down.rawValue)
        made.set(1, .lastCheck, failure.rawValue)
        made.set(1, .checksInARow, 1)
        let server = made.standing.servers[1]
        #expect(server.state == .down)
        #expect(server.effectiveWeight == 0)
        #expect(server.why.hasPrefix("last check failed: "))
        #expect(server.why.hasSuffix("; 1 passed of the 2 in a row that bring it back"))
    }

    @Test("not checked yet, and never checked, are two things")
    func unknown() throws {
        #expect(try MadeView().standing.servers[0].state == .unknown)
        let server = try MadeView(checks: false).standing.servers[0]
        #expect(server.state == .up)
        #expect(server.why == "no checks are asked for")
    }

    @Test("drained by an operator, or by its weight")
    func draining() throws {
        let made = try MadeView()
        made.bringUp()
        made.set(0, .admin, SharedState.Admin.drain.rawValue)
        made.set(1, .weight, 1)
        let servers = made.standing.servers
        #expect(servers[0].state == .draining && servers[0].why == "drained by an operator")
        #expect(servers[1].state == .draining && servers[1].why == "its weight is 0")
        #expect(servers[1].weight == 0)
    }

    @Test("taken out on purpose it is not down, but why says what its checks found")
    func drainedAndDown() throws {
        let made = try MadeView()
        made.bringUp()
        made.set(0, .admin, SharedState.Admin.drain.rawValue)
        made.set(1, .weight, 1)
        for server in 0..<2 {
            made.set(server, .health, SharedState.Health.down.rawValue)
            made.set(server, .lastCheck, HealthVerdicts.Failure.refused.rawValue)
        }
        let servers = made.standing.servers
        #expect(servers[0].state == .draining && servers[1].state == .draining)
        #expect(servers[0].why == "drained by an operator; last check failed: connection refused")
        #expect(servers[1].why == "its weight is 0; last check failed: connection refused")
        #expect(servers.map(\.isDown) == [true, true, false])
    }

    @Test("an ejected server gets nothing, unless no other is left")
    func ejected() throws {
        let made = try MadeView()
        made.bringUp()
        made.set(0, .ejectedUntil, MadeView.now + 8_200)
        made.set(0, .ejections, 3)
        var server = made.standing.servers[0]
        #expect(server.state == .ejected)
        #expect(server.effectiveWeight == 0)
        #expect(server.why == "requests to it failed, 3 times in a row; left out for another 9 s")
        made.set(1, .health, SharedState.Health.down.rawValue)
        made.set(2, .admin, SharedState.Admin.drain.rawValue)
        server = made.standing.servers[0]
        #expect(server.effectiveWeight == 2)
        #expect(server.why.hasSuffix("; serves all the same, for no other is left"))
    }

    @Test("slow start shows the weight that counts, the same as the balancer's share")
    func slowStart() throws {
        var made = try MadeView()
        made.bringUp()
        made.view.plan.pools[0].slowStart = 10_000
        made.set(0, .upSince, MadeView.now - 2_500)
        #expect(made.standing.servers[0].effectiveWeight == 0.5)
        // The balancer gives it 0.5 of 0.5 + 1 + 1: one turn in five.
        let balancer = Balancer(plan: made.view.plan.pools[0], state: made.state)
        let picks = (0..<50).compactMap { _ in balancer.select(now: MadeView.now, tried: TriedServers()) }
        #expect(picks.filter { $0 == 0 }.count == 10)
    }

    @Test("a name without an address is down")
    func unresolved() throws {
        var made = try MadeView()
        made.bringUp()
        made.view.plan.pools[0].servers[2].address = ""
        let server = made.standing.servers[2]
        #expect(server.state == .down && server.why == "its name has not been resolved yet")
    }
}
