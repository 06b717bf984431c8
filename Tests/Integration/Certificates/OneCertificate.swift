import Foundation
import Testing

/// A suite about a gateway that shows one certificate, `web` for foobar.test, whose store is in the suite's folder.
protocol OneCertificate {
    var scene: OneCertificateScene { get }
}

struct OneCertificateScene {
    let directory: TemporaryDirectory
    /// Where the gateway listens.
    let port: UInt16
    /// What it passes requests on to.
    let app: ScriptedServer

    init() throws {
        directory = try TemporaryDirectory()
        port = try Ports.free()
        app = try ScriptedServer.named("app-01")
    }
}

extension OneCertificate {
    var directory: TemporaryDirectory { scene.directory }
    var port: UInt16 { scene.port }

    /// - Parameters:
    ///   - certificate: the keys of the certificate in the site file, but for its names.
    ///   - setting: among the lines of `gateway`.
    ///   - environment: added to the one of the tests.
    func start(
        _ certificate: String,
        _ setting: String = "",
        environment: [String: String] = [:]
    ) throws -> RunningSite {
        try RunningSite(
            CertificateSite.text(
                at: port,
                app: scene.app.port,
                setting,
                certificates: "  web: { names: [foobar.test], \(certificate) }"
            ),
            in: directory,
            environment: environment
        )
    }

    func certs(_ arguments: String...) throws -> ToolResult { try directory.certs(arguments) }

    /// SHA-256 of what a client is shown, as the lists have it.
    var shown: String {
        get throws {
            let line = try directory.shown(at: port, "-fingerprint -sha256")
            let digits = try #require(line.split(separator: "=").last, "no certificate is shown")
            return digits.trimmingCharacters(in: .whitespacesAndNewlines).replacingOccurrences(of: ":", with: "")
                .lowercased()
        }
    }

    /// The same of what the store holds.
    var stored: String {
        get throws {
            let (entries, list) = try directory.listed()
            let leaves = entries.first?["certificates"] as? [[String: Any]]
            return try #require(leaves?.first?["fingerprint"] as? String, "\(list)")
        }
    }
}
