import COpenSSL
import Testing

@testable import OpenSSL

/// TLS-ALPN-01 (RFC 8737), seen from both sides.
@Suite struct ChallengeTests {
    private static let authorization = "token.thumbprint"
    private static let now: Int64 = 1_790_000_000

    private func server(challenges: [String]) throws -> TLSContext {
        let context = try Make.server([TestCA.shared.server("foobar.com")], keys: TicketKeys())
        var made: [String: CertificateBundle] = [:]
        for name in challenges {
            made[name] = try ChallengeCertificate.make(
                for: name,
                keyAuthorization: Self.authorization,
                now: 1_790_000_000
            )
        }
        context.publish(
            CertificateGeneration(
                number: 2,
                bundles: [try TestCA.shared.server("foobar.com")],
                unknownName: .refuse,
                challenges: made
            )
        )
        return context
    }

    private func shaken(_ server: TLSContext, _ alpn: [String], _ version: TLSVersion, name: String) throws -> Loopback
    {
        try Loopback(server, Make.client(version) { $0.alpn = alpn }, name: name).handshake()
    }

    /// The text that OpenSSL makes of a certificate.
    private func text(_ certificate: Certificate) throws -> String {
        let bio = unsafe try #require(BIO_new(BIO_s_mem()))
        defer { unsafe BIO_free(bio) }
        unsafe X509_print(bio, certificate.handle)
        return unsafe MemoryBIO.text(bio)
    }

    @Test(
        "a CA gets the digest in a critical extension, with one name, and its protocol",
        arguments: [TLSVersion.tls12, .tls13]
    )
    func shown(version: TLSVersion) throws {
        let pair = try shaken(try server(challenges: ["foobar.com"]), ["acme-tls/1"], version, name: "foobar.com")
        #expect(pair.isDone && pair.server.isChallenge)
        #expect(pair.client.applicationProtocol == 0)
        let certificate = try #require(pair.client.peerCertificate)
        #expect(certificate.dnsNames == ["foobar.com"] && certificate.issuer == certificate.subject)
        let text = try text(certificate)
        let digest = Fingerprint.sha256(Self.authorization)
        let lines = text.split(separator: "\n").map { $0.drop { $0 == " " } }
        let place = try #require(lines.firstIndex { $0.hasPrefix("ACME Identifier: critical") }, "\(text)")
        // OpenSSL shows what it does not know byte by byte: the OCTET STRING's head is two of them.
        let wanted = [0x04, 0x22, 0x04, 0x20] + bytes(digest)
        let der = certificate.der
        #expect((0..<der.count).contains { der[$0...].starts(with: wanted) }, "\(lines[place...])")
    }

    private func bytes(_ hex: String) -> [UInt8] {
        let digits = Array(hex)
        return stride(from: 0, to: digits.count, by: 2).compactMap { UInt8(String(digits[$0...$0 + 1]), radix: 16) }
    }

    @Test("others get the site's certificate, also while a CA looks; a CA for a name without a challenge gets none")
    func kept() throws {
        let server = try server(challenges: ["foobar.com"])
        let browser = try shaken(server, ["h2", "http/1.1"], .tls13, name: "foobar.com")
        #expect(browser.isDone && !browser.server.isChallenge && browser.client.applicationProtocol == 0)
        // RFC 8737, section 3: the CA offers this one protocol.
        let mixed = try shaken(server, ["h2", "acme-tls/1"], .tls13, name: "foobar.com")
        #expect(mixed.isDone && !mixed.server.isChallenge)
        #expect(try !shaken(server, ["acme-tls/1"], .tls13, name: "other.com").isDone)
        #expect(try !shaken(self.server(challenges: []), ["acme-tls/1"], .tls13, name: "foobar.com").isDone)
    }

    @Test("a listener that wants clients' certificates wants none of a CA")
    func withoutClientCertificate() throws {
        let context = try Make.server([]) {
            $0.clientCertificates = .init(authorities: TestCA.shared.rootPEM, mode: .require)
        }
        let answer = try ChallengeCertificate.make(for: "a.com", keyAuthorization: "x", now: 1_790_000_000)
        context.publish(
            CertificateGeneration(number: 2, bundles: [], unknownName: .refuse, challenges: ["a.com": answer])
        )
        #expect(try shaken(context, ["acme-tls/1"], .tls13, name: "a.com").isDone)
    }
}
