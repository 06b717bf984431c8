import Certificates
import Control
import Linux
import Site
import Synchronization

/// Runs the programs that are told of new certificates, one after another on a thread of their own: nothing waits for
/// them. Any thread may call.
internal final class Deployments: Sendable {
    private struct State: Sendable {
        var waiting: [(site: SiteModel, settings: CertificateSettings)] = []
        var isRunning = false
    }

    private let state = Mutex(State())
    private let identity: GatewayIdentity

    init(_ identity: GatewayIdentity) { self.identity = identity }

    /// Has the program of a certificate run, where it has one; once for changes that come while another runs.
    func want(_ settings: CertificateSettings, of site: SiteModel) {
        guard settings.deploy != nil else { return }
        let mustStart = state.withLock { state in
            state.waiting.removeAll { $0.settings.name == settings.name }
            state.waiting.append((site, settings))
            defer { state.isRunning = true }
            return !state.isRunning
        }
        guard mustStart else { return }
        do throws(SystemError) {
            _ = try Thread.start(name: "deploy") { self.run() }
        } catch {
            state.withLock { $0.isRunning = false }
            GatewayProcess.log("certificate \(settings.name): it is in force, but was not deployed: \(error)")
        }
    }

    private func run() {
        while let next = next() {
            do throws(CertificateProblem) {
                _ = try CertificateProvider(for: next.site, now: Schedule.time).deploy(
                    next.settings,
                    at: identity
                )
                GatewayProcess.log("certificate \(next.settings.name): deployed")
            } catch {
                GatewayProcess.log("\(error)")
            }
        }
    }

    private func next() -> (site: SiteModel, settings: CertificateSettings)? {
        state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.isRunning = false
                return nil
            }
            return state.waiting.removeFirst()
        }
    }
}
