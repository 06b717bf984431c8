import Foundation
import Testing

/// lego, a widely used ACME client, as the oracle: from the same Pebble, by the same challenge, both get certificates that
/// differ in nothing but what must differ.
@Suite("What lego gets of Pebble, and what Gatehouse gets", .patient)
struct LegoTests {
    /// lego gives up when too many nonces in a row are refused, as happens when half of them are.
    private static let fewRefusals = ["PEBBLE_WFE_NONCEREJECT": "5"]

    /// What a certificate is, without what is different in each.
    private struct Shape: Equatable {
        var names: Set<String> = []
        var chain = 0
        var key = ""
        var signature = ""
        /// In seconds.
        var lifetime = 0
        var extensions: [String] = []
    }

    private let binding = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"

    private func shape(_ path: String, in directory: TemporaryDirectory) throws -> Shape {
        let made = try run("/usr/bin/python3", ["-c", Self.reader, path], in: directory)
        guard made.status == 0 else { throw HarnessError("\(path): \(made.error)") }
        let value = try JSONSerialization.jsonObject(with: Data(made.output.utf8)) as? [String: Any] ?? [:]
        return Shape(
            names: Set(value["names"] as? [String] ?? []),
            chain: value["chain"] as? Int ?? 0,
            key: value["key"] as? String ?? "",
            signature: value["signature"] as? String ?? "",
            lifetime: value["lifetime"] as? Int ?? 0,
            extensions: value["extensions"] as? [String] ?? []
        )
    }

    /// Takes `openssl x509 -text` apart: the words of extensions, without identifiers of keys and places.
    private static let reader = """
        import datetime, json, re, subprocess, sys
        text = open(sys.argv[1]).read()
        chain = re.findall("-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", text, re.S)
        said = subprocess.run(["openssl", "x509", "-noout", "-text"], input=chain[0], capture_output=True, text=True,
                              check=True).stdout
        def moment(name):
            words = re.search(name + r" ?: (.*) GMT", said)[1]
            return datetime.datetime.strptime(words, "%b %d %H:%M:%S %Y")
        extensions = re.search(r"X509v3 extensions:\\n(.*?)\\n    Signature Algorithm", said, re.S)[1]
        kept = []
        for title, critical, body in re.findall(
            r"^ {12}(\\S[^\\n]*?): *(critical)? *\\n((?: {16}[^\\n]*\\n)*)", extensions + "\\n", re.M
        ):
            words = "" if re.search("Identifier|Alternative|Authority Information", title) else body.strip()
            kept.append(f"{title} {critical} {words}")
        print(json.dumps({
            "names": re.findall(r"(?:DNS|IP Address):([^,\\s]+)", said), "chain": len(chain),
            "key": re.search(r"ASN1 OID: (\\S+)", said)[1],
            "signature": re.search(r"Signature Algorithm: (\\S+)", said)[1],
            "lifetime": round((moment("Not After") - moment("Not Before")).total_seconds()),
            "extensions": sorted(kept)}))
        """

    /// Has lego order, and says where its certificate is.
    private func lego(
        _ arguments: [String],
        names: [String],
        of pebble: Pebble,
        in directory: TemporaryDirectory,
        environment: [String: String] = [:]
    ) throws -> String {
        let ordered = try run(
            "lego",
            [
                "--accept-tos", "--email", "a@foobar.test", "--server", pebble.url, "--path", directory.path("lego"),
                "--key-type", "ec256",
            ] + names.flatMap { ["--domains", $0] } + arguments + ["run"],
            in: directory,
            environment: ["LEGO_CA_CERTIFICATES": directory.path("pebble.crt")].merging(environment) { $1 },
            within: .seconds(200)
        )
        guard ordered.status == 0 else { throw HarnessError("lego: \(ordered) \(pebble.log)") }
        let file = names[0].replacingOccurrences(of: "*", with: "_")
        return directory.path("lego/certificates/\(file).crt")
    }

    private func check(_ mine: Shape, _ legos: Shape, names: [String]) {
        #expect(mine == legos)
        #expect(mine.names == Set(names) && mine.key.contains("prime256v1") && mine.chain >= 2, "\(mine)")
        #expect(mine.lifetime > 86_400 && mine.extensions.count >= 5, "\(mine)")
    }

    @Test("by HTTP-01 and by TLS-ALPN-01, answered by the running gateway", arguments: ["http-01", "tls-alpn-01"])
    func challenges(kind: String) throws {
        let directory = try TemporaryDirectory()
        let (plain, tls) = (try Ports.free(), try Ports.free())
        let pebble = try Pebble(.init(httpPort: plain, tlsPort: tls, environment: Self.fewRefusals), in: directory)
        let names = ["foobar.test", "www.foobar.test"]
        let site = try RunningSite(
            """
            site: foobar.test
            hosts: { here: { roles: [gateway], addresses: [127.0.0.1/8] } }
            gateway:
              listen: [ { port: \(tls), tls: { certificates: [web] } }, { port: \(plain), redirect: https } ]
              routes: [ { hosts: [foobar.test], pool: web } ]
              pools: { web: { servers: [ { address: 127.0.0.1, port: 1 } ] } }
            certificate-store: store
            certificates:
              web:
                names: [\(names.joined(separator: ", "))]
                issuer: { acme: "\(pebble.url)", trust: pebble.crt, challenges: \(kind) }
            """,
            in: directory
        )
        try eventually("it is there; \(pebble.log) \(site.log)", within: .seconds(120)) {
            site.log.contains("certificate web: served, as a handshake showed")
        }
        // lego answers at the same ports.
        try site.stop()
        let way = kind == "http-01" ? ["--http", "--http.port", ":\(plain)"] : ["--tls", "--tls.port", ":\(tls)"]
        let theirs = try lego(way, names: names, of: pebble, in: directory)
        check(
            try shape(directory.path("store/web/1/fullchain.pem"), in: directory),
            try shape(theirs, in: directory),
            names: names
        )
    }

    @Test("by DNS-01, with the same program: a wildcard and its domain, in an external account, with chains of three")
    func records() throws {
        var options = Pebble.Options()
        options.settings = """
            "externalAccountBindingRequired": true, "externalAccountMACKeys": { "kid-1": "\(binding)" },
            """
        options.environment = Self.fewRefusals.merging(["PEBBLE_CHAIN_LENGTH": "3"]) { $1 }
        let site = try DNSSite(options)
        try site.directory.write(binding, to: "eab.key")
        try site.directory.setMode(0o600, of: "eab.key")
        let names = ["*.foobar.test", "foobar.test"]
        try site.write("binding: { key-id: kid-1, key-file: eab.key }", names: "[\"*.foobar.test\", foobar.test]")
        let issued = try site.certs("issue", "web")
        #expect(issued.status == 0, "\(issued) \(site.pebble.log)")
        let theirs = try lego(
            [
                "--eab", "--kid", "kid-1", "--hmac", binding, "--dns", "exec", "--dns.disable-cp", "--dns.resolvers",
                "127.0.0.1:\(site.pebble.dnsPort)",
            ],
            names: names,
            of: site.pebble,
            in: site.directory,
            environment: [
                "EXEC_PATH": site.directory.path("records"), "EXEC_POLLING_INTERVAL": "1",
                "EXEC_SEQUENCE_INTERVAL": "1",
            ]
        )
        check(
            try shape(site.directory.path("store/web/1/fullchain.pem"), in: site.directory),
            try shape(theirs, in: site.directory),
            names: names
        )
    }
}
