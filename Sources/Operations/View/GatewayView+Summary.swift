import Control
import Gateway
import Linux

extension GatewayView {
    /// How the gateway stands, in one line: what a service manager shows. What was refused last comes first.
    package var summary: String {
        let servers = plan.pools.reduce(0) { $0 + $1.servers.count }
        let refused = refusal.map { "\($0.what): \($0.why); " } ?? ""
        let clock = clockDoubt.map { "\($0.words); " } ?? ""
        let extent = "listeners: \(plan.listeners.count), pools: \(plan.pools.count), servers: \(servers)"
        let serving = dataPlane.map { "data plane \($0) serves" } ?? "no data plane serves yet"
        return "\(refused)\(clock)\(site), configuration \(plan.generation): \(extent); \(serving)"
    }

    /// The same after something befell a data plane; nil when nothing has changed for those who are served.
    internal func summary(after event: SupervisorEvent) -> String? {
        switch event {
        case .published: summary
        case .ended, .lost, .stuck, .unresponsive, .cannotStart: "\(event)"
        case .started, .adopted, .refused, .draining, .drained: nil
        }
    }
}

extension WallClock.Doubt {
    /// What an operator should know.
    internal var words: String {
        let days = (abs(ahead) + 43_200) / 86_400
        return "THE CLOCK HAS JUMPED \(days) days \(ahead > 0 ? "ahead" : "back") and is not believed: set it right, "
            + "or, when it is, run `gatehouse reload`"
    }
}
