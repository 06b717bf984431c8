import Linux
import OpenSSL
package import Site

/// Other programs of this host that use a certificate: a database, a mail server.
extension CertificateProvider {
    /// Runs the site's program for a certificate that was replaced, with the paths of what is there now. Blocks its thread
    /// until the program has ended, or was killed for taking too long.
    ///
    /// The program gets three arguments after its own: the certificate's name in the site file, the file of the chain, and
    /// that of the key. The files are those of one generation: what comes later is in others.
    ///
    /// - Parameter gateway: on whose host it is run: what it was run for is kept.
    /// - Returns: whether there is such a program.
    package func deploy(
        _ settings: CertificateSettings,
        at gateway: GatewayIdentity
    ) throws(CertificateProblem) -> Bool {
        guard let deploy = settings.deploy else { return false }
        let (chain, key) = try paths(of: settings)
        let fingerprint = try CertificateSource.loadChain(chain).first?.fingerprint
        let hook = HookProgram(
            deploy.command,
            timeout: deploy.timeout,
            outputPath: "\(store.folder)/hook-output/deploy-\(settings.name)"
        )
        do throws(HookProgram.Failure) {
            try hook.run([settings.name, chain, key])
        } catch {
            var record = deploymentRecord(of: settings, at: gateway)
            record.fail("\(error)", at: Self.clock)
            keep(record, of: settings, at: gateway)
            throw .deployment(name: settings.name, "\(error)")
        }
        keep(DeploymentRecord(deployed: fingerprint ?? ""), of: settings, at: gateway)
        return true
    }

    /// What became of a certificate's program so far.
    package func deploymentRecord(of settings: CertificateSettings, at gateway: GatewayIdentity) -> DeploymentRecord {
        let file = recordFile(of: settings, at: gateway)
        let kept = (try? store.read(file, in: Self.records, limit: DeploymentRecord.longest)) ?? []
        return DeploymentRecord(parsing: String(decoding: kept, as: UTF8.self))
    }

    /// What cannot be kept is run once more at the next start.
    private func keep(_ record: DeploymentRecord, of settings: CertificateSettings, at gateway: GatewayIdentity) {
        let file = recordFile(of: settings, at: gateway)
        let home = "\(store.folder)/\(Self.records)"
        do throws(FileError) {
            try FileWriting.createFolder(home)
            try FileWriting.replace("\(home)/\(file)", with: Array(record.text.utf8).span, mode: 0o600)
        } catch {
            store.remove(file, in: Self.records)
        }
    }

    /// Whether a certificate has a program that was not run to a good end for what is there now: it failed, or was broken off,
    /// or had not begun.
    package func owesDeployment(_ settings: CertificateSettings, at gateway: GatewayIdentity) -> Bool {
        guard settings.deploy != nil, let (chain, _) = try? paths(of: settings),
            let leaf = try? CertificateSource.loadChain(chain).first
        else { return false }
        return deploymentRecord(of: settings, at: gateway).deployed != leaf.fingerprint
    }

    /// What is wrong where the program was run for what is there now, and failed; nil when nothing is.
    package func deploymentFault(of settings: CertificateSettings, at gateway: GatewayIdentity) -> String? {
        let record = deploymentRecord(of: settings, at: gateway)
        guard record.failures > 0, owesDeployment(settings, at: gateway) else { return nil }
        return "not deployed: \(record.problem); \(record.failures) \(record.failures == 1 ? "try" : "tries") failed, "
            + "the running gateway tries again at \(UTC.text(record.next)), and "
            + "`gatehouse certs deploy \(settings.name)` at once"
    }

    /// The folder of the store where that is kept, and the file in it. Each host has programs of its own.
    private static let records = "deployed"

    private func recordFile(of settings: CertificateSettings, at gateway: GatewayIdentity) -> String {
        "\(settings.name).\(gateway)"
    }

    private func paths(of settings: CertificateSettings) throws(CertificateProblem) -> (chain: String, key: String) {
        if case .files(let pairs) = settings.issuer, let first = pairs.first { return (first.certificate, first.key) }
        let chain = try store.chainPath(settings.name)
        return (chain, "\(chain.dropLast("fullchain.pem".count))key.pem")
    }
}
