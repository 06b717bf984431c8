import Certificates
import Foundation
import OpenSSL
import Site
import Testing

/// Symbolic links in the places of the store's small files and of its folders: what they lead to is not read, written or
/// removed.
@Suite("Links within a certificate store")
struct StoreLinkTests {
    private let now = Int64(Date().timeIntervalSince1970)
    private let scratch: Scratch
    private let settings: CertificateSettings
    private let gateway = GatewayIdentity(socket: "/run/gatehouse/one.sock")

    init() throws {
        scratch = try Scratch()
        var settings = CertificateSettings(name: "site", names: [.exact("foobar.com")], issuer: .internal)
        var deploy = DeploySettings()
        deploy.command = ["/bin/true"]
        settings.deploy = deploy
        self.settings = settings
        _ = try scratch.provider(for: settings, at: now).provide(settings)
    }

    private var store: CertificateStore { scratch.store }

    /// Moves a file or folder of the store out of it, and leaves a link.
    private func replaceByLink(_ name: String) throws -> String {
        let (place, other) = ("\(store.folder)/\(name)", scratch.path + "/elsewhere")
        try FileManager.default.moveItem(atPath: place, toPath: other)
        try FileManager.default.createSymbolicLink(atPath: place, withDestinationPath: other)
        return other
    }

    @Test(
        "files of a generation, its number and the history are not read through one",
        arguments: ["site/current", "site/1/key.pem", "site/1/fullchain.pem", "audit.log"]
    )
    func files(name: String) throws {
        let other = try replaceByLink(name)
        let before = try String(contentsOfFile: other, encoding: .utf8)
        let problem = #expect(throws: CertificateProblem.self) {
            if name == "audit.log" { _ = try store.audit.verify() } else { _ = try store.load("site") }
        }
        #expect("\(problem as Any)".contains(name), "\(problem as Any)")
        #expect(try String(contentsOfFile: other, encoding: .utf8) == before)
    }

    @Test("what became of a program is neither read nor removed through one")
    func deployed() throws {
        let provider = scratch.provider(for: settings, at: now)
        #expect(try provider.deploy(settings, showing: { [] }, at: gateway))
        #expect(!provider.owesDeployment(settings, showing: [], at: gateway))
        let other = try replaceByLink("deployed")
        #expect(provider.owesDeployment(settings, showing: [], at: gateway))
        _ = try provider.deploy(settings, showing: { [] }, at: gateway)
        let there = try FileManager.default.contentsOfDirectory(atPath: other)
        #expect(Set(there) == ["site.\(gateway)", "site.\(gateway).lock"])
    }

    @Test("nor is a plan, nor an answer to a CA")
    func plans() throws {
        var plan = RenewalPlan()
        plan.fail("it failed", at: now)
        store.keep(plan, of: "site")
        #expect(store.plan(of: "site").failures == 1)
        _ = try replaceByLink("plans")
        #expect(store.plan(of: "site").failures == 0)
        let challenge = GatewayChallenge(.http, in: store, publish: {})
        let asked = ACMEChallenge(name: "foobar.com", token: "token", keyAuthorization: "token.key")
        try challenge.present(asked)
        try FileManager.default.removeItem(atPath: scratch.path + "/elsewhere")
        let other = try replaceByLink("acme-challenges")
        challenge.withdraw(asked)
        #expect(try FileManager.default.contentsOfDirectory(atPath: other) == ["token"])
        #expect(throws: ACMEProblem.self) { try challenge.present(asked) }
    }

    @Test("the end of a trial removes nothing through one")
    func trial() throws {
        try scratch.write("certs/site/in-force.\(gateway)", "1 4000000000\n", mode: 0o644)
        let other = try replaceByLink("site")
        #expect(throws: CertificateProblem.self) { try store.endTrial(of: "site", at: gateway) }
        #expect(FileManager.default.fileExists(atPath: other + "/in-force.\(gateway)"))
    }

    @Test("an account is not read through one")
    func accounts() throws {
        let account = ACMEAccountStore(store, directory: "https://ca.test/directory")
        _ = try account.load()
        #expect(try account.load().isKnown)
        _ = try replaceByLink("acme-accounts")
        #expect(throws: CertificateProblem.self) { try account.load() }
    }
}
