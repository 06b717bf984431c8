extension TLSContext {
    /// What a listener allows in its handshakes.
    package struct ServerSettings: Sendable, Equatable {
        /// Mozilla's two lists for servers that need no relics.
        package enum Profile: String, Sendable, CaseIterable {
            /// TLS 1.2 and 1.3, ECDHE with AEAD ciphers only. Mozilla's DHE suites are left out: every
            /// client that speaks their AEAD ciphers speaks ECDHE, and DHE costs the server most.
            case intermediate
            /// TLS 1.3 only.
            case modern
        }

        /// Certificates that are asked of clients.
        package struct ClientCertificates: Sendable, Equatable {
            package enum Mode: String, Sendable, CaseIterable {
                /// Asked for: a client may come without, but a certificate that does not verify is refused.
                case request
                /// A client without a certificate is refused.
                case require
            }

            /// The CAs that issue them, PEM.
            package var authorities: [UInt8]
            /// Their lists of revoked certificates, PEM; nil to look at none.
            package var revocationLists: [UInt8]?
            package var mode: Mode

            package init(authorities: [UInt8], revocationLists: [UInt8]? = nil, mode: Mode) {
                self.authorities = authorities
                self.revocationLists = revocationLists
                self.mode = mode
            }

            /// What tells listeners apart whose sessions must not be resumed by each other: a client that has been let in
            /// is looked at again when there is a new list.
            internal var identity: [UInt8] {
                [mode == .require ? 1 : 2] + authorities + (revocationLists.map { Digest.sha256($0) } ?? [])
            }
        }

        package var profile: Profile = .intermediate
        /// Key exchange groups, most wanted first, by OpenSSL's names; nil for X25519, P-256, P-384.
        package var groups: [String]?
        /// ALPN protocols, most wanted first; empty to ignore ALPN.
        package var alpn: [String] = []
        package var clientCertificates: ClientCertificates?
        /// How long a ticket resumes, in seconds (RFC 8446 allows 7 days at most).
        package var ticketLifetime = 7200

        package init() {}
    }
}
