import Foundation
import Testing

/// Certificates from Pebble, the small ACME server, with a gateway that it looks at.
@Suite("ACME against Pebble", .patient)
struct PebbleTests {
    private let directory: TemporaryDirectory
    private let tls: UInt16
    private let plain: UInt16
    private let app: ScriptedServer
    private let pebble: Pebble

    init() throws {
        directory = try TemporaryDirectory()
        tls = try Ports.free()
        plain = try Ports.free()
        app = try ScriptedServer.named("app-01")
        pebble = try Pebble(.init(httpPort: plain, tlsPort: tls), in: directory)
    }

    private var text: String {
        """
        site: foobar.test
        hosts: { here: { roles: [gateway], addresses: [127.0.0.1/8] } }
        gateway:
          name-servers: 127.0.0.1:\(pebble.dnsPort)
          listen: [ { port: \(tls), tls: { certificates: [web] } }, { port: \(plain), redirect: https } ]
          routes: [ { hosts: [foobar.test], pool: web } ]
          pools: { web: { servers: [ { address: 127.0.0.1, port: \(app.port) } ] } }
        certificate-store: store
        certificates:
          web:
            names: [foobar.test, www.foobar.test]
            issuer: { acme: "https://127.0.0.1:\(pebble.port)/dir", contact: admin@foobar.test, trust: pebble.crt }
        """
    }

    /// Starts the gateway, which orders by itself.
    private func start() throws -> RunningSite { try RunningSite(text, in: directory) }

    /// The same, and waits until it shows what it ordered.
    private func started() throws -> RunningSite {
        let site = try start()
        try eventually("it is there; \(pebble.log)", within: .seconds(120)) { try shownIssuer().contains("Pebble") }
        return site
    }

    private func certs(_ arguments: String...) throws -> ToolResult { try directory.certs(arguments) }

    private func shownIssuer() throws -> String { try directory.shown(at: tls, "-issuer") }

    @Test("ordered by the gateway itself through its port 80, and again by rotate, with the same account")
    func orders() throws {
        let site = try started()
        // Once, however often it is looked at while the CA asks.
        #expect(site.log.components(separatedBy: "stands in").count == 2, "\(site.log)")
        try eventually("it is said") { site.log.contains("certificate web: issued by https://127.0.0.1") }
        #expect(try certs("list").status == 0)
        let account = try FileManager.default.contentsOfDirectory(atPath: directory.path("store/acme-accounts"))
        #expect(account.count == 1)
        let again = try certs("rotate", "web", "--reason", "a test")
        #expect(again.status == 0 && again.output.contains("the gateway serves it"), "\(again) \(pebble.log)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path("store/acme-accounts")) == account)
        let left = try FileManager.default.contentsOfDirectory(atPath: directory.path("store/acme-challenges"))
        #expect(left.isEmpty, "\(left)")
        #expect(try certs("audit").output.contains("web issued, generation 2"))
    }

    @Test("a CA that is not there is tried again at the times that the plan has, also after a restart")
    func plan() throws {
        pebble.stop()
        let site = try start()
        try eventually("the first try failed", within: .seconds(120)) { site.log.contains("try 1 in a row") }
        let plan = try String(contentsOfFile: directory.path("store/plans/web"), encoding: .utf8)
        #expect(plan.contains("\"failures\":1"), "\(plan)")
        try site.stop()
        let again = try start()
        #expect(!again.log.contains("in a row"), "\(again.log)")
        #expect(try String(contentsOfFile: directory.path("store/plans/web"), encoding: .utf8) == plan)
    }

    @Test("a CA that forgot the account gets it made anew")
    func forgotten() throws {
        let site = try started()
        try pebble.restart()
        let again = try certs("rotate", "web")
        #expect(again.status == 0, "\(again) \(pebble.log) \(site.log)")
    }

    @Test("without a gateway that the CA could look at, the error says so, and nothing is stored")
    func unanswered() throws {
        try directory.write(text, to: "site.yaml")
        let refused = try certs("issue", "web")
        let words = "certificate web: no gateway of this site answers"
        #expect(refused.status == 1 && refused.error.contains(words), "\(refused)")
        #expect(!FileManager.default.fileExists(atPath: directory.path("store/web")))
    }

    @Test("a CA whose certificate nobody trusts is not spoken to")
    func distrusted() throws {
        let other = try TestCertificate("other", names: ["localhost"], in: directory)
        try FileManager.default.removeItem(atPath: directory.path("pebble.crt"))
        try FileManager.default.copyItem(atPath: other.certificatePath, toPath: directory.path("pebble.crt"))
        let site = try start()
        try eventually("it is said", within: .seconds(120)) { site.log.contains("cannot be reached") }
        let refused = try certs("issue", "web")
        #expect(refused.status == 1 && refused.error.contains("cannot be reached"), "\(refused)")
    }
}
