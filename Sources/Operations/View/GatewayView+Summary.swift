import Control
import Gateway

extension GatewayView {
    /// How the gateway stands, in one line: what a service manager shows. What was refused last comes first.
    package var summary: String {
        let servers = plan.pools.reduce(0) { $0 + $1.servers.count }
        let refused = refusal.map { "\($0.what): \($0.why); " } ?? ""
        let extent = "listeners: \(plan.listeners.count), pools: \(plan.pools.count), servers: \(servers)"
        let serving = dataPlane.map { "data plane \($0) serves" } ?? "no data plane serves yet"
        return "\(refused)\(site), configuration \(plan.generation): \(extent); \(serving)"
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
