package import OpenSSL
import Site

extension CertificateBundle {
    /// The DNS names and IP addresses that it is good for, as a site file writes them.
    package var identifiers: [String] { names + leaf.addressNames }

    /// Whether the issuer above its last certificate is called so.
    internal func isBelow(_ commonName: String) -> Bool {
        // RFC 2253, section 2.4.
        let escaped = commonName.reduce(into: "") { $0 += ",+\"\\<>;".contains($1) ? "\\\($1)" : "\($1)" }
        return ",\(chain.last?.issuer ?? ""),".contains(",CN=\(escaped),")
    }
}

extension Certificate {
    /// The same of a certificate by itself.
    package var identifiers: [String] { dnsNames + addressNames }

    fileprivate var addressNames: [String] { addresses.compactMap { IPAddress(bytes: $0) }.map { "\($0)" } }
}
