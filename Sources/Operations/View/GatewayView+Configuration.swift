package import Control
import Gateway
import Site

extension GatewayView {
    /// Takes over a configuration that came into force.
    package mutating func adopt(_ configuration: SiteConfiguration) {
        site = configuration.site.name
        plan = configuration.plan
        addresses = [:]
        for (listener, settings) in zip(configuration.plan.listeners, configuration.gateway.listeners) {
            addresses[listener.id] = settings.addresses.map { "\($0)" }
        }
        certificates = configuration.keyring.certificates.mapValues { $0.map(ShownCertificate.init) }
    }
}
