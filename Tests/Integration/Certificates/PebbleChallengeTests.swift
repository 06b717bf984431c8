import Foundation
import Testing

/// TLS-ALPN-01 by the running gateway, and DNS-01 through a program of the site's, against Pebble.
@Suite("Challenges of Pebble", .patient)
struct PebbleChallengeTests {
    private let directory: TemporaryDirectory
    private let tls: UInt16
    private let app: ScriptedServer
    private let pebble: Pebble

    init() throws {
        directory = try TemporaryDirectory()
        tls = try Ports.free()
        app = try ScriptedServer.named("app-01")
        pebble = try Pebble(.init(tlsPort: tls), in: directory)
        // What a person would write for their name server: here curl tells it.
        try directory.write(
            """
            #!/bin/sh
            echo "$* $GATEHOUSE_CERTIFICATE ${PEBBLE_WFE_NONCEREJECT-clean}" >> \(directory.path("hook.log"))
            echo "token=geheim"
            [ -e \(directory.path("broken")) ] && exit 3
            case "$3" in
                present) set="set-txt" body="{\\"host\\":\\"$4\\",\\"value\\":\\"$5\\"}" ;;
                cleanup) set="clear-txt" body="{\\"host\\":\\"$4\\"}" ;;
                *) exit 2 ;;
            esac
            exec curl -sf -d "$body" http://127.0.0.1:\(pebble.namesPort)/$set
            """,
            to: "hook"
        )
        try directory.makeExecutable("hook")
    }

    private func site(names: String, issuer: String, tls options: String = "") -> String {
        """
        site: foobar.test
        hosts: { here: { roles: [gateway], addresses: [127.0.0.1/8] } }
        gateway:
          name-servers: 127.0.0.1:\(pebble.dnsPort)
          listen: [ { port: \(tls), tls: { certificates: [web]\(options) } } ]
          routes: [ { hosts: [foobar.test], pool: web } ]
          pools: { web: { servers: [ { address: 127.0.0.1, port: \(app.port) } ] } }
        certificate-store: store
        certificates:
          web:
            names: \(names)
            issuer: { acme: "\(pebble.url)", trust: pebble.crt, \(issuer) }
        """
    }

    private var hook: String { "dns: { run: [./hook, --zone, foobar.test], wait: 0s }" }

    private func shown() throws -> String { try directory.shown(at: tls, "-issuer -ext subjectAltName") }

    private func certs(_ arguments: String...) throws -> ToolResult { try directory.certs(arguments) }

    @Test("TLS-ALPN-01: the running gateway answers, and its clients see nothing of it")
    func handshakes() throws {
        // A listener that wants certificates of its clients wants none of the CA.
        let clients = try TestCertificate("clients", names: ["clients"], in: directory)
        let mutual = ", client-certificates: { ca: \(clients.certificatePath), mode: request }"
        let site = try RunningSite(
            site(names: "[foobar.test, www.foobar.test]", issuer: "challenges: tls-alpn-01", tls: mutual),
            in: directory
        )
        try eventually("it is there; \(pebble.log) \(site.log)", within: .seconds(120)) {
            try shown().contains("Pebble")
        }
        #expect(try shown().contains("DNS:foobar.test, DNS:www.foobar.test"))
        let again = try certs("rotate", "web")
        #expect(again.status == 0, "\(again) \(pebble.log)")
        let left = try FileManager.default.contentsOfDirectory(atPath: directory.path("store/acme-challenges"))
        #expect(left.isEmpty, "\(left)")
    }

    @Test("with no listener on port 80, HTTP-01 is not even tried")
    func chooses() throws {
        let site = try RunningSite(site(names: "foobar.test", issuer: "contact: a@foobar.test"), in: directory)
        try eventually("it is there; \(pebble.log) \(site.log)", within: .seconds(120)) {
            try shown().contains("Pebble")
        }
        #expect(!site.log.contains("in a row"), "\(site.log)")
    }

    @Test("DNS-01: a wildcard and its domain, by a program that gets its arguments and no environment of ours")
    func records() throws {
        try directory.write(site(names: "[foobar.test, \"*.foobar.test\"]", issuer: hook), to: "site.yaml")
        // Without a gateway: the DNS answers.
        let issued = try certs("issue", "web")
        #expect(issued.status == 0, "\(issued) \(pebble.log)")
        let calls = try String(decoding: directory.contents(of: "hook.log"), as: UTF8.self).split(separator: "\n")
        let made = calls.filter { $0.contains(" present ") }
        #expect(made.count == 2 && calls.filter { $0.contains(" cleanup ") }.count == 2, "\(calls)")
        for call in calls {
            #expect(call.hasPrefix("--zone foobar.test ") && call.hasSuffix(" web clean"), "\(call)")
            #expect(call.contains(" _acme-challenge.foobar.test. "), "\(call)")
        }
        let renewed = try certs("rotate", "web")
        #expect(renewed.status == 0, "\(renewed) \(pebble.log)")
        #expect(try certs("list").output.contains("generation 2"))
        let chain = directory.path("store/web/2/fullchain.pem")
        let text = try run("openssl", ["x509", "-in", chain, "-noout", "-text"], in: directory)
        #expect(text.output.contains("DNS:*.foobar.test") && text.output.contains("DNS:foobar.test"), "\(text)")
    }

    @Test("a program that fails is told of; what it said is kept for its owner alone, and no log has it")
    func fails() throws {
        try directory.write(site(names: "foobar.test", issuer: hook), to: "site.yaml")
        try directory.write("", to: "broken")
        let refused = try certs("issue", "web")
        #expect(refused.status == 1 && refused.error.contains("ended with status 3"), "\(refused)")
        #expect(!refused.error.contains("geheim") && !refused.output.contains("geheim"), "\(refused)")
        let path = directory.path("store/hook-output/dns-web")
        #expect(refused.error.contains(path), "\(refused)")
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "token=geheim\n")
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
    }

    @Test("a program that hangs is killed in time")
    func hangs() throws {
        try directory.write("#!/bin/sh\nsleep 600\n", to: "hook")
        try directory.makeExecutable("hook")
        let text = site(names: "foobar.test", issuer: "dns: { run: ./hook, timeout: 1s }")
        try directory.write(text, to: "site.yaml")
        let refused = try certs("issue", "web")
        #expect(refused.status == 1 && refused.error.contains("took longer than 1 s"), "\(refused)")
    }

    @Test("of a pair of gateways that share the store, the one that the CA comes to answers for the one that orders")
    func pair() throws {
        let plain = try Ports.free()
        let other = try TemporaryDirectory()
        let pebble = try Pebble(.init(httpPort: plain), in: other)
        func site(_ listeners: String, certificates: String) -> String {
            """
            site: foobar.test
            hosts:
              here: { roles: [gateway], addresses: [127.0.0.1/8] }
              there: { roles: [gateway], addresses: [198.18.213.7/24] }
            gateway:
              listen: [ \(listeners) ]
              routes: [ { hosts: [foobar.test], pool: web } ]
              pools: { web: { servers: [ { address: 127.0.0.1, port: \(app.port) } ] } }
            certificate-store: \(directory.path("store"))
            certificates: \(certificates)
            """
        }
        let answering = try RunningSite(site("{ port: \(plain) }", certificates: "{}"), in: other)
        let issuer = "{ acme: \"\(pebble.url)\", trust: \"\(other.path("pebble.crt"))\", challenges: [http-01] }"
        let ordering = try RunningSite(
            site(
                "{ port: \(tls), tls: { certificates: [web] } }, { port: \(try Ports.free()) }",
                certificates: "{ web: { names: [foobar.test], issuer: \(issuer) } }"
            ),
            in: directory
        )
        try eventually("it is there; \(pebble.log) \(ordering.log) \(answering.log)", within: .seconds(120)) {
            ordering.log.contains("certificate web: issued by")
        }
        // At the first try: the CA was not told before the answer was there.
        #expect(!ordering.log.contains("in a row"), "\(ordering.log)")
    }
}
