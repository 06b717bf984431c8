package import Certificates
package import Control
package import Gateway
package import Linux
package import OpenSSL
package import Site
import Synchronization

/// What the control plane knows of the running gateway, as far as people are shown it.
///
/// A value: what it says of the configuration does not change. What moves (counters, health) is read
/// from `state` at the moment of a report.
package struct GatewayView: Sendable {
    /// The site's name.
    package var site: String
    /// The version of the program.
    package var version: String
    /// The control plane's process.
    package var process: Int32
    /// The data plane's process; nil while there is none.
    package var dataPlane: Int32?
    /// How the data plane that serves is confined; nil for one that a control process before this one started.
    package internal(set) var sandbox: Sandbox.Report?
    /// The same of the one that started last, which may not serve yet.
    internal var startedLast: (process: Int32, sandbox: Sandbox.Report)?
    /// How often the data plane had to be replaced.
    package var restarts = DataPlaneRestarts()
    /// When the gateway was started: microseconds since 1970.
    package var started: UInt64
    package var plan: Plan
    package var state: SharedState
    /// Workers of the data plane; at most those of the state's layout.
    package var workers: Int
    /// The addresses of each listener by its id; none stands for all addresses.
    package var addresses: [Int: [String]] = [:]
    /// The site's `certificates`, as its file has them.
    package var certificateSettings: [String: CertificateSettings] = [:]
    /// What each name of the site's `certificates` stands for: a certificate for each kind of key.
    package var certificates: [String: [ShownCertificate]] = [:]
    /// What a share of the clients is shown in the place of some of them, by the same names.
    package var trials: [String: ShownTrial] = [:]
    /// Trials that ended, by how they did.
    package var trialsPromoted: UInt64 = 0
    package var trialsRefused: UInt64 = 0
    /// How the internal CA stands; nil when the site has none.
    package var authority: InternalCAStanding?
    /// The folder of the certificate store; empty while no configuration was followed.
    package var certificateStore = ""
    /// What is wrong with the certificate store as a whole, or in the way of the next certificates.
    package var storeWarnings: [String] = []
    /// Why programs of `deploy` failed that were run for what is in force, by the certificates' names.
    package var deploymentProblems: [String: String] = [:]
    /// Why the machine's clock is not believed; nil when it is.
    package var clockDoubt: WallClock.Doubt?
    /// When the lists end by which clients' certificates are checked, by the listener's port: seconds since 1970.
    package var clientListsEnds: [UInt16: Int64] = [:]
    /// What was asked for in vain, such as a reload, and why; nil once it has come about.
    package var refusal: (what: String, why: String)?
    /// Why DNS names of servers could not be resolved when they were last asked for.
    package var nameProblems: [String: String] = [:]
    /// Lines that the access log's writer could not write.
    package var logLinesLost: @Sendable () -> UInt64 = { 0 }

    package init(
        site: String,
        version: String,
        process: Int32,
        started: UInt64,
        plan: Plan,
        state: SharedState,
        workers: Int
    ) {
        precondition(workers <= state.layout.workers, "more workers than the shared state has room for")
        self.site = site
        self.version = version
        self.process = process
        self.started = started
        self.plan = plan
        self.state = state
        self.workers = workers
    }
}

extension GatewayView {
    /// SHA-256 of what all clients are shown of a name of the site's `certificates`; none where no listener shows it.
    internal func fingerprints(of name: String) -> [String] {
        (certificates[name] ?? []).map(\.certificate.fingerprint)
    }
}

/// A certificate without its key.
package struct ShownCertificate: Sendable {
    /// `ecdsa`, `rsa` or `ed25519`.
    package let key: String
    package let certificate: Certificate

    package init(_ bundle: CertificateBundle) {
        certificate = bundle.leaf
        key =
            switch bundle.key.algorithm {
            case .ecdsa: "ecdsa"
            case .rsa: "rsa"
            case .ed25519: "ed25519"
            }
    }
}

/// A certificate that a share of the clients is shown first, and what they make of it.
package struct ShownTrial: Sendable {
    /// Of a hundred clients.
    package let share: Int
    package let certificates: [ShownCertificate]
    package var report: CertificateTrialReport
}

/// The view that holds now: control replaces it with each configuration, reports read it. Any thread.
package final class CurrentView: Sendable {
    private let view: Mutex<GatewayView>

    package init(_ view: GatewayView) {
        self.view = Mutex(view)
    }

    package var value: GatewayView { view.withLock { $0 } }

    package func update(_ change: @Sendable (inout GatewayView) -> Void) {
        view.withLock { change(&$0) }
    }
}
