import Linux
import OpenSSL
package import Site

/// What a site file names that is not in it, and that the gateway cannot do without: key exchange groups of this
/// OpenSSL, the CAs of clients' certificates and what they have revoked, the folder of the access log. `gatehouse check`
/// says of it what `serve` and `reload` refuse. Its certificates are `CertificateCheck`'s.
package enum ReferenceCheck {
    /// - Parameters:
    ///   - file: the site file, as the user named it.
    ///   - severity: of what this user may not read or write. Whoever only checks may be another user than the one who
    ///     serves.
    /// - Returns: what is wrong, all at once. Changes nothing on disk.
    package static func findings(
        _ site: SiteModel,
        file: String,
        whereDenied severity: Diagnostic.Severity
    ) -> [Diagnostic] {
        guard let gateway = site.gateway else { return [] }
        var search = Search(file: file, severityWhereDenied: severity)
        for listener in gateway.listeners {
            guard let tls = listener.tls else { continue }
            search.look(at: tls.groups)
            if let clients = tls.clientCertificates { search.look(at: clients) }
        }
        if case .file(let path) = gateway.accessLog { search.look(atLog: path, gateway.accessLogPosition) }
        return search.findings
    }

    /// Groups that OpenSSL has had or will have, as suggestions; those that this one lacks are left out.
    private static let groups = [
        "X25519MLKEM768", "SecP256r1MLKEM768", "SecP384r1MLKEM1024", "X25519", "P-256", "P-384", "P-521", "X448",
    ]

    /// The longest PEM file of CAs, or of their lists of revoked certificates, in bytes.
    internal static let trustLimit = 16 << 20

    /// One pass over a site.
    private struct Search {
        let file: String
        let severityWhereDenied: Diagnostic.Severity
        var findings: [Diagnostic] = []
        /// Files of CAs that have been read, with what is wrong with them.
        private var authorities: [String: Fault?] = [:]
        /// When it is, seconds since 1970.
        private let now = WallClock.seconds

        private struct Fault {
            let severity: Diagnostic.Severity
            let message: String
            let help: String
        }

        init(file: String, severityWhereDenied: Diagnostic.Severity) {
            self.file = file
            self.severityWhereDenied = severityWhereDenied
        }

        /// More faults than these are not looked for among the groups of one listener.
        private static let mostFaults = 20

        mutating func look(at groups: [KeyExchangeGroup]) {
            var accepted: [String] = []
            var faults = 0
            for group in groups where faults < Self.mostFaults {
                if ReferenceCheck.takes(accepted + [group.name]) {
                    accepted.append(group.name)
                    continue
                }
                faults += 1
                if ReferenceCheck.takes([group.name]) {
                    let message = "`groups`: OpenSSL does not take `\(group.name)` in addition to those before it"
                    report(message, help: "name each group once, and 40 at most", at: group.position)
                } else {
                    let known = ReferenceCheck.groups.filter { ReferenceCheck.takes([$0]) }
                    report(
                        "`groups`: this OpenSSL does not know the key exchange group `\(group.name)`",
                        help: NearestWord.to(group.name, among: known).map { "did you mean `\($0)`?" }
                            ?? "it knows " + known.map { "`\($0)`" }.joined(separator: ", ")
                            + "; leave `groups` out for X25519, P-256 and P-384",
                        at: group.position
                    )
                }
            }
            if faults == 0, let first = groups.first, !ReferenceCheck.serves(accepted) {
                report(
                    "`groups`: a client with OpenSSL's own groups has no handshake by any of these, nor has the gateway, "
                        + "which looks so at each new certificate, and puts back the one before",
                    help: "name one that clients have, such as `X25519` or `P-256`, beside them; or leave `groups` "
                        + "out for X25519, P-256 and P-384",
                    at: first.position,
                    .warning
                )
            }
        }

        mutating func look(at clients: ClientCertificateSettings) {
            let path = clients.authority
            let fault = authorities[path] ?? fault(ofAuthority: path)
            authorities[path] = .some(fault)
            if let fault { return report(fault, of: clients, at: clients.authorityPosition) }
            guard let lists = clients.revocationLists, let lack = self.fault(ofLists: lists, by: path) else { return }
            report(lack, of: clients, at: clients.revocationListsPosition)
        }

        private mutating func report(
            _ fault: Fault,
            of clients: ClientCertificateSettings,
            at position: SourcePosition
        ) {
            report("`client-certificates`: " + fault.message, help: fault.help, at: position, fault.severity)
        }

        private func fault(ofAuthority path: String) -> Fault? {
            let authorities: [UInt8]
            do throws(FileError) {
                authorities = try FileReading.read(path, limit: ReferenceCheck.trustLimit)
            } catch {
                return fault(
                    error,
                    otherwise: "name a PEM file of the CAs that issue clients' certificates, and put it there"
                )
            }
            do throws(OpenSSLError) {
                _ = try ClientTrust(.init(authorities: authorities, mode: .request))
                return nil
            } catch {
                let help = "put the certificates of the CAs there as PEM, from BEGIN CERTIFICATE to END CERTIFICATE"
                return Fault(severity: .error, message: "\(path): \(error)", help: help)
            }
        }

        /// - Parameter authority: a file that is good.
        private func fault(ofLists path: String, by authority: String) -> Fault? {
            let lists: [UInt8]
            let authorities: [UInt8]
            do throws(FileError) {
                authorities = try FileReading.read(authority, limit: ReferenceCheck.trustLimit)
                lists = try FileReading.read(path, limit: ReferenceCheck.trustLimit)
            } catch {
                return fault(error, otherwise: "name a PEM file of what the CAs have revoked, and put it there")
            }
            let help = "put the present lists of the CAs in `ca` there as PEM, then `gatehouse reload`"
            do throws(OpenSSLError) {
                let trust = try ClientTrust(.init(authorities: authorities, revocationLists: lists, mode: .request))
                guard let end = trust.listsEnd, end < now else { return nil }
                let message = "\(path): \(SiteConfiguration.wordsOfEnd(end))"
                return Fault(severity: .warning, message: message, help: help)
            } catch {
                return Fault(severity: .error, message: "\(path): \(error)", help: help)
            }
        }

        mutating func look(atLog path: String, _ position: SourcePosition) {
            do throws(FileError) {
                try FileWriting.requireAppendable(path)
            } catch {
                let fault = fault(error, otherwise: "make its folder, or name another file")
                report(
                    "gateway.access-log cannot be written to: \(fault.message)",
                    help: fault.help,
                    at: position,
                    fault.severity
                )
            }
        }

        private func fault(_ error: FileError, otherwise help: String) -> Fault {
            guard error.isDenied else { return Fault(severity: .error, message: error.fault, help: help) }
            return Fault(
                severity: severityWhereDenied,
                message: error.fault,
                help: "let the user who runs gatehouse have it (`chown`, `chmod`), or run it as another user"
            )
        }

        private mutating func report(
            _ message: String,
            help: String,
            at position: SourcePosition,
            _ severity: Diagnostic.Severity = .error
        ) {
            findings.append(
                Diagnostic(
                    severity,
                    .reference,
                    file: file,
                    at: position,
                    message: message,
                    help: help
                )
            )
        }
    }

    /// Whether a listener's context can be made with these groups.
    private static func takes(_ groups: [String]) -> Bool {
        var settings = TLSContext.ServerSettings()
        settings.groups = groups
        return (try? TLSContext(server: settings)) != nil
    }

    /// Whether a listener with these groups comes to a handshake with such a client as looks at what is served.
    private static func serves(_ groups: [String]) -> Bool {
        var settings = TLSContext.ServerSettings()
        settings.groups = groups
        let now = WallClock.seconds
        let template = CertificateTemplate(
            role: .server,
            names: ["rehearsal.invalid"],
            notBefore: now,
            notAfter: now + 60
        )
        guard let key = try? PrivateKey.generate(.ecdsaP256),
            let leaf = try? Certificate.issue(template, for: key, by: nil),
            let bundle = try? CertificateBundle(chain: [leaf], key: key)
        else { return true }
        return (try? bundle.rehearse(at: settings)) != nil
    }
}
