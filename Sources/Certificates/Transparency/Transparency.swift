import Linux
package import OpenSSL

/// Whether clients that ask for certificate transparency (RFC 6962) will take a certificate, as far as that shows in the
/// certificate itself: a CA's mistake is then found at the gate, and not by browsers.
///
/// A certificate without promises of logs is left alone: those of private CAs have none. The signatures of the logs are not
/// looked at, since which logs there are, and who trusts them, changes from week to week.
package enum Transparency {
    /// Fewer different logs than this are too few for every browser.
    private static let fewestLogs = 2
    /// Clocks differ, by as much as CAs backdate their certificates: seconds.
    private static let tolerance: Int64 = 3600
    /// The machine's authorities: who stands in it is taken for a public CA.
    package static let publicAuthorities = "/etc/ssl/certs/ca-certificates.crt"

    /// - Parameters:
    ///   - now: seconds since 1970.
    ///   - authorities: PEM of the public CAs, read only where it makes a difference.
    package static func require(
        of bundle: CertificateBundle,
        at now: Int64,
        authorities path: String = Transparency.publicAuthorities
    ) throws(CertificateError) {
        let leaf = bundle.leaf
        func refuse(_ why: String) -> CertificateError { .intransparent(subject: name(of: leaf), why: why) }
        if leaf.isPrecertificate { throw refuse("it is a precertificate, made for transparency logs alone") }
        guard let promises = try leaf.signedTimestamps() else { return }
        let latest = UInt64(max(0, now + tolerance)) * 1000
        if let early = promises.first(where: { $0.milliseconds > latest }) {
            let moment = UTC.text(Int64(clamping: early.milliseconds / 1000))
            throw refuse(
                "a transparency log saw it at \(moment), which is yet to come (or this machine's clock is late)"
            )
        }
        let logs = Set(promises.map(\.log)).count
        guard logs < fewestLogs, isPublic(bundle.chain[bundle.chain.count - 1], path) else { return }
        throw refuse("it has the promise of \(logs) transparency log, and public CAs owe \(fewestLogs)")
    }

    private static func name(of leaf: Certificate) -> String {
        leaf.subject.isEmpty ? leaf.dnsNames.first ?? leaf.subject : leaf.subject
    }

    /// Whether one of the machine's authorities issued it.
    private static func isPublic(_ top: Certificate, _ path: String) -> Bool {
        guard let bytes = try? FileReading.read(path, limit: 4 << 20),
            let authorities = try? Certificate.load(pem: bytes.span)
        else { return false }
        return authorities.contains { $0.subject == top.issuer && top.isIssued(by: $0) }
    }
}
