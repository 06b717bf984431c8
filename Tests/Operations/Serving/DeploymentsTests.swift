import Certificates
import Foundation
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

    private func eventually(_ condition: () -> Bool) -> Bool {
        let end = ContinuousClock.now + .seconds(120)
        while ContinuousClock.now < end {
            if condition() { return true }
            usleep(10_000)
        }
        return condition()
    }

    @Test("one that fails is run again by itself, after the pause for so many failures, until it ends well")
    func retries() throws {
        let folder = FileManager.default.temporaryDirectory.path + "/gatehouse-deploy-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try "".write(toFile: folder + "/fail", atomically: false, encoding: .utf8)
        var settings = CertificateSettings(name: "web", names: [.exact("foobar.com")], issuer: .internal)
        settings.deploy = DeploySettings()
        settings.deploy?.command = ["/bin/sh", "-c", "test ! -e '\(folder)/fail'"]
        var site = SiteModel(name: "foobar.com")
        site.certificateStore = folder + "/certs"
        site.certificates = ["web": settings]
        let provider = CertificateProvider(for: site, now: Int64(Date().timeIntervalSince1970))
        _ = try provider.issue(settings, reason: "a test")

        let (identity, pauses) = (GatewayIdentity(socket: folder + "/admin.sock"), Pauses())
        let view = CurrentView(try MadeView().view)
        let deployments = try Deployments(identity, view) { failures in
            pauses.append(failures)
            return 0
        }
        deployments.want(settings, of: site)
        #expect(eventually { pauses.all.count >= 3 && view.value.deploymentProblems["web"] != nil })
        #expect(pauses.all.prefix(3) == [1, 2, 3])
        #expect(provider.owesDeployment(settings, at: identity))
        try FileManager.default.removeItem(atPath: folder + "/fail")
        #expect(eventually { view.value.deploymentProblems["web"] == nil })
        #expect(!provider.owesDeployment(settings, at: identity))
    }
}
