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
            throw .deployment(name: settings.name, "\(error)")
        }
        // What cannot be kept is run once more at the next start.
        let record = record(of: settings, at: gateway)
        let text = Array("\(fingerprint ?? "")\n".utf8)
        do throws(FileError) {
            try FileWriting.createFolder("\(store.folder)/deployed")
            try FileWriting.replace(record, with: text.span, mode: 0o600)
        } catch {
            FileWriting.remove(record)
        }
        return true
    }

    /// Whether a certificate has a program that was not run to a good end for what is there now: it failed, or was broken off,
    /// or had not begun.
    package func owesDeployment(_ settings: CertificateSettings, at gateway: GatewayIdentity) -> Bool {
        guard settings.deploy != nil, let (chain, _) = try? paths(of: settings),
            let leaf = try? CertificateSource.loadChain(chain).first
        else { return false }
        let kept = (try? FileReading.read(record(of: settings, at: gateway), limit: 128, trust: .ownerWrites)) ?? []
        return String(decoding: kept, as: UTF8.self) != "\(leaf.fingerprint)\n"
    }

    /// The SHA-256 of the certificate that the program was run for last. Each host has programs of its own.
    private func record(of settings: CertificateSettings, at gateway: GatewayIdentity) -> String {
        "\(store.folder)/deployed/\(settings.name).\(gateway)"
    }

    private func paths(of settings: CertificateSettings) throws(CertificateProblem) -> (chain: String, key: String) {
        if case .files(let pairs) = settings.issuer, let first = pairs.first { return (first.certificate, first.key) }
        let chain = try store.chainPath(settings.name)
        return (chain, "\(chain.dropLast("fullchain.pem".count))key.pem")
    }
}
