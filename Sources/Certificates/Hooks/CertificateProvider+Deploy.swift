import Linux
import OpenSSL
package import Site

/// Other programs of this host that use a certificate: a database, a mail server.
extension CertificateProvider {
    /// Runs the site's program for a certificate that was replaced, with the paths of what is there now. Blocks its thread
    /// until the program has ended, or was killed for taking too long; and before that until another run of it has that somebody
    /// else began, such as a gateway that was stopped meanwhile.
    ///
    /// The program gets three arguments after its own: the certificate's name in the site file, the file of the chain, and
    /// that of the key. The files are those of one generation: what comes later is in others.
    ///
    /// - Parameters:
    ///   - shown: what the gateway shows all clients of it, as SHA-256; none where no listener shows it, or no gateway runs.
    ///   - gateway: on whose host it is run: what it was run for is kept.
    ///   - tell: told where another run is waited for.
    /// - Returns: false where there is no such program, or no file holds what is in force.
    package func deploy(
        _ settings: CertificateSettings,
        showing shown: () -> [String],
        at gateway: GatewayIdentity,
        tell: (String) -> Void = { _ in }
    ) throws(CertificateProblem) -> Bool {
        guard let deploy = settings.deploy else { return false }
        // Nothing is made in a store that has none of it, as one that is not mounted.
        _ = try places(of: settings)
        let turn = turn(of: settings, within: deploy.timeout, at: gateway, tell)
        defer { turn?.end() }
        guard let (chain, key, fingerprint) = try files(of: settings, showing: shown()) else { return false }
        let hook = HookProgram(
            deploy.command,
            timeout: deploy.timeout,
            outputPath: "\(store.folder)/hook-output/deploy-\(settings.name)"
        )
        do throws(HookProgram.Failure) {
            try hook.run([settings.name, chain, key], in: turn)
        } catch {
            var record = deploymentRecord(of: settings, at: gateway)
            record.fail("\(error)", at: Self.clock)
            keep(record, of: settings, at: gateway)
            throw .deployment(name: settings.name, "\(error)")
        }
        keep(DeploymentRecord(deployed: fingerprint), of: settings, at: gateway)
        return true
    }

    /// nil where the store keeps no turns: this user may not write there.
    private func turn(
        of settings: CertificateSettings,
        within limit: Duration,
        at gateway: GatewayIdentity,
        _ tell: (String) -> Void
    ) -> DeploymentTurn? {
        let home = "\(store.folder)/\(Self.records)"
        do throws(FileError) {
            try FileWriting.createFolder(home)
            return try DeploymentTurn.wait(
                at: "\(home)/\(recordFile(of: settings, at: gateway)).lock",
                within: UInt64(clamping: limit.components.seconds) * 1000
            ) {
                tell("certificate \(settings.name): its program of `deploy` is running yet, which is waited for: \($0)")
            }
        } catch {
            return nil
        }
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

    /// Whether a certificate has a program that was not run to a good end for what is in force: it failed, or was broken off,
    /// or had not begun.
    ///
    /// - Parameter shown: as for `deploy`.
    package func owesDeployment(
        _ settings: CertificateSettings,
        showing shown: [String],
        at gateway: GatewayIdentity
    ) -> Bool {
        guard settings.deploy != nil, let (_, _, fingerprint) = try? files(of: settings, showing: shown) else {
            return false
        }
        return deploymentRecord(of: settings, at: gateway).deployed != fingerprint
    }

    /// What is wrong where the program was run for what is in force, and failed; nil when nothing is.
    ///
    /// - Parameter shown: as for `deploy`; asked for where a run failed.
    package func deploymentFault(
        of settings: CertificateSettings,
        at gateway: GatewayIdentity,
        showing shown: () -> [String]
    ) -> String? {
        let record = deploymentRecord(of: settings, at: gateway)
        guard record.failures > 0, owesDeployment(settings, showing: shown(), at: gateway) else { return nil }
        return "not deployed: \(record.problem); \(record.failures) \(record.failures == 1 ? "try" : "tries") failed, "
            + "the running gateway tries again at \(UTC.text(record.next)), where none runs `gatehouse certs renew` from then "
            + "on, and `gatehouse certs deploy \(settings.name)` at once"
    }

    /// The folder of the store where that is kept, and the file in it. Each host has programs of its own.
    private static let records = "deployed"

    private func recordFile(of settings: CertificateSettings, at gateway: GatewayIdentity) -> String {
        "\(settings.name).\(gateway)"
    }

    /// The files that hold what is in force, with its SHA-256: a certificate's own, or its standby's, which may have taken the
    /// place of files. nil where none does: clients refused what they hold, or the gateway has not taken it.
    private func files(
        of settings: CertificateSettings,
        showing shown: [String]
    ) throws(CertificateProblem) -> (chain: String, key: String, fingerprint: String)? {
        let own = try places(of: settings)
        let others = settings.standbyCertificate.flatMap { try? places(of: $0) } ?? []
        for (chain, key) in own + others where !shown.isEmpty {
            guard let leaf = try? CertificateSource.loadChain(chain).first else { continue }
            if shown.contains(leaf.fingerprint) { return (chain, key, leaf.fingerprint) }
        }
        // What cannot be read is an error, whatever is shown.
        guard let (chain, key) = own.first, let leaf = try CertificateSource.loadChain(chain).first, shown.isEmpty
        else { return nil }
        return (chain, key, leaf.fingerprint)
    }

    private func places(of settings: CertificateSettings) throws(CertificateProblem) -> [(chain: String, key: String)] {
        if case .files(let pairs) = settings.issuer { return pairs.map { ($0.certificate, $0.key) } }
        let chain = try store.chainPath(settings.name)
        return [(chain, "\(chain.dropLast("fullchain.pem".count))key.pem")]
    }
}
