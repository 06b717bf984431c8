import Certificates
import Foundation
import OpenSSL
import Site
import Testing

/// Everything that the internal CA makes, before judges: a linter of our own, OpenSSL's and GnuTLS' tools.
@Suite("The profile of what the internal CA issues")
struct ProfileTests {
    private static let now = Int64(Date().timeIntervalSince1970)
    private static let names = ["foobar.com", "*.foobar.com", "192.0.2.1", "2001:db8::1"]

    /// A CA for the site's names, with a place for its list.
    private static func authority(_ key: PrivateKey.Kind = .ecdsaP256) throws -> InternalCA {
        var policy = InternalCAPolicy(SiteModel(name: "foobar.com"), for: names)
        policy.key = key
        policy.address = "http://foobar.com"
        return try InternalCA(named: "foobar.com", policy: policy, now: now)
    }

    @Test("every kind of leaf, for names, wildcards and addresses", arguments: PrivateKey.Kind.allCases)
    func leaves(kind: PrivateKey.Kind) throws {
        let ca = try Self.authority()
        let above = ca.signingCertificate.der
        // A key of RSA takes its time: of those there is one.
        let isQuick = [.ecdsaP256, .ecdsaP384, .ed25519].contains(kind)
        for names in isQuick ? [Self.names, ["www.foobar.com"], ["192.0.2.1"]] : [Self.names] {
            let leaf = try ca.issue(names: names, key: kind, now: Self.now).leaf
            let problems = CertificateLint.problems(leaf.der, as: .server, by: above, lifetime: 47 * 86_400)
            #expect(problems == [], "\(names)")
        }
    }

    @Test(
        "root and intermediate, of every kind of key; what OpenSSL and GnuTLS say of a chain, with its list and without",
        arguments: [PrivateKey.Kind.ecdsaP256, .ecdsaP384, .rsa2048, .ed25519]
    )
    func authorities(kind: PrivateKey.Kind) throws {
        let scratch = try Scratch()
        let ca = try Self.authority(kind)
        let (root, intermediate) = (ca.rootCertificate, ca.signingCertificate)
        let life: Int64 = 3660 * 86_400
        #expect(CertificateLint.problems(root.der, as: .root, by: nil, lifetime: life) == [])
        #expect(CertificateLint.problems(intermediate.der, as: .intermediate, by: root.der, lifetime: life) == [])
        let bundle = try ca.issue(names: Self.names, key: kind, now: Self.now)
        let problems = CertificateLint.problems(bundle.leaf.der, as: .server, by: intermediate.der, lifetime: life)
        #expect(problems == [])
        let trusted = try scratch.write("root.pem", root.pem)
        let chain = try scratch.write("chain.pem", bundle.chainPEM)
        let all = try scratch.write("all.pem", bundle.chainPEM + root.pem)
        for name in [
            ["-verify_hostname", "www.foobar.com"], ["-verify_ip", "192.0.2.1"], ["-verify_ip", "2001:db8::1"],
        ] {
            let verified = try RealTools.run(
                ["openssl", "verify", "-x509_strict", "-purpose", "sslserver"] + name
                    + ["-CAfile", trusted, "-untrusted", chain, chain]
            )
            #expect(verified.status == 0, "\(verified.output)")
        }
        let alone = try RealTools.run("openssl", "verify", "-untrusted", chain, chain)
        #expect(alone.status != 0, "\(alone.output)")
        let text = try RealTools.run("openssl", "x509", "-in", chain, "-noout", "-text").output
        #expect(text.contains("URI:http://foobar.com/.well-known/gatehouse/"), "\(text)")
        #expect(text.contains("DNS:foobar.com, DNS:*.foobar.com, IP Address:192.0.2.1"), "\(text)")
        let constraints = try RealTools.run(
            "openssl",
            "x509",
            "-in",
            try scratch.write("ca.pem", intermediate.pem),
            "-noout",
            "-ext",
            "nameConstraints"
        ).output
        #expect(constraints.contains("X509v3 Name Constraints: critical"), "\(constraints)")
        // GnuTLS wants the whole chain, the root last.
        let gnutls = try RealTools.run(
            "certtool",
            "--verify",
            "--load-ca-certificate",
            trusted,
            "--verify-hostname",
            "www.foobar.com",
            "--infile",
            all
        )
        #expect(gnutls.status == 0 && gnutls.output.contains("The certificate is trusted."), "\(gnutls.output)")
        let stranger = try scratch.write("other.pem", try Self.authority().rootCertificate.pem)
        let strange = try RealTools.run("certtool", "--verify", "--load-ca-certificate", stranger, "--infile", all)
        #expect(strange.status != 0, "\(strange.output)")
    }

    @Test("dates after 2049 are written as RFC 5280 has it")
    func lateDates() throws {
        let key = try PrivateKey.generate(.ecdsaP256)
        for last in [2_524_607_999, 2_524_608_000, 4_000_000_000] as [Int64] {
            let template = CertificateTemplate(role: .server, names: ["a.test"], notBefore: Self.now, notAfter: last)
            let certificate = try Certificate.issue(template, for: key, by: nil)
            #expect(CertificateLint.problems(certificate.der, as: .server, by: nil, lifetime: .max) == [], "\(last)")
            #expect(certificate.validity == Self.now...last)
        }
    }

    @Test("serial numbers differ in all the bits that the generator gives")
    func serials() throws {
        let ca = try Self.authority()
        let serials = try (0..<200).map { _ in
            try ca.issue(names: ["a.foobar.com"], now: Self.now).leaf.serialNumber
        }
        #expect(Set(serials).count == serials.count && serials.allSatisfy { $0.count == 16 })
        // Each of 64 bits and more is 0 in some and 1 in others; with 200 draws a good one fails once in 2^192.
        let varying = (0..<128).filter { bit in
            let ones = serials.count { $0[bit / 8] & (0x80 >> (bit % 8)) != 0 }
            return (1..<serials.count).contains(ones)
        }
        #expect(varying.count >= 64, "\(varying.count)")
    }

    @Test("the linter finds what is wrong: a leaf in each of these has one fault")
    func linterCanFail() throws {
        let scratch = try Scratch()
        let usual =
            "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\n"
        let faults = [
            ("subjectAltName=DNS:a.test", "/CN=b.test", "a common name"),
            ("subjectAltName=critical,DNS:a.test", "/CN=a.test", "critical when the subject"),
            ("subjectAltName=DNS:A.test", "/CN=A.test", "A.test"), ("", "/CN=a.test", "no subjectAltName"),
            ("subjectAltName=DNS:a.test\nnameConstraints=permitted;DNS:a.test", "/CN=a.test", "not critical"),
        ]
        for (names, subject, words) in faults {
            let settings = try scratch.write("x.cnf", "[req]\ndistinguished_name=n\n[n]\n[x]\n\(usual)\(names)\n")
            let options = ["-subj", subject, "-config", settings, "-extensions", "x", "-days", "10"]
            let der = try RealTools.selfSigned(in: scratch, options).der
            let problems = CertificateLint.problems(der, as: .server, by: nil, lifetime: 47 * 86_400)
            #expect(problems.contains { $0.contains(words) }, "\(words): \(problems)")
        }
        // Whatever byte is damaged: nothing traps, and trailing bytes are found.
        let leaf = try Self.authority().issue(names: Self.names, now: Self.now).leaf.der
        #expect(CertificateLint.problems(leaf + [0], as: .server, by: nil, lifetime: .max) != [])
        for index in leaf.indices {
            var bytes = leaf
            bytes[index] ^= 0x81
            _ = CertificateLint.problems(bytes, as: .server, by: nil, lifetime: .max)
        }
    }
}
