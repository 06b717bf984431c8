import Linux
package import Site

/// Other programs of this host that use a certificate: a database, a mail server.
extension CertificateProvider {
    /// Runs the site's program for a certificate that was replaced, with the paths of what is there now. Blocks its thread
    /// until the program has ended, or was killed for taking too long.
    ///
    /// The program gets three arguments after its own: the certificate's name in the site file, the file of the chain, and
    /// that of the key. The files are those of one generation: what comes later is in others.
    ///
    /// - Returns: whether there is such a program.
    package func deploy(_ settings: CertificateSettings) throws(CertificateProblem) -> Bool {
        guard let deploy = settings.deploy else { return false }
        let (chain, key) = try paths(of: settings)
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
        return true
    }

    private func paths(of settings: CertificateSettings) throws(CertificateProblem) -> (chain: String, key: String) {
        if case .files(let pairs) = settings.issuer, let first = pairs.first { return (first.certificate, first.key) }
        let chain = try store.chainPath(settings.name)
        return (chain, "\(chain.dropLast("fullchain.pem".count))key.pem")
    }
}
