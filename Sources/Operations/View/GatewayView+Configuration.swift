package import Control
package import Gateway
import Glibc
import Linux
import OpenSSL
import Site

extension GatewayView {
    /// The version that this program says it has.
    package static let programVersion = "0.1.0"

    /// The view of a gateway that runs in this process, with `configuration`.
    ///
    /// - Parameter started: when the gateway was started that this one goes on as: microseconds since 1970; nil for now.
    package init(_ configuration: SiteConfiguration, state: SharedState, workers: Int, started: UInt64? = nil) {
        self.init(
            site: configuration.site.name,
            version: Self.programVersion,
            process: getpid(),
            started: started ?? Clock.realtimeMicroseconds,
            plan: configuration.plan,
            state: state,
            workers: workers
        )
        adopt(configuration)
    }

    /// Takes over a configuration that came into force.
    package mutating func adopt(_ configuration: SiteConfiguration) {
        site = configuration.site.name
        plan = configuration.plan
        addresses = [:]
        for (listener, settings) in zip(configuration.plan.listeners, configuration.gateway.listeners) {
            addresses[listener.id] = settings.addresses.map { "\($0)" }
        }
        authority = configuration.authority
        certificateStore = configuration.site.certificateStore
        storeWarnings = configuration.storeWarnings
        clientListsEnds = configuration.clientListsEnds
        certificateSettings = configuration.site.certificates
        certificates = configuration.keyring.certificates.mapValues { $0.map(ShownCertificate.init) }
    }

    /// Takes over what a data plane serves that was there before this process: its certificates are known to it alone.
    internal mutating func adopt(_ snapshot: GatewaySnapshot) {
        plan = snapshot.plan
        addresses = snapshot.addresses.mapValues { names in
            names.compactMap { SocketAddress(description: $0.text) }.filter { !$0.isUnspecified }.map(\.host)
        }
        certificates = [:]
    }

    /// Shows what is on trial; what was counted of those that go on stays.
    internal mutating func adopt(trials fresh: [String: CertificateTrial]) {
        trials = Dictionary(
            uniqueKeysWithValues: fresh.map { name, trial in
                let shown = trial.bundles.map(ShownCertificate.init)
                let report = trials[name].flatMap { $0.stands(for: shown) ? $0.report : nil }
                return (
                    name,
                    ShownTrial(share: trial.share, certificates: shown, report: report ?? .init(name: name))
                )
            }
        )
    }

    /// Shows what has become of what is on trial.
    internal mutating func show(_ reports: [CertificateTrialReport]) {
        for report in reports { trials[report.name]?.report = report }
    }
}

extension ShownTrial {
    fileprivate func stands(for shown: [ShownCertificate]) -> Bool {
        certificates.elementsEqual(shown) { $0.certificate === $1.certificate }
    }
}
