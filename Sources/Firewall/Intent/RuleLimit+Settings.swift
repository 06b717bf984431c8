import Site

extension RuleLimit {
    /// As a line of the policy says it.
    init(_ settings: FirewallLimit) {
        self.init(rate: settings.rate.map { Rate($0, burst: settings.burst) }, connections: settings.connections)
    }
}

extension RuleLimit.Rate {
    /// - Parameter burst: nil for as many as the rate says, and at least 5, which is nft's own.
    fileprivate init(_ rate: FirewallRate, burst: Int?) {
        self.init(count: rate.count, perSeconds: rate.unit.seconds, burst: burst ?? max(rate.count, 5))
    }

    /// The rate of a part that comes with the house. At once may come so many times the rate as of the usual one.
    ///
    /// - Parameters:
    ///   - setting: what the site file says of it.
    ///   - usual: its rate when the file gives none; its burst is a multiple of its count.
    init(_ setting: FirewallSwitch, otherwise usual: RuleLimit.Rate) {
        switch setting {
        case .rate(let rate): self.init(rate, burst: max(rate.count * (usual.burst / usual.count), 5))
        case .on, .off: self = usual
        }
    }
}
