package import OpenSSL

/// A certificate authority of the site's own: a root that clients are told to trust, and an intermediate that signs, for
/// the site's names alone.
package struct InternalCA: Sendable {
    /// How long each lasts, in seconds. Leaves end before the intermediate, and that before the root.
    private static let rootLifetime: Int64 = 3650 * 86_400
    internal static let intermediateLifetime: Int64 = 1825 * 86_400
    /// Clocks differ: certificates, and lists of revoked ones, begin this much before they are made.
    internal static let backdating: Int64 = 3600
    /// What CA/B SC-081v3 allows from 2029 on: 47 days, of which the first and the last second count (RFC 5280, section
    /// 4.1.2.5).
    package static let leafLifetime: Int64 = 47 * 86_400 - backdating - 1

    /// From the moment at which an intermediate begins to be valid until no leaf of the one before is: it begins before it is
    /// made, too.
    internal static let lifeOfLeaves = backdating + leafLifetime

    /// Seconds until another try at what could not be made.
    package static let retryTime: Int64 = 3600

    /// The names under which a store keeps the two.
    internal static let rootName = "internal-ca-root"
    internal static let intermediateName = "internal-ca"

    /// Whether it is the name of one of them.
    package static func isOwn(_ name: String) -> Bool { [rootName, intermediateName].contains(name) }

    /// What clients are to trust.
    package let rootCertificate: Certificate
    /// nil when it is not at hand.
    internal let rootKey: PrivateKey?
    private let intermediate: Certificate.Authority
    private let policy: InternalCAPolicy

    /// What signs.
    package var signingCertificate: Certificate { intermediate.certificate }

    /// A fresh one.
    package init(
        named name: String,
        policy: InternalCAPolicy = InternalCAPolicy(),
        now: Int64
    ) throws(CertificateProblem) {
        self.policy = policy
        do throws(OpenSSLError) {
            let root = try InternalCA.authority(
                .root,
                "\(name) root CA",
                InternalCA.validity(InternalCA.rootLifetime, now),
                policy,
                by: nil
            )
            rootCertificate = root.certificate
            rootKey = root.key
            intermediate = try InternalCA.authority(
                .intermediate,
                "\(name) intermediate CA",
                InternalCA.validity(InternalCA.intermediateLifetime, now),
                policy,
                by: root
            )
        } catch {
            throw .library(error)
        }
    }

    /// One that was made before, without its root's key.
    internal init(root: Certificate, intermediate: Certificate.Authority, policy: InternalCAPolicy) {
        rootCertificate = root
        rootKey = nil
        self.intermediate = intermediate
        self.policy = policy
    }

    internal static func validity(
        _ lifetime: Int64,
        _ now: Int64,
        within issuer: Certificate? = nil
    ) -> ClosedRange<Int64> {
        let end = min(now + lifetime, issuer?.validity.upperBound ?? .max)
        return (now - backdating)...max(now, end)
    }

    internal static func authority(
        _ role: CertificateTemplate.Role,
        _ name: String,
        _ validity: ClosedRange<Int64>,
        _ policy: InternalCAPolicy,
        by issuer: Certificate.Authority?
    ) throws(OpenSSLError) -> Certificate.Authority {
        var template = CertificateTemplate(
            role: role,
            commonName: name,
            notBefore: validity.lowerBound,
            notAfter: validity.upperBound
        )
        if issuer != nil { template.constraints = policy.constraints }
        let key = try PrivateKey.generate(policy.key)
        return Certificate.Authority(certificate: try Certificate.issue(template, for: key, by: issuer), key: key)
    }

    /// The intermediate with the root that issued it.
    internal var signer: CertificateBundle {
        get throws(CertificateProblem) {
            try InternalCA.bundle([intermediate.certificate, rootCertificate], intermediate.key)
        }
    }

    /// A server certificate for DNS names and IP addresses, with the chain that servers send (not the root).
    package func issue(
        names: [String],
        key kind: PrivateKey.Kind = .ecdsaP256,
        lifetime: Int64 = InternalCA.leafLifetime,
        now: Int64
    ) throws(CertificateProblem) -> CertificateBundle {
        try issue(names: names, for: try Self.key(kind), lifetime: lifetime, now: now)
    }

    private static func key(_ kind: PrivateKey.Kind) throws(CertificateProblem) -> PrivateKey {
        do throws(OpenSSLError) {
            return try PrivateKey.generate(kind)
        } catch {
            throw .library(error)
        }
    }

    /// The same for a key that is there.
    ///
    /// - Parameter since: an earlier moment at which it is good already; nil for `now`.
    package func issue(
        names: [String],
        for key: PrivateKey,
        lifetime: Int64 = InternalCA.leafLifetime,
        since: Int64? = nil,
        now: Int64
    ) throws(CertificateProblem) -> CertificateBundle {
        var template = CertificateTemplate(
            role: .server,
            commonName: "",
            names: names,
            notBefore: min(since ?? now, now) - InternalCA.backdating,
            notAfter: min(now + lifetime, intermediate.certificate.validity.upperBound)
        )
        template.revocationList = policy.address.map { $0 + InternalCA.listPath(of: intermediate.certificate) }
        let leaf: Certificate
        do throws(OpenSSLError) {
            leaf = try Certificate.issue(template, for: key, by: intermediate)
        } catch {
            throw .library(error)
        }
        return try InternalCA.bundle([leaf, intermediate.certificate], key)
    }

    internal static func bundle(
        _ chain: [Certificate],
        _ key: PrivateKey
    ) throws(CertificateProblem) -> CertificateBundle {
        do throws(CertificateError) {
            return try CertificateBundle(chain: chain, key: key)
        } catch {
            throw .issued(error)
        }
    }
}
