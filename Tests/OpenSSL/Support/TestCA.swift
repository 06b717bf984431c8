@testable import OpenSSL

/// A root and an intermediate, and what they issue.
struct TestCA {
    /// A moment at which everything here is valid by default.
    static let now: Int64 = 1_795_000_000
    // Without it no test here means anything, so its failure may end them all.
    // swift-format-ignore: NeverUseForceTry
    static let shared = try! TestCA()

    let root: Certificate.Authority
    let intermediate: Certificate.Authority

    init() throws {
        let rootKey = try PrivateKey.generate(.ecdsaP256)
        root = .init(certificate: try .issue(TestCA.template(.root, "Test root"), for: rootKey, by: nil), key: rootKey)
        let key = try PrivateKey.generate(.ecdsaP256)
        intermediate = .init(
            certificate: try .issue(TestCA.template(.intermediate, "Test CA"), for: key, by: root),
            key: key
        )
    }

    /// Valid from the day before the machine's today until years after, so that clients that verify agree.
    static func template(
        _ role: CertificateTemplate.Role,
        _ name: String = "",
        names: [String] = [],
        from: Int64 = 1_700_000_000,
        until: Int64 = 4_000_000_000
    ) -> CertificateTemplate {
        CertificateTemplate(role: role, commonName: name, names: names, notBefore: from, notAfter: until)
    }

    func server(_ names: String..., kind: PrivateKey.Kind = .ecdsaP256) throws -> CertificateBundle {
        let key = try PrivateKey.generate(kind)
        let leaf = try Certificate.issue(TestCA.template(.server, names: names), for: key, by: intermediate)
        return try CertificateBundle(chain: [leaf, intermediate.certificate], key: key)
    }

    func client(_ name: String) throws -> CertificateBundle {
        let key = try PrivateKey.generate(.ecdsaP256)
        let leaf = try Certificate.issue(TestCA.template(.client, name), for: key, by: intermediate)
        return try CertificateBundle(chain: [leaf, intermediate.certificate], key: key)
    }

    var rootPEM: [UInt8] { Array(root.certificate.pem.utf8) }
}
