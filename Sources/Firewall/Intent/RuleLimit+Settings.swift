import Site

extension RuleLimit {
    /// As a line of the policy says it.
    init(_ settings: FirewallLimit) {
        self.init(rate: settings.rate.map { Rate($0, burst: settings.burst) }, connections: settings.connections)
    }

    /// The rate of a part that comes with the house.
    ///
    /// - Parameters:
    ///   - setting: what the site file says of it.
    ///   - usual: its rate when the file gives none, with its burst.
    init(_ setting: FirewallSwitch, otherwise usual: FirewallRate, burst: Int) {
        switch setting {
        case .rate(let rate): self.init(rate: Rate(rate, burst: nil))
        case .on, .off: self.init(rate: Rate(usual, burst: burst))
        }
    }
}

extension RuleLimit.Rate {
    /// - Parameter burst: nil for as many as the rate says, and at least 5, which is nft's own.
    fileprivate init(_ rate: FirewallRate, burst: Int?) {
        self.init(count: rate.count, perSeconds: rate.unit.seconds, burst: burst ?? max(rate.count, 5))
    }
}
