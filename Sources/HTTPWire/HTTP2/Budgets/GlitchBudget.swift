/// One connection's budgets and the counters they feed.
struct GlitchBudget {
    let budgets: HTTP2Budgets
    private let counters: HTTP2GlitchCounters
    private var resets: TokenBucket
    private var frames: TokenBucket

    init(budgets: HTTP2Budgets, counters: HTTP2GlitchCounters, now: UInt64) {
        self.budgets = budgets
        self.counters = counters
        resets = TokenBucket(capacity: budgets.resets, perSecond: budgets.resetsPerSecond, now: now)
        frames = TokenBucket(capacity: budgets.framePoints, perSecond: budgets.framePointsPerSecond, now: now)
    }

    /// Charges one glitch; false when the budget is exhausted and the connection must end.
    mutating func charge(_ glitch: HTTP2Glitch, now: UInt64) -> Bool {
        counters.note(glitch)
        let paid =
            switch glitch {
            case .resetReceived, .resetProvoked: resets.take(1, now: now)
            default: frames.take(budgets.cost(of: glitch), now: now)
            }
        if !paid { counters.noteClosure(by: glitch) }
        return paid
    }

    /// A hard bound was crossed, whatever is left in the budgets.
    func exceeded(_ glitch: HTTP2Glitch) {
        counters.note(glitch)
        counters.noteClosure(by: glitch)
    }

    /// A DATA frame with payload was sent, which an honest client answers with WINDOW_UPDATE.
    mutating func earned() {
        frames.give(budgets.framePointsPerDataSent)
    }
}
