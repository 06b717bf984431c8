import Certificates
import Linux
package import Site

/// What `gatehouse check` says of the certificates that a site's listeners name, without changing anything.
package enum CertificateCheck {
    /// - Parameters:
    ///   - file: the site file, as the user named it.
    ///   - severity: of a file that is not here, or that this user cannot read. Whoever only checks may do so on another
    ///     machine, or as another user, than the one that serves.
    /// - Returns: what `serve` would warn of, as warnings; what it would refuse, or
    ///   show something else in place of, as errors.
    package static func findings(
        _ site: SiteModel,
        file: String,
        whereAbsent severity: Diagnostic.Severity
    ) -> [Diagnostic] {
        let provider = CertificateProvider(for: site, now: Int64(Clock.realtimeMicroseconds / 1_000_000))
        let served = Set(site.gateway?.listeners.flatMap { $0.tls?.certificates ?? [] } ?? [])
        var findings: [Diagnostic] = []
        for settings in site.certificates.values where served.contains(settings.name) {
            func report(_ severity: Diagnostic.Severity, _ message: String, help: String? = nil) {
                findings.append(
                    Diagnostic(
                        severity,
                        .certificate,
                        file: file,
                        line: settings.position.line,
                        column: settings.position.column,
                        message: message,
                        help: help
                    )
                )
            }
            do throws(CertificateProblem) {
                for warning in try provider.inspect(settings) { report(.warning, warning) }
            } catch {
                let message = error.text(of: settings.name)
                if error.isOfThisMachine {
                    report(severity, message, help: "as this user on this machine, `gatehouse serve` would not start")
                } else {
                    report(.error, message)
                }
            }
        }
        for warning in provider.storeWarnings() {
            findings.append(Diagnostic(.warning, .certificate, file: file, line: 1, column: 1, message: warning))
        }
        return findings
    }
}

extension CertificateProblem {
    /// A file is not here, or not for this user to read.
    fileprivate var isOfThisMachine: Bool {
        switch self {
        case .file(let error): error.isNoSuchFile || error.isDenied
        case .deniedStore: true
        default: false
        }
    }
}
