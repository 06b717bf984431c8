import Site

/// A CA that speaks ACME, as the gateway reaches it.
struct ACMEDirectory: Sendable {
    let url: String
    /// nil where the URL has a name, which leads anywhere.
    let address: IPAddress?
    let port: UInt16
    /// By which it may be shown that names are the site's.
    let challenges: [ACMESettings.Challenge]
    /// Where the certificate stands for which it is asked.
    let position: SourcePosition

    /// The host and port of a URL (RFC 3986, section 3.2).
    init(_ settings: ACMESettings, _ position: SourcePosition) {
        (url, challenges, self.position) = (settings.directory, settings.challenges, position)
        let authority = url.dropFirst("https://".count).prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        let hostAndPort = authority.split(separator: "@", omittingEmptySubsequences: false).last ?? authority
        let host: Substring
        if hostAndPort.hasPrefix("["), let end = hostAndPort.firstIndex(of: "]") {
            host = hostAndPort[hostAndPort.index(after: hostAndPort.startIndex)..<end]
        } else {
            host = hostAndPort.prefix { $0 != ":" }
        }
        let rest = hostAndPort[host.endIndex...].drop { $0 == "]" }
        address = IPAddress(String(host))
        port = (rest.first == ":" ? UInt16(rest.dropFirst()) : nil) ?? 443
    }
}

extension SiteModel {
    /// Each CA that a certificate, its fallbacks or its standby may come from, in an order that does not depend on that of
    /// the file.
    var acmeDirectories: [ACMEDirectory] {
        certificates.values.sorted { $0.name < $1.name }.flatMap { certificate in
            [certificate.issuer, certificate.standby].flatMap { issuer -> [ACMEDirectory] in
                guard case .acme(let settings)? = issuer else { return [] }
                return settings.candidates.map { ACMEDirectory($0, certificate.position) }
            }
        }
    }
}
