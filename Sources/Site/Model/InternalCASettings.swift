/// `internal-ca`: what the site's own CA makes from now on.
package struct InternalCASettings: Sendable, Equatable {
    /// What it may certify; nil for the site's domain and the names of its certificates. Never empty.
    package var names: [CertifiableName]?
    /// The kind of the keys of its root and intermediate.
    package var key = CertificateSettings.KeyType.ecdsaP256
    /// `http://HOST[:PORT]`, where the gateway serves its lists of revoked certificates; nil when certificates name no
    /// place.
    package var revocationList: String?
    package var position = SourcePosition.none

    package init() {}
}

/// A part of the names that there are.
package enum CertifiableName: Sendable, Equatable {
    /// The name itself, and every name below it.
    case domain(String)
    case network(IPNetwork)

    package var domain: String? {
        if case .domain(let name) = self { name } else { nil }
    }

    package var network: IPNetwork? {
        if case .network(let network) = self { network } else { nil }
    }

    /// Whether it holds a name of a certificate.
    package func contains(_ name: HostPattern) -> Bool {
        switch (self, name) {
        case (.domain(let domain), .exact(let text)), (.domain(let domain), .wildcard(let text)):
            text == domain || text.hasSuffix("." + domain)
        case (.network(let network), .exact(let text)): IPAddress(text).map(network.contains) ?? false
        default: false
        }
    }
}

extension CertifiableName: CustomStringConvertible {
    init(text: String) throws(ValueFault) {
        if let network = IPNetwork(text) {
            self = .network(network)
        } else if text.contains("/") {
            self = .network(try IPNetwork(text: text))
        } else {
            self = .domain(try DomainName.canonical(text))
        }
    }

    /// As a site file writes it.
    package var description: String {
        switch self {
        case .domain(let name): name
        case .network(let network):
            network.prefixLength == network.address.width ? "\(network.address)" : "\(network)"
        }
    }
}
