package import Gateway
package import Linux
import OpenSSL
package import Site

/// A site file taken from disk and made ready to be put into force: plan, certificates, addresses.
///
/// Made whole or not at all, so that a running configuration is never replaced by half of one.
package struct SiteConfiguration: Sendable {
    package let site: SiteModel
    package let gateway: GatewaySettings
    package let plan: Plan
    package let keyring: Keyring
    /// What the operator should know, though the configuration holds.
    package let warnings: [String]

    /// Reads and checks everything that `path` names.
    ///
    /// - Parameters:
    ///   - generation: the number of the plan; higher than that of the one in force.
    ///   - slots: places in the shared state; gains those of new servers.
    package static func load(
        path: String,
        generation: UInt64,
        slots: inout PlanCompiler.Slots
    ) throws(ConfigurationError) -> SiteConfiguration {
        let outcome = SiteFile.load(path: path)
        guard let site = outcome.model else { throw .site(outcome) }
        guard let gateway = site.gateway else { throw .noGateway(path) }
        let plan = try PlanCompiler(site: site, gateway: gateway).plan(
            generation: generation,
            slots: &slots,
            readFile: { (path: String) throws(ConfigurationError) in
                do throws(FileError) {
                    return try FileReading.read(path, limit: 1 << 20)
                } catch {
                    throw .file(error)
                }
            }
        )
        var warnings: [String] = []
        let keyring = try loadKeys(site, plan: plan, warnings: &warnings)
        return SiteConfiguration(site: site, gateway: gateway, plan: plan, keyring: keyring, warnings: warnings)
    }

    private static func loadKeys(
        _ site: SiteModel,
        plan: Plan,
        warnings: inout [String]
    ) throws(ConfigurationError) -> Keyring {
        var loaded: [String: [CertificateBundle]] = [:]
        for name in Set(plan.listeners.flatMap { $0.tls?.certificates ?? [] }) {
            guard let settings = site.certificates[name] else { continue }
            let bundles = try load(settings, store: site.certificateStore)
            for bundle in bundles {
                do {
                    try bundle.requireValid(at: Int64(Clock.realtimeMicroseconds / 1_000_000))
                } catch {
                    throw .certificate(name, "\(error)")
                }
                for wanted in settings.names where !bundle.names.contains("\(wanted)") {
                    warnings.append("certificate \(name): it does not cover \(wanted), which the site file names")
                }
            }
            loaded[name] = bundles
        }
        return Keyring(loaded)
    }

    private static func load(
        _ settings: CertificateSettings,
        store: String
    ) throws(ConfigurationError) -> [CertificateBundle] {
        switch settings.issuer {
        case .files(let pairs):
            var bundles: [CertificateBundle] = []
            for pair in pairs { bundles.append(try load(pair, of: settings.name)) }
            return bundles
        case .internal, .acme:
            throw .certificate(settings.name, "there is none in the store \(store)")
        }
    }

    private static func load(_ pair: CertificateFiles, of name: String) throws(ConfigurationError) -> CertificateBundle
    {
        do {
            let certificate = try FileReading.read(pair.certificate, limit: 1 << 20)
            let key = try FileReading.readSecret(pair.key, limit: 1 << 16)
            return try CertificateBundle(certificatePEM: certificate.span, keyPEM: key.bytes)
        } catch let error as FileError {
            throw .file(error)
        } catch {
            throw .certificate(name, "\(pair.certificate): \(error)")
        }
    }
}

/// Why a configuration was not made. Its text says what to do.
package enum ConfigurationError: Error, CustomStringConvertible {
    /// The site file is wrong: every fault of it.
    case site(SiteFile.Outcome)
    case noGateway(String)
    case file(FileError)
    case certificate(String, String)

    package var description: String {
        switch self {
        case .site(let outcome): outcome.text
        case .noGateway(let path):
            "\(path): the site has no section `gateway`; add one, or run this command for a site that has"
        case .file(let error): "\(error)"
        case .certificate(let name, let reason): "certificate \(name): \(reason)"
        }
    }
}
