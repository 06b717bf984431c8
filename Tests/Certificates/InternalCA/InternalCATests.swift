import Certificates
import Foundation
import OpenSSL
import Testing

@Suite struct InternalCATests {
    private let now = Int64(Date().timeIntervalSince1970)

    @Test func leavesSayWhatTheyShould() throws {
        let ca = try InternalCA(named: "foobar.com", now: now)
        let bundle = try ca.issue(names: ["foobar.com", "*.foobar.com", "127.0.0.1", "::1"], now: now)
        #expect(bundle.names == ["foobar.com", "*.foobar.com"])
        #expect(bundle.leaf.addresses.map(\.count) == [4, 16])
        #expect(bundle.leaf.identifiers == ["foobar.com", "*.foobar.com", "127.0.0.1", "::1"])
        #expect(bundle.chain.count == 2)
        #expect(bundle.leaf.issuer == "CN=foobar.com intermediate CA")
        #expect(bundle.leaf.validity.upperBound == now + InternalCA.leafLifetime)
        try bundle.requireValid(at: now)
        let long = try ca.issue(names: ["foobar.com"], lifetime: 100_000 * 86_400, now: now)
        #expect(long.leaf.validity.upperBound == bundle.chain[1].validity.upperBound)
        #expect(throws: CertificateProblem.self) { try ca.issue(names: ["not a name"], now: now) }
    }

    @Test(arguments: [PrivateKey.Kind.ecdsaP256, .ecdsaP384, .rsa2048])
    func opensslVerifies(kind: PrivateKey.Kind) throws {
        let scratch = try Scratch()
        let ca = try InternalCA(named: "foobar.com", now: now)
        let bundle = try ca.issue(names: ["foobar.com"], key: kind, now: now)
        let root = try scratch.write("root.pem", ca.rootCertificate.pem)
        let chain = try scratch.write("chain.pem", bundle.chainPEM)
        let good = try RealTools.run(
            "openssl",
            "verify",
            "-x509_strict",
            "-purpose",
            "sslserver",
            "-verify_hostname",
            "foobar.com",
            "-CAfile",
            root,
            "-untrusted",
            chain,
            chain
        )
        #expect(good.status == 0, "\(good.output)")
        let bad = try RealTools.run(
            "openssl",
            "verify",
            "-verify_hostname",
            "example.com",
            "-CAfile",
            root,
            "-untrusted",
            chain,
            chain
        )
        #expect(bad.status != 0)
    }

    /// A handshake between Python's own two sides, with the files as they are on disk.
    @Test(arguments: ["foobar.com", "www.foobar.com", "127.0.0.1", "::1"])
    func pythonAccepts(name: String) throws {
        let scratch = try Scratch()
        let ca = try InternalCA(named: "foobar.com", now: now)
        let bundle = try ca.issue(names: ["foobar.com", "*.foobar.com", "127.0.0.1", "::1"], now: now)
        try scratch.write("root.pem", ca.rootCertificate.pem)
        try scratch.write("chain.pem", bundle.chainPEM)
        try scratch.write("key.pem", bundle.keyPEM)
        let script = """
            import ssl, sys
            folder, name = sys.argv[1:]
            server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            server.load_cert_chain(folder + "/chain.pem", folder + "/key.pem")
            client = ssl.create_default_context(cafile=folder + "/root.pem")
            a, b = ssl.MemoryBIO(), ssl.MemoryBIO()
            sides = [client.wrap_bio(b, a, server_hostname=name), server.wrap_bio(a, b, server_side=True)]
            for side in sides * 4:
                try: side.do_handshake()
                except ssl.SSLWantReadError: pass
            print(sides[0].version(), sides[0].getpeercert()["subjectAltName"])
            """
        let result = try RealTools.run("python3", "-c", script, scratch.path, name)
        #expect(result.status == 0 && result.output.contains("TLSv1.3"), "\(result.output)")
    }

    @Test func theStoreKeepsIt() throws {
        let scratch = try Scratch()
        let store = scratch.store
        let first = try InternalCA.loadOrCreate(in: store, named: "foobar.com", now: now)
        let second = try InternalCA.loadOrCreate(in: store, named: "foobar.com", now: now)
        #expect(first.rootCertificate.pem == second.rootCertificate.pem)
        let issued = try second.issue(names: ["foobar.com"], now: now)
        #expect(issued.chain[1].pem == (try first.issue(names: ["foobar.com"], now: now)).chain[1].pem)
        #expect(throws: CertificateProblem.self) {
            // The root has ended: no certificate can come from it any more.
            try InternalCA.loadOrCreate(in: store, named: "foobar.com", now: now + 11 * 365 * 86_400)
        }
    }
}
