/// One entry of `listen`: a port, and what is spoken there.
package struct ListenerSettings: Sendable, Equatable {
    /// 1...65535
    package var port: UInt16
    /// `address`. Empty: every address of the machine, IPv4 and IPv6.
    package var addresses: [IPAddress] = []
    /// nil: plain HTTP.
    package var tls: TLSSettings?
    /// In the order of preference. Never empty; `h2` only with TLS. By default both with TLS, `http/1.1` without.
    package var protocols: [HTTPProtocol] = [.http1]
    /// Answers every request with a redirect instead of a route.
    package var redirect: RedirectSettings?
    package var position = SourcePosition.none

    package init(port: UInt16) {
        self.port = port
    }

    /// The values are the names of ALPN (RFC 7301).
    package enum HTTPProtocol: String, Sendable, CaseIterable {
        case http2 = "h2"
        case http1 = "http/1.1"
    }
}

/// `redirect`: 308 to the same host and target over HTTPS.
package struct RedirectSettings: Sendable, Equatable {
    package var to = Target.https
    /// The port in the new address; 443 is left out of it.
    package var port: UInt16 = 443

    package init() {}

    package enum Target: String, Sendable, CaseIterable {
        case https
    }
}

/// `tls` of a listener.
package struct TLSSettings: Sendable, Equatable {
    /// Names of `certificates`. Never empty. The first is the one for names that no certificate covers, when
    /// `unknownName` is `default`.
    package var certificates: [String]
    package var profile = Profile.intermediate
    /// Key exchange groups by OpenSSL's names, in the order of preference. Empty: OpenSSL's own.
    package var groups: [KeyExchangeGroup] = []
    package var unknownName = UnknownName.refuse
    package var clientCertificates: ClientCertificateSettings?
    package var position = SourcePosition.none

    package init(certificates: [String]) {
        self.certificates = certificates
    }

    /// Mozilla's sets of versions and suites.
    package enum Profile: String, Sendable, CaseIterable {
        /// TLS 1.2 and 1.3.
        case intermediate
        /// TLS 1.3 alone.
        case modern
    }

    /// What a client gets that names no host, or one that no certificate covers.
    package enum UnknownName: String, Sendable, CaseIterable {
        /// The alert unrecognized_name (RFC 6066, section 3).
        case refuse
        /// The first certificate.
        case `default`
    }
}

/// One of `groups`. Whether OpenSSL knows it, its own version says.
package struct KeyExchangeGroup: Sendable, Equatable {
    package var name: String
    package var position = SourcePosition.none

    package init(_ name: String) {
        self.name = name
    }
}

/// `client-certificates`: mutual TLS.
package struct ClientCertificateSettings: Sendable, Equatable {
    /// `ca`: a PEM file of the authorities that clients' certificates must lead up to; resolved against the site file's
    /// directory.
    package var authority: String
    package var authorityPosition = SourcePosition.none
    /// `crl`: a PEM file of the lists of certificates that those authorities have revoked; nil: none is looked at.
    package var revocationLists: String?
    package var revocationListsPosition = SourcePosition.none
    package var mode = Mode.require
    /// The request header that tells the app server the subject, or the fingerprint of a certificate without one. A
    /// client's own field of that name is removed.
    package var header = "X-Client-Subject"

    package init(authority: String) {
        self.authority = authority
    }

    package enum Mode: String, Sendable, CaseIterable {
        /// No handshake without a certificate.
        case require
        /// A certificate is asked for, and checked when there is one.
        case request
    }
}
