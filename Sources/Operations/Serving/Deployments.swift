import Certificates
import Control
import Linux
import OpenSSL
import Site
import Synchronization

/// Runs the programs that are told of new certificates, one after another on a thread of their own: nothing waits for
/// them. One that fails is run again after 1, 10 and 100 minutes, then daily, until it ends well. Any thread may call.
internal final class Deployments: Sendable {
    private struct Run: Sendable {
        let site: SiteModel
        let settings: CertificateSettings
        /// Monotonic milliseconds; 0 for at once.
        var due: UInt64 = 0
        /// Tries before that failed.
        var failures = 0
    }

    private struct State: Sendable {
        var waiting: [Run] = []
        /// Whose program is being run just now.
        var current: CertificateSettings?
        var isRunning = false
        /// No program begins.
        var isHeld = false
    }

    private enum Step {
        case run(Run)
        /// Nothing is due for so many milliseconds; -1 until the bell is rung.
        case pause(Int32)
        case end
    }

    private let state = Mutex(State())
    /// Wakes the thread.
    private let bell: EventFD
    private let identity: GatewayIdentity
    private let view: CurrentView
    /// Seconds until the next try, after so many that failed.
    private let pause: @Sendable (Int) -> Int64

    init(
        _ identity: GatewayIdentity,
        _ view: CurrentView,
        pause: @escaping @Sendable (Int) -> Int64 = { RenewalSchedule.pause(afterFailures: $0) }
    ) throws(SystemError) {
        bell = try EventFD()
        self.identity = identity
        self.view = view
        self.pause = pause
    }

    /// Has the program of a certificate run, where it has one; once for changes that come while another runs.
    ///
    /// - Parameter isOwed: nothing has changed, and it was not run to a good end: that it is running just now will do. It may
    ///   be the program that asked for a reload.
    func want(_ settings: CertificateSettings, of site: SiteModel, isOwed: Bool = false) {
        guard settings.deploy != nil else { return }
        let mustStart = state.withLock { state in
            if isOwed, state.current == settings { return false }
            state.waiting.removeAll { $0.settings.name == settings.name }
            state.waiting.append(Run(site: site, settings: settings))
            defer { state.isRunning = true }
            return !state.isRunning
        }
        bell.signal()
        guard mustStart else { return }
        do throws(SystemError) {
            _ = try Thread.start(name: "deploy") { self.run() }
        } catch {
            state.withLock { $0.isRunning = false }
            GatewayProcess.log("certificate \(settings.name): it is in force, but was not deployed: \(error)")
        }
    }

    /// Has no program begin until `goOn`: another program of Gatehouse's in this process could neither end one nor learn how it
    /// ended.
    ///
    /// - Returns: the name of the certificate whose program is being run, which keeps this from coming about.
    func hold() -> String? {
        state.withLock { state in
            if let current = state.current { return current.name }
            state.isHeld = true
            return nil
        }
    }

    func goOn() {
        state.withLock { $0.isHeld = false }
        bell.signal()
    }

    /// Forgets the programs that the site file names no more.
    func forget(besides site: SiteModel) {
        state.withLock { state in
            state.waiting.removeAll { site.certificates[$0.settings.name]?.deploy == nil }
        }
        view.update { view in
            view.deploymentProblems = view.deploymentProblems.filter { site.certificates[$0.key]?.deploy != nil }
        }
        bell.signal()
    }

    private func run() {
        while true {
            // Before the list is read: what is put on it after that rings again.
            bell.clear()
            switch next() {
            case .run(let run): carryOut(run)
            case .pause(let milliseconds): _ = Readiness.wait([bell.raw], milliseconds: milliseconds)
            case .end: return
            }
        }
    }

    private func next() -> Step {
        let now = Schedule.uptime
        return state.withLock { state in
            guard let first = state.waiting.indices.min(by: { state.waiting[$0].due < state.waiting[$1].due }) else {
                state.isRunning = false
                return .end
            }
            if state.isHeld { return .pause(-1) }
            let due = state.waiting[first].due
            guard due <= now else { return .pause(Int32(clamping: due - now)) }
            let run = state.waiting.remove(at: first)
            state.current = run.settings
            return .run(run)
        }
    }

    private func carryOut(_ run: Run) {
        defer { state.withLock { $0.current = nil } }
        let name = run.settings.name
        let provider = CertificateProvider(for: run.site, now: Schedule.time)
        do throws(CertificateProblem) {
            let shown = view.value.fingerprints(of: name)
            // Somebody may have run it by hand since.
            if run.failures == 0 || provider.owesDeployment(run.settings, showing: shown, at: identity),
                try provider.deploy(
                    run.settings,
                    showing: { view.value.fingerprints(of: name) },
                    at: identity,
                    tell: { GatewayProcess.log($0) }
                )
            {
                GatewayProcess.log("certificate \(name): deployed")
            }
            view.update { $0.deploymentProblems[name] = nil }
        } catch {
            let failures = max(run.failures + 1, provider.deploymentRecord(of: run.settings, at: identity).failures)
            let pause = self.pause(failures)
            GatewayProcess.log("\(error); the next try is at \(UTC.text(Schedule.time + pause))")
            view.update { $0.deploymentProblems[name] = "\(error)" }
            retry(run, failures: failures, at: Schedule.uptime + UInt64(pause) * 1000)
        }
    }

    /// Later, unless it is wanted at once meanwhile.
    private func retry(_ run: Run, failures: Int, at due: UInt64) {
        var again = run
        (again.due, again.failures) = (due, failures)
        state.withLock { [again] state in
            guard !state.waiting.contains(where: { $0.settings.name == again.settings.name }) else { return }
            state.waiting.append(again)
        }
    }
}
