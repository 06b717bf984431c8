import Control
import Linux
import Site

extension MetricsListener {
    /// Serves the metrics of `view` where the site file says.
    ///
    /// - Parameters:
    ///   - inherited: what the program before this one left, which may be listening there already.
    ///   - own: where this gateway listens until the site file is in force.
    /// - Returns: nil when the site file asks for no metrics.
    internal static func start(
        _ settings: MetricsSettings?,
        adopting inherited: [SharedSegment],
        besides own: [SocketAddress],
        of view: CurrentView
    ) throws(MetricsFailure) -> MetricsListener? {
        guard let settings else { return nil }
        let address = try socketAddress(of: settings)
        do {
            let left = inherited.first { $0.name == segmentName(at: address) }
            if left == nil { try ListenerSet.requireFree(address, besides: own) }
            return try MetricsListener(on: address, adopting: left) { MetricsReport.text(of: view.value) }
        } catch let error as SystemError {
            throw MetricsFailure(reason: "\(ListenerError(address: address, cause: error))")
        } catch {
            throw MetricsFailure(reason: "\(error)")
        }
    }

    /// Finds out whether metrics could be served as `settings` say, without doing so.
    internal static func rehearse(
        _ settings: MetricsSettings,
        besides own: [SocketAddress]
    ) throws(MetricsFailure) {
        let request = ListenerRequest(address: try socketAddress(of: settings))
        do throws(ListenerError) {
            try ListenerSet.rehearse([request], besides: own)
        } catch {
            throw MetricsFailure(reason: "\(error)")
        }
    }

    private static func socketAddress(of settings: MetricsSettings) throws(MetricsFailure) -> SocketAddress {
        guard let address = SocketAddress("\(settings.address)", port: settings.port) else {
            throw MetricsFailure(reason: "\(settings.address) is no address")
        }
        return address
    }
}

/// The address for metrics cannot be had.
internal struct MetricsFailure: Error, CustomStringConvertible {
    /// What is wrong, where, and what to do.
    let reason: String

    var description: String { "gateway.metrics: \(reason)" }
}
