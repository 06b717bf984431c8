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

    package init(directory: String) {
        self.directory = directory
    }
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
