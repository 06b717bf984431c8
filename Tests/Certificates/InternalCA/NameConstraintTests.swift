import Certificates
import Foundation
import OpenSSL
import Site
import Testing

@Suite("Name constraints of the internal CA")
struct NameConstraintTests {
    private let now = Int64(Date().timeIntervalSince1970)
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private var store: CertificateStore { scratch.store }

    private func site(_ names: [String], limit: [CertifiableName]? = nil) -> SiteModel {
        var site = SiteModel(name: "foobar.com")
        site.certificateStore = store.folder
        site.certificates["web"] = CertificateSettings(name: "web", names: names.map(pattern), issuer: .internal)
        site.internalCA.names = limit
        return site
    }

    private func pattern(_ name: String) -> HostPattern {
        name.hasPrefix("*.") ? .wildcard(String(name.dropFirst(2))) : .exact(name)
    }

    private func provide(_ site: SiteModel) throws -> CertificateProvider.Provided {
        let settings = try #require(site.certificates["web"])
        return try CertificateProvider(for: site, now: now).provide(settings)
    }

    @Test("they are the site's domain and the names of its certificates, without what lies below another")
    func derived() throws {
        let names = ["foobar.com", "a.foobar.com", "*.shop.test", "192.0.2.1", "2001:db8::1"]
        let constraints = try #require(InternalCAPolicy(site(names)).constraints)
        #expect(constraints.domains == ["foobar.com", "shop.test"])
        #expect(constraints.text == "foobar.com, shop.test, 192.0.2.1/32, 2001:db8:0:0:0:0:0:1/128")
        for good in ["foobar.com", "x.y.foobar.com", "*.shop.test"] { #expect(constraints.permits(name: good)) }
        for bad in ["notfoobar.com", "com", "shop.test.evil.test", "*.test"] {
            #expect(!constraints.permits(name: bad))
        }
        #expect(constraints.permits(address: [192, 0, 2, 1]) && !constraints.permits(address: [192, 0, 2, 2]))
        // A list that goes out with each handshake has an end.
        #expect(InternalCAPolicy(site((0..<100).map { "a.host-\($0).test" })).constraints == nil)
        let bundle = try provide(site(names)).bundles[0]
        #expect(bundle.chain[1].nameConstraints == constraints)
    }

    @Test(
        "a name beyond them gets another intermediate where the root's key is here, else an error that says what to do"
    )
    func growing() throws {
        let first = try provide(site(["foobar.com"])).bundles[0]
        let wider = site(["foobar.com", "shop.test"])
        let second = try provide(wider).bundles[0]
        #expect(second.chain[1].der != first.chain[1].der)
        #expect(second.chain[1].nameConstraints?.domains == ["foobar.com", "shop.test"])
        // Fewer names are no reason for another one.
        #expect(try provide(site(["foobar.com"])).bundles[0].chain[1].der == second.chain[1].der)
        var key: PrivateKey?
        try store.locked { () throws(CertificateProblem) in
            try InternalCA.detachRoot(from: store, now: now) { key = $0 }
        }
        #expect(key != nil)
        let widest = try provide(site(["foobar.com", "mail.test"]))
        // The stored one does for foobar.com until a person has brought the key.
        #expect(widest.bundles[0].names == ["foobar.com"])
        let warning = try #require(widest.warnings.first)
        #expect(warning.contains("may certify foobar.com, shop.test alone, and not mail.test"), "\(warning)")
        #expect(warning.contains("certs ca renew --root-key"), "\(warning)")
    }

    @Test("names of the site file's own bind it: no others are certified, and the error names them")
    func configured() throws {
        let limit: [CertifiableName] = [.domain("foobar.com"), .network(try #require(IPNetwork("10.0.0.0/8")))]
        let bundle = try provide(site(["www.foobar.com", "10.1.2.3"], limit: limit)).bundles[0]
        #expect(bundle.chain[1].nameConstraints?.text == "foobar.com, 10.0.0.0/8")
        // What is stored is served on.
        let other = try provide(site(["foobar.com.test"], limit: limit))
        #expect(other.bundles[0].names == ["www.foobar.com"])
        #expect(other.warnings.first?.contains("`names` of `internal-ca`") == true, "\(other.warnings)")
        let networks = NameConstraints(networks: [.init(address: [10, 0, 0, 0], prefix: 8)])
        var policy = InternalCAPolicy()
        policy.constraints = networks
        let alone = try InternalCA(named: "a", policy: policy, now: now)
        #expect(alone.signingCertificate.nameConstraints == networks)
        let named = try? alone.issue(names: ["foobar.com"], now: now)
        #expect(named == nil, "no name is permitted where none is named")
        #expect(try alone.issue(names: ["10.1.2.3"], now: now).leaf.addresses == [[10, 1, 2, 3]])
    }

    /// A thief who has the intermediate's key, and signs what he likes.
    private func stolen(_ name: String, _ bundle: CertificateBundle) throws -> (chain: String, key: String) {
        let ca = try store.load("internal-ca")
        let key = try PrivateKey.generate(.ecdsaP256)
        let template = CertificateTemplate(role: .server, names: [name], notBefore: now - 60, notAfter: now + 86_400)
        let leaf = try Certificate.issue(
            template,
            for: key,
            by: Certificate.Authority(certificate: ca.leaf, key: ca.key)
        )
        #expect(leaf.isIssued(by: ca.leaf) && !leaf.isPermitted(by: ca.leaf))
        #expect {
            try CertificateBundle(chain: [leaf, ca.leaf], key: key)
        } throws: { error in
            guard case .forbiddenNames(_, let issuer)? = error as? CertificateError else { return false }
            return issuer == ca.leaf.subject
        }
        let pem = key.pem
        let text = (0..<pem.count).reduce(into: "") { $0.unicodeScalars.append(Unicode.Scalar(pem.bytes[$1])) }
        return (try scratch.write("chain.pem", leaf.pem + ca.leaf.pem), try scratch.write("key.pem", text))
    }

    @Test(
        "what a stolen intermediate signs for another name is refused by OpenSSL, Python, curl and GnuTLS",
        arguments: ["bank.test", "192.0.2.7", "2001:db8::7"]
    )
    func stolenKey(name: String) throws {
        let bundle = try provide(site(["foobar.com"])).bundles[0]
        let root = try scratch.write("root.pem", try InternalCA.root(in: store).pem)
        let good = (
            chain: try scratch.write("good.pem", bundle.chainPEM), key: try scratch.write("good-key.pem", bundle.keyPEM)
        )
        let bad = try stolen(name, bundle)
        let verified = try RealTools.run("openssl", "verify", "-CAfile", root, "-untrusted", bad.chain, bad.chain)
        #expect(verified.status != 0 && verified.output.contains("subtree violation"), "\(verified.output)")
        let files = try [bad.chain, root].map { try String(contentsOfFile: $0, encoding: .utf8) }
        let all = try scratch.write("all.pem", files.joined())
        let gnutls = try RealTools.run("certtool", "--verify", "--load-ca-certificate", root, "--infile", all)
        #expect(gnutls.status != 0, "\(gnutls.output)")
        let result = try RealTools.run(
            "python3",
            "-c",
            Self.script,
            root,
            good.chain,
            good.key,
            "foobar.com",
            bad.chain,
            bad.key,
            name
        )
        #expect(
            result.status == 0 && result.output == "python True False\ncurl True False\nwithout False False\n",
            "\(result)"
        )
    }

    /// Both certificates behind a socket: whether Python and curl take each of them by the root, and without it.
    private static let script = """
        import socket, ssl, subprocess, sys, threading
        root = sys.argv[1]
        def serve(chain, key):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); context.load_cert_chain(chain, key)
            listener = socket.create_server(("127.0.0.1", 0))
            def run():
                while True:
                    plain = listener.accept()[0]
                    try:
                        with context.wrap_socket(plain, server_side=True) as peer:
                            peer.recv(4096)
                            peer.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\nok")
                    except OSError: pass
            threading.Thread(target=run, daemon=True).start()
            return listener.getsockname()[1]
        sites = [(serve(*sys.argv[2:4]), sys.argv[4]), (serve(*sys.argv[5:7]), sys.argv[7])]
        def python(port, name, context):
            try:
                with socket.create_connection(("127.0.0.1", port), 60) as plain:
                    with context.wrap_socket(plain, server_hostname=name) as peer: return peer.version() is not None
            except ssl.SSLError: return False
        def curl(port, name, *options):
            host = "[" + name + "]" if ":" in name else name
            answer = subprocess.run(["curl", "-s", "--noproxy", "*", "--max-time", "60", *options, "--connect-to",
                f"::127.0.0.1:{port}", f"https://{host}:{port}/"], capture_output=True, text=True)
            return answer.stdout == "ok"
        trusting = ssl.create_default_context(cafile=root)
        print("python", *[python(*site, trusting) for site in sites])
        print("curl", *[curl(*site, "--cacert", root) for site in sites])
        print("without", python(*sites[0], ssl.create_default_context()), curl(*sites[0]))
        """

    @Test("what stands in for an ACME server's certificate needs no right to its names")
    func standIn() throws {
        var site = site(["foobar.com"], limit: [.domain("lan.foobar.com")])
        let acme = ACMESettings(directory: "https://ca.test/directory")
        site.certificates["web"] = CertificateSettings(name: "web", names: [.exact("foobar.com")], issuer: .acme(acme))
        let provided = try provide(site)
        #expect(provided.isStandIn && provided.bundles[0].names == ["foobar.com"])
    }

    @Test("the standby of files is one of the names")
    func standbyOfFiles() throws {
        var site = site(["foobar.com"])
        let files = CertificateFiles(certificate: "/nonexistent/crt", key: "/nonexistent/key")
        var settings = CertificateSettings(name: "web", names: [.exact("shop.test")], issuer: .files([files]))
        site.certificates["web"] = settings
        #expect(InternalCAPolicy(site).constraints?.domains == ["foobar.com"])
        settings.standby = .internal
        site.certificates["web"] = settings
        #expect(InternalCAPolicy(site).constraints?.domains == ["foobar.com", "shop.test"])
    }
}
