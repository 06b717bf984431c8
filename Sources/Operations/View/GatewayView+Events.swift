package import Control
import Gateway

extension GatewayView {
    /// Takes over what befell a data plane.
    ///
    /// - Parameter time: microseconds since 1970.
    package mutating func note(_ event: SupervisorEvent, at time: UInt64) {
        restarts.note(event, at: time)
        switch event {
        case .started(let process, let sandbox): startedLast = (process, sandbox)
        case .published(let process, _, let berth):
            if dataPlane != process { sandbox = startedLast.flatMap { $0.process == process ? $0.sandbox : nil } }
            dataPlane = process
            state = state.at(berth: berth)
        case .adopted(let process, _, let berth):
            dataPlane = process
            state = state.at(berth: berth)
        case .lost(let process, _):
            if dataPlane == process { dataPlane = nil }
        default: break
        }
    }
}
