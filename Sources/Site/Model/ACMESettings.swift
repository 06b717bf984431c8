/// How a CA that speaks ACME (RFC 8555) is asked.
package struct ACMESettings: Sendable, Equatable {
    /// How a CA is shown that a name is the site's.
    package enum Challenge: String, Sendable, CaseIterable {
        /// An answer on port 80 (RFC 8555, section 8.3).
        case http01 = "http-01"
        /// A certificate on port 443 (RFC 8737).
        case tlsALPN01 = "tls-alpn-01"
        /// A record in the DNS (RFC 8555, section 8.4), which a program of the site's makes.
        case dns01 = "dns-01"
    }

    /// The URL of its directory; begins with `https://`.
    package var directory: String
    /// Mail addresses, for the CA to write to.
    package var contact: [String] = []
    /// A PEM file of whom to trust in HTTPS; nil for the machine's authorities.
    package var trust: String?
    /// Which challenges are answered, the most wanted first. Never empty; holds `dns01` only where there is `dns`.
    package var challenges: [Challenge] = [.http01, .tlsALPN01]
    package var dns: DNSHookSettings?
    /// Who the site is to a CA that opens accounts to those alone whom it knows (RFC 8555, section 7.3.4).
    package var binding: ACMEBinding?
    /// What kind of certificate is asked for, of those that the CA's directory names; nil for its usual one.
    package var profile: String?
    /// The common name of the issuer at the top of the wanted chain, where the CA gives several.
    package var chain: String?
    /// How long it may take for one answer.
    package var timeout = ACMESettings.usualTimeout
    package static let usualTimeout = Duration.seconds(60)
    /// Whom to ask when this one gives no certificate, in this order. Those have none of their own.
    package var fallback: [ACMESettings] = []

    /// This CA, and those to fall back on.
    package var candidates: [ACMESettings] { [self] + fallback }

    package init(directory: String) {
        self.directory = directory
    }
}

/// An account's binding to one that the CA knows otherwise.
package struct ACMEBinding: Sendable, Equatable {
    /// The CA's name for it.
    package var identifier = ""
    /// The file with the HMAC key that the CA gave, in base64url.
    package var keyFile = ""

    package init() {}
}

/// The program that puts records into the DNS and takes them out.
package struct DNSHookSettings: Sendable, Equatable {
    /// The path of the program, then its first arguments. Never empty.
    package var command: [String] = []
    /// How long one run of it may take.
    package var timeout = Duration.seconds(120)
    /// How long the DNS takes after it to show a record everywhere.
    package var wait = Duration.seconds(10)

    package init() {}
}
