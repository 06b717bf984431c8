import Certificates
import Linux
import OpenSSL
package import Site

/// What `gatehouse check` says of a site's certificates, without changing anything.
package enum CertificateCheck {
    /// - Parameters:
    ///   - file: the site file, as the user named it.
    ///   - severity: of a file that is not here, or that this user cannot read. Whoever only checks may do so on another
    ///     machine, or as another user, than the one that serves.
    ///   - servedStore: the folder of the store that the running gateway has read something of; nil where that is not known.
    /// - Returns: what `serve` would warn of, as warnings; what it would refuse, or
    ///   show something else in place of, as errors; of those that no listener shows, all as warnings.
    package static func findings(
        _ site: SiteModel,
        file: String,
        whereAbsent severity: Diagnostic.Severity,
        besides servedStore: String? = nil
    ) -> [Diagnostic] {
        let provider = CertificateProvider(for: site, now: WallClock.seconds)
        let served = Set(site.gateway?.listeners.flatMap { $0.tls?.certificates ?? [] } ?? [])
        var findings: [Diagnostic] = []
        var present: CertificateProvider.Lenders?
        // Read where one lacks names, and once.
        func lenders() -> CertificateProvider.Lenders {
            let found = present ?? provider.lenders(among: served)
            present = found
            return found
        }
        for settings in site.certificates.values {
            let isShown = served.contains(settings.name)
            func report(
                _ severity: Diagnostic.Severity,
                _ message: String,
                help: String? = nil,
                at position: SourcePosition
            ) {
                findings.append(
                    Diagnostic(
                        severity,
                        .certificate,
                        file: file,
                        at: position,
                        message: message,
                        help: help
                    )
                )
            }
            for (use, program, position) in settings.programs {
                do throws(FileError) {
                    try FileReading.requireProgram(program)
                } catch {
                    report(.warning, "certificate \(settings.name): the program of `\(use)`: \(error)", at: position)
                }
            }
            for (server, position) in settings.servers {
                if let path = server.trust, let fault = fault(ofAuthorities: path) {
                    report(.warning, "certificate \(settings.name): the file of `trust`: \(fault)", at: position)
                }
                do throws(ACMEProblem) {
                    try server.binding?.requireKey()
                } catch {
                    report(.warning, "certificate \(settings.name): the file of `binding`: \(error)", at: position)
                }
            }
            do throws(CertificateProblem) {
                for warning in try provider.inspect(settings, isShown: isShown, beside: lenders) {
                    report(.warning, warning, at: settings.issuerPosition)
                }
            } catch {
                let message = error.text(of: settings.name)
                let place = place(of: error, settings, site)
                if !isShown {
                    report(.warning, message, at: place)
                } else if error.isOfThisMachine {
                    let help = "as this user on this machine, `gatehouse serve` would not start"
                    report(severity, message, help: help, at: place)
                } else {
                    report(.error, message, at: place)
                }
            }
        }
        let place = site.certificateStorePosition
        for warning in lossWarnings(site, servedStore) + provider.storeWarnings() {
            findings.append(
                Diagnostic(
                    .warning,
                    .certificate,
                    file: file,
                    line: max(1, place.line),
                    column: max(1, place.column),
                    message: warning
                )
            )
        }
        return findings
    }

    /// What is wrong with a file of whom to trust at an ACME server; nil when nothing is.
    private static func fault(ofAuthorities path: String) -> String? {
        let authorities: [UInt8]
        do throws(FileError) {
            authorities = try FileReading.read(path, limit: ReferenceCheck.trustLimit)
        } catch {
            return "\(error)"
        }
        do throws(CertificateError) {
            _ = try Certificate.load(pem: authorities.span)
            return nil
        } catch {
            return "\(path): \(error)"
        }
    }

    /// That a reload would find nothing in the store, and is refused since it would make another internal CA. That the store of the
    /// running gateway itself is empty by now is among its own warnings then.
    private static func lossWarnings(_ site: SiteModel, _ servedStore: String?) -> [String] {
        let store = CertificateStore(folder: site.certificateStore)
        guard let servedStore, store.isVacant, site.certificates.values.contains(where: \.issuer.isStored) else {
            return []
        }
        if servedStore == store.folder {
            store.noteContents()
            return []
        }
        return ["\(ConfigurationError.otherStore(store.folder, before: servedStore))"]
    }

    /// What of the site file is to be looked at for a problem of one certificate.
    private static func place(
        of problem: CertificateProblem,
        _ settings: CertificateSettings,
        _ site: SiteModel
    ) -> SourcePosition {
        switch problem {
        case .lackingNames, .lostNames, .excludedNames, .constrainedNames: return settings.namesPosition
        case .deniedStore(let folder, _): return place(of: folder + "/", settings, site)
        case .file(let error): return place(of: error.path, settings, site)
        case .contents(let path, _), .changedChain(let path, _), .lostGeneration(_, let path):
            return place(of: path, settings, site)
        default: return settings.issuerPosition
        }
    }

    /// Where a path comes from.
    private static func place(
        of path: String,
        _ settings: CertificateSettings,
        _ site: SiteModel
    ) -> SourcePosition {
        if path.hasPrefix(site.certificateStore + "/"), site.certificateStorePosition.line > 0 {
            return site.certificateStorePosition
        }
        guard case .files(let pairs) = settings.issuer else { return settings.issuerPosition }
        for pair in pairs {
            if path == pair.key { return pair.keyPosition }
            // Alone, or with its key: `a.crt and a.key`.
            if path == pair.certificate || path.hasPrefix(pair.certificate + " ") { return pair.certificatePosition }
        }
        return settings.issuerPosition
    }
}

extension CertificateSettings {
    /// The programs that are run for it and its standby: by which key of the site file, and where that is.
    fileprivate var programs: [(use: String, path: String, position: SourcePosition)] {
        var found: [(use: String, path: String, position: SourcePosition)] = []
        if let path = deploy?.command.first { found.append(("deploy", path, position)) }
        for (server, position) in servers {
            if let path = server.dns?.command.first { found.append(("dns", path, position)) }
        }
        return found
    }

    /// The ACME servers of it and its standby, and where they are named.
    fileprivate var servers: [(server: ACMESettings, position: SourcePosition)] {
        var found: [(server: ACMESettings, position: SourcePosition)] = []
        let issuers: [(Issuer?, SourcePosition)] = [(issuer, issuerPosition), (standby, standbyPosition)]
        for (issuer, position) in issuers {
            guard case .acme(let acme)? = issuer else { continue }
            for server in acme.candidates { found.append((server, position)) }
        }
        return found
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
