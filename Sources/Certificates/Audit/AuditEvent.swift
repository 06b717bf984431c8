import Site

/// One change of the store, as the audit log tells it: which certificate, whose, when and why.
package struct AuditEvent: Sendable, Equatable {
    package enum Kind: String, Sendable, CaseIterable {
        /// A new generation, made by an issuer.
        case issued
        /// A share of the clients is shown the current generation, the others the one before.
        case offered
        /// All clients are shown it, after that.
        case promoted
        /// A new generation, which was kept ready for when the usual issuer's is of no use.
        case standbyUsed = "standby-used"
        /// A new generation, brought by an operator.
        case imported
        /// The generation before is the current one again.
        case rolledBack = "rolled-back"
        /// The key of a generation was deleted.
        case retired
        /// Its CA took a generation back.
        case revoked
        /// This history, after another one that was set aside: of no certificate. The fingerprint is that of the other.
        case begun
    }

    package var kind: Kind
    /// Its name in the store.
    package var certificate: String
    /// The generation that this was done to.
    package var generation: Int
    /// SHA-256 of the certificate in DER, in hexadecimal.
    package var fingerprint: String
    /// The same of all certificates of its chain, one after another; nil in lines of versions that did not note it, and in those
    /// that bring no generation into force.
    package var chain: String?
    /// The subject of whoever signed it, as RFC 2253 writes it.
    package var issuer: String
    /// Why at that moment, in a few words.
    package var reason: String

    package init(
        _ kind: Kind,
        certificate: String,
        generation: Int,
        fingerprint: String,
        chain: String? = nil,
        issuer: String,
        reason: String
    ) {
        self.kind = kind
        self.certificate = certificate
        self.generation = generation
        self.fingerprint = fingerprint
        self.chain = chain
        self.issuer = issuer
        self.reason = reason
    }

    internal var members: [JSONValue.Member] {
        var members: [JSONValue.Member] = [
            .init("event", .string(kind.rawValue)),
            .init("certificate", .string(certificate)),
            .init("generation", .integer(generation)),
            .init("fingerprint", .string(fingerprint)),
        ]
        if let chain { members.append(.init("chain", .string(chain))) }
        members += [.init("issuer", .string(issuer)), .init("reason", .string(reason))]
        return members
    }

    internal init?(_ value: JSONValue) {
        guard let kind = value["event"]?.text.flatMap({ Kind(rawValue: $0) }),
            let certificate = value["certificate"]?.text, let generation = value["generation"]?.integer,
            let fingerprint = value["fingerprint"]?.text, let issuer = value["issuer"]?.text,
            let reason = value["reason"]?.text
        else { return nil }
        self.init(
            kind,
            certificate: certificate,
            generation: generation,
            fingerprint: fingerprint,
            chain: value["chain"]?.text,
            issuer: issuer,
            reason: reason
        )
    }
}
