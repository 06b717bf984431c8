import Certificates
import Foundation
import OpenSSL
import Site
import Synchronization
import Testing

@testable import Operations

@Suite("Programs that are told of new certificates, again and again")
struct DeploymentsTests {
    /// How often it failed before each pause.
    private final class Pauses: Sendable {
        private let list = Mutex<[Int]>([])
        var all: [Int] { list.withLock { $0 } }
        func append(_ failures: Int) { list.withLock { $0.append(failures) } }
    }

    /// A site in a folder of its own, whose only certificate has a program.
    private struct Scene {
        let folder = FileManager.default.temporaryDirectory.path + "/gatehouse-deploy-\(UUID().uuidString)"
        var settings = CertificateSettings(name: "web", names: [.exact("foobar.com")], issuer: .internal)
        var site = SiteModel(name: "foobar.com")

        /// - Parameter script: run by sh in the folder.
        init(_ script: String) throws {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            settings.deploy = DeploySettings()
            settings.deploy?.command = ["/bin/sh", "-c", "cd '\(folder)'; \(script)"]
            site.certificateStore = folder + "/certs"
            site.certificates = ["web": settings]
            _ = try provider.issue(settings, reason: "a test")
        }

        var provider: CertificateProvider {
            CertificateProvider(for: site, now: Int64(Date().timeIntervalSince1970))
        }

        /// The site with another certificate, whose program leaves the file `mail`. It is run after all that waits.
        func withMail() throws -> (settings: CertificateSettings, site: SiteModel) {
            var (other, more) = (settings, site)
            other.name = "mail"
            other.deploy?.command = ["/bin/sh", "-c", "touch '\(folder)/mail'"]
            more.certificates["mail"] = other
            let provider = CertificateProvider(for: more, now: Int64(Date().timeIntervalSince1970))
            _ = try provider.issue(other, reason: "a test")
            return (other, more)
        }

        func has(_ file: String) -> Bool { FileManager.default.fileExists(atPath: "\(folder)/\(file)") }

        func remove() { try? FileManager.default.removeItem(atPath: folder) }
    }

    @Test("one that has a reload made is not run again for that; one that a change came to meanwhile is")
    func reloads() throws {
        let scene = try Scene("echo run >>runs; touch begun; while ! test -e go; do sleep 0.01; done; rm go")
        defer { scene.remove() }
        let pauses = Pauses()
        let identity = GatewayIdentity(socket: scene.folder + "/admin.sock")
        let deployments = try Deployments(identity, CurrentView(try MadeView().view)) { failures in
            pauses.append(failures)
            return 0
        }
        func runs() -> Int {
            (try? String(contentsOfFile: scene.folder + "/runs", encoding: .utf8))?.split(separator: "\n").count ?? 0
        }
        func end() throws {
            try "".write(toFile: scene.folder + "/go", atomically: false, encoding: .utf8)
            #expect(eventually { !scene.has("go") })
        }
        deployments.want(scene.settings, of: scene.site)
        #expect(eventually { scene.has("begun") })
        deployments.want(scene.settings, of: scene.site, isOwed: true)
        let (other, site) = try scene.withMail()
        deployments.want(other, of: site)
        try end()
        #expect(eventually { scene.has("mail") })
        #expect(runs() == 1 && !scene.provider.owesDeployment(scene.settings, showing: [], at: identity))
        deployments.want(scene.settings, of: site)
        #expect(eventually { runs() == 2 })
        deployments.want(scene.settings, of: site)
        try end()
        #expect(eventually { runs() == 3 }, "what has changed meanwhile is told")
        try end()
        #expect(pauses.all.isEmpty)
    }

    @Test("one is not run for what no client is shown, as after clients refused it, and is once they all are")
    func inForce() throws {
        let scene = try Scene("echo run >>runs")
        defer { scene.remove() }
        let shown = try #require(try scene.provider.find(scene.settings)?.bundles.first)
        let fresh = try scene.provider.issue(scene.settings, reason: "a test")
        let view = CurrentView(try MadeView().view)
        view.update { $0.certificates["web"] = [ShownCertificate(shown)] }
        let identity = GatewayIdentity(socket: scene.folder + "/admin.sock")
        let deployments = try Deployments(identity, view) { _ in 0 }
        deployments.want(scene.settings, of: scene.site)
        let (other, site) = try scene.withMail()
        deployments.want(other, of: site)
        #expect(eventually { scene.has("mail") })
        #expect(!scene.has("runs"))
        view.update { $0.certificates["web"] = [ShownCertificate(fresh)] }
        deployments.want(scene.settings, of: site)
        #expect(eventually { scene.has("runs") })
    }

    @Test("while one runs nothing holds them; while they are held none begins, and after that what waited does")
    func held() throws {
        let scene = try Scene("touch begun; while ! test -e go; do sleep 0.01; done; rm go; echo run >>runs")
        defer { scene.remove() }
        let identity = GatewayIdentity(socket: scene.folder + "/admin.sock")
        let deployments = try Deployments(identity, CurrentView(try MadeView().view)) { _ in 0 }
        deployments.want(scene.settings, of: scene.site)
        #expect(eventually { scene.has("begun") })
        #expect(deployments.hold() == "web")
        try "".write(toFile: scene.folder + "/go", atomically: false, encoding: .utf8)
        #expect(eventually { scene.has("runs") })
        #expect(eventually { deployments.hold() == nil })
        try "".write(toFile: scene.folder + "/go", atomically: false, encoding: .utf8)
        try FileManager.default.removeItem(atPath: scene.folder + "/begun")
        deployments.want(scene.settings, of: scene.site)
        #expect(deployments.hold() == nil && !scene.has("begun"))
        deployments.goOn()
        #expect(eventually { scene.has("begun") && !scene.has("go") })
        #expect(eventually { deployments.hold() == nil })
    }

    @Test("one that fails is run again by itself, after the pause for so many failures, until it ends well")
    func retries() throws {
        let scene = try Scene("test ! -e fail")
        defer { scene.remove() }
        let (folder, site, settings, provider) = (scene.folder, scene.site, scene.settings, scene.provider)
        try "".write(toFile: folder + "/fail", atomically: false, encoding: .utf8)
        let (identity, pauses) = (GatewayIdentity(socket: folder + "/admin.sock"), Pauses())
        let view = CurrentView(try MadeView().view)
        let deployments = try Deployments(identity, view) { failures in
            pauses.append(failures)
            return 0
        }
        deployments.want(settings, of: site)
        #expect(eventually { pauses.all.count >= 3 && view.value.deploymentProblems["web"] != nil })
        #expect(pauses.all.prefix(3) == [1, 2, 3])
        #expect(provider.owesDeployment(settings, showing: [], at: identity))
        try FileManager.default.removeItem(atPath: folder + "/fail")
        #expect(eventually { view.value.deploymentProblems["web"] == nil })
        #expect(!provider.owesDeployment(settings, showing: [], at: identity))
    }
}
