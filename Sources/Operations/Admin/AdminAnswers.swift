import Certificates
package import Control
import Gateway
import Site

/// What the admin socket says of the running gateway, and the words by which an operator moves a server.
///
/// Control's handler asks here first and answers the rest (`reload`, `upgrade`) itself.
package struct AdminAnswers: Sendable {
    private let view: CurrentView

    package init(_ view: CurrentView) {
        self.view = view
    }

    /// - Returns: nil for a request that is not about status or a server.
    package func answer(_ request: AdminRequest) -> AdminReply? {
        switch request {
        case .status:
            let report = StatusReport(view.value, waits: SiteWishes.ofGateway.waits(at: Schedule.time))
            return .result(report.document.line, exit: report.isWanting ? 1 : 0)
        case .wish(let certificate):
            let wish = view.value.certificateSettings.wish(of: certificate)
            return .result((wish.map { JSONValue.string($0) } ?? .null).line)
        case .drain(let server): return change(server) { $0.drain() }
        case .ready(let server): return change(server) { $0.makeReady() }
        case .weight(let server, let weight): return change(server) { $0.setWeight(weight) }
        default: return nil
        }
    }

    private func change(_ name: String, _ change: (ServerControl) -> Void) -> AdminReply {
        let view = view.value
        switch ServerName.find(name, in: view.plan) {
        case .unknown(let text): return .error(text, exit: 2)
        case .found(let pool, let server):
            let control = ServerControl(state: view.state, pool: pool, server: server)
            let before = control.standing
            change(control)
            let document = JSONValue.object([
                .init("server", .string("\(pool.name)/\(server.name)")),
                .init("was", before),
                .init("is", control.standing),
            ])
            return .result(document.line)
        }
    }
}
