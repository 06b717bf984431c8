import Gateway
import Linux
import OpenSSL
import Operations

/// A gateway's view over shared state that the test writes by hand: two workers, a pool `web` of three servers.
struct MadeView {
    let state: SharedState
    var view: GatewayView

    /// The moment at which tests look, milliseconds.
    static let now: UInt64 = 1_000_000

    init(pool name: String = "web", checks: Bool = true) throws {
        let layout = SharedState.Layout(workers: 4, pools: 4, servers: 8)
        state = SharedState(region: try SharedMapping(name: "test", words: layout.words), layout: layout)
        var plan = Plan()
        plan.generation = 3
        var pool = PoolPlan(name: name, slot: 1)
        pool.ejection = EjectionPlan(failures: 5, pause: 10_000, maxPause: 300_000)
        pool.servers = [
            ServerPlan(name: "app-01", slot: 0, address: "10.10.0.21", port: 8080, weight: 2),
            ServerPlan(name: "app-02", slot: 1, address: "2001:db8::22", port: 8080, weight: 1),
            ServerPlan(name: "app-03", slot: 2, address: "10.10.0.23", port: 8080, weight: 1),
        ]
        if checks {
            pool.health = HealthPlan(every: 2000, timeout: 1000, fall: 3, rise: 2)
            pool.health?.path = "/healthz"
        }
        plan.pools = [pool]
        var secure = ListenerPlan(id: 1, port: 443)
        secure.http2 = true
        secure.tls = TLSPlan(certificates: ["foobar.com"])
        var plain = ListenerPlan(id: 2, port: 80)
        plain.redirectPort = 443
        plan.listeners = [secure, plain]
        view = GatewayView(
            site: "foobar.com",
            version: "1.2.3",
            process: 100,
            started: 1_700_000_000_000_000,
            plan: plan,
            state: state,
            workers: 2
        )
        view.addresses = [1: [], 2: ["198.51.100.10", "2001:db8:1::10"]]
    }

    func set(_ server: Int, _ word: SharedState.ServerWord, _ value: UInt64) {
        state.store(server: server, word, value)
    }

    func set(worker: Int, _ counter: Counter, _ value: UInt64) {
        state.region.store(state.index(worker: worker, counter), value)
    }

    /// Sets a word of the pool's counters.
    func set(worker: Int, poolWord word: Int, _ value: UInt64) {
        state.region.store(state.index(worker: worker, pool: 1) + word, value)
    }

    /// All servers pass their checks with HTTP 200.
    func bringUp() {
        for server in 0..<3 {
            set(server, .health, SharedState.Health.up.rawValue)
            set(server, .checks, 10)
            set(server, .lastCheck, 200 << 8)
        }
    }

    var standing: PoolStanding { PoolStanding(view.plan.pools[0], in: state, now: Self.now) }
}
