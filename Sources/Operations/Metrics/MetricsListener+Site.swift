package import Control
import Linux
package import Site

extension MetricsListener {
    /// Serves the metrics of `view` where the site file says.
    ///
    /// - Parameter inherited: what the program before this one left, which may be listening there already.
    /// - Returns: nil when the site file asks for no metrics.
    package static func start(
        _ settings: MetricsSettings?,
        adopting inherited: [SharedSegment] = [],
        of view: CurrentView
    ) throws(MetricsFailure) -> MetricsListener? {
        guard let settings else { return nil }
        guard let address = SocketAddress("\(settings.address)", port: settings.port) else {
            throw MetricsFailure(settings: settings, reason: "it is no address")
        }
        do throws(SystemError) {
            let left = inherited.first { $0.name == segmentName(at: address) }
            return try MetricsListener(on: address, adopting: left) { MetricsReport.text(of: view.value) }
        } catch {
            throw MetricsFailure(settings: settings, reason: "\(error)")
        }
    }
}

/// The address for metrics cannot be had.
package struct MetricsFailure: Error, CustomStringConvertible {
    package let settings: MetricsSettings
    package let reason: String

    package var description: String {
        "gateway.metrics: \(settings.address) port \(settings.port) cannot be listened on: \(reason); "
            + "name another address or port, or stop what holds it"
    }
}
