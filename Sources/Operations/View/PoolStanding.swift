package import Gateway

/// How a pool's servers stand at one moment, and why: what the balancer acts on, in an operator's words.
package struct PoolStanding: Sendable {
    package let plan: PoolPlan
    /// Requests that wait for a server.
    package let queued: UInt64
    package let servers: [ServerStanding]

    /// - Parameters:
    ///   - now: milliseconds, monotonic.
    ///   - nameProblems: see `GatewayView`.
    package init(_ plan: PoolPlan, in state: SharedState, now: UInt64, nameProblems: [String: String] = [:]) {
        self.plan = plan
        queued = state.load(pool: plan.slot, .queued)
        var servers = plan.servers.map { server in
            let problem = server.dnsName.flatMap { nameProblems[$0] }
            return ServerStanding(server, of: plan, in: state, now: now, nameProblem: problem)
        }
        // As the balancer has it: when all who could serve are ejected, they serve all the same.
        if !servers.contains(where: { $0.effectiveWeight > 0 }) {
            for index in servers.indices { servers[index].becomeLastResort() }
        }
        self.servers = servers
    }
}

/// One server at one moment.
package struct ServerStanding: Sendable {
    package enum State: String, Sendable, CaseIterable {
        case up, down, unknown, draining, ejected
    }

    package let plan: ServerPlan
    package private(set) var state: State
    /// The reason, as a phrase.
    package private(set) var why: String
    /// The weight of the site file, or the one set by hand.
    package let weight: Int
    /// The weight that the balancer goes by: 0 when the server gets nothing, less than `weight` in slow start.
    package private(set) var effectiveWeight: Double
    /// Milliseconds until an ejection ends; 0 when there is none.
    package let ejectedFor: UInt64
    package let inFlight: UInt64
    package let requests: UInt64
    package let failures: UInt64
    /// How often failed requests took it out.
    package let ejections: UInt64
    package let failuresInARow: UInt64
    package let checks: UInt64
    package let checksFailed: UInt64
    /// Whether an operator took it out.
    package let isDrained: Bool
    /// Whether its checks took it out or its name has no address, be it drained or not.
    package let isDown: Bool
    private let weightWhenServing: Double

    internal init(
        _ plan: ServerPlan,
        of pool: PoolPlan,
        in state: SharedState,
        now: UInt64,
        nameProblem: String? = nil
    ) {
        func word(_ word: SharedState.ServerWord) -> UInt64 { state.load(server: plan.slot, word) }
        self.plan = plan
        inFlight = word(.inFlight)
        requests = word(.requests)
        failures = word(.failures)
        ejections = word(.ejectionsTotal)
        failuresInARow = word(.failuresInARow)
        checks = word(.checks)
        checksFailed = word(.checksFailed)
        isDrained = word(.admin) == SharedState.Admin.drain.rawValue
        weight = Self.weight(of: plan, setByHand: word(.weight))
        let until = state.ejectionEnd(of: plan, in: pool)
        ejectedFor = until > now ? until - now : 0
        weightWhenServing = Self.slowStart(weight, of: pool, upSince: word(.upSince), now: now)
        let health = state.health(of: plan, in: pool)
        let check = CheckReport(state: state, server: plan, health: pool.health)
        var trouble: String?
        if plan.address.isEmpty {
            trouble = nameProblem.map { "its name cannot be resolved: \($0)" } ?? "its name has not been resolved yet"
        } else if health == .down {
            trouble = check.whyDown
        }
        isDown = trouble != nil
        if isDrained || weight == 0 {
            // Whoever takes a server out on purpose may well stop it.
            self.state = .draining
            why = isDrained ? "drained by an operator" : "its weight is 0"
            if let trouble { why += "; \(trouble)" }
        } else if let trouble {
            self.state = .down
            why = trouble
        } else if ejectedFor > 0 {
            self.state = .ejected
            why = Self.ejection(times: word(.ejections), milliseconds: ejectedFor)
        } else if pool.health != nil && health == .unknown {
            self.state = .unknown
            why = "not checked yet, taken for up"
        } else {
            self.state = .up
            why = pool.health == nil ? "no checks are asked for" : check.whyUp
            if failuresInARow > 0 { why += "; \(failuresInARow) failed requests in a row" }
        }
        if let nameProblem, !plan.address.isEmpty {
            why += "; its name cannot be resolved at the moment, the address is the last known: \(nameProblem)"
        }
        effectiveWeight = self.state == .up || self.state == .unknown ? weightWhenServing : 0
    }

    /// An ejected server serves on when no other is left.
    fileprivate mutating func becomeLastResort() {
        guard state == .ejected else { return }
        effectiveWeight = weightWhenServing
        why += "; serves all the same, for no other is left"
    }

    /// The weight in force. - Parameter setByHand: the shared word: 0 for none, else one more than the weight.
    internal static func weight(of plan: ServerPlan, setByHand: UInt64) -> Int {
        setByHand == 0 ? plan.weight : Int(clamping: setByHand - 1)
    }

    private static func slowStart(_ weight: Int, of pool: PoolPlan, upSince: UInt64, now: UInt64) -> Double {
        guard pool.slowStart > 0, upSince > 0, weight > 0, now < upSince &+ pool.slowStart else {
            return Double(weight)
        }
        let elapsed = now > upSince ? now - upSince : 0
        // The balancer deals in twentieths of a weight.
        return Double(max(1, UInt64(weight * 20) * elapsed / pool.slowStart)) / 20
    }

    private static func ejection(times: UInt64, milliseconds: UInt64) -> String {
        let seconds = (milliseconds + 999) / 1000
        let row = times > 1 ? ", \(times) times in a row" : ""
        return "requests to it failed\(row); left out for another \(seconds) s"
    }
}

/// What the active checks of a server came to, in words.
private struct CheckReport {
    let state: SharedState
    let server: ServerPlan
    let health: HealthPlan?

    var whyUp: String {
        let row = inARow
        let failing = row > 0 ? "; \(row) failed of the \(health?.fall ?? 0) in a row that take it out" : ""
        return "\(last)\(failing)"
    }

    var whyDown: String {
        let row = inARow
        let rising = row > 0 ? "; \(row) passed of the \(health?.rise ?? 0) in a row that bring it back" : ""
        return "\(last)\(rising)"
    }

    private var inARow: UInt64 { state.load(server: server.slot, .checksInARow) }

    private var last: String {
        guard state.load(server: server.slot, .checks) > 0 else { return "not checked yet" }
        let word = state.load(server: server.slot, .lastCheck)
        let status = word >> 8
        switch HealthVerdicts.Failure(rawValue: word & 0xFF) {
        case nil: return status > 0 ? "last check passed: HTTP \(status)" : "last check passed: it accepts connections"
        case .unreachable: return "last check failed: it cannot be reached"
        case .refused: return "last check failed: connection refused"
        case .timedOut: return "last check failed: no answer in time"
        case .badAnswer: return "last check failed: the answer was not HTTP or broke off"
        case .badStatus: return "last check failed: HTTP \(status)"
        case .badBody: return "last check failed: the body lacks the text asked for"
        }
    }
}
