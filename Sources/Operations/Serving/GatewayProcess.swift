import Certificates
import Control
import Engine
import Gateway
import Glibc
import Linux
import OpenSSL
import Site

/// `gatehouse serve`: the control plane. It reads the site file and keys, holds the listening sockets, keeps a data
/// plane running that serves with them, and answers operators. See docs/decisions/020-processes-and-upgrade.md.
///
/// Belongs to the main thread, which takes the signals: SIGHUP reads the site file again, SIGUSR1 opens the access
/// log again, SIGUSR2 executes the program's file anew, SIGTERM and SIGINT drain and end.
package final class GatewayProcess {
    internal let options: ServeOptions
    /// The file that an upgrade executes, whatever becomes of the one that runs.
    internal let program = ProcessStart.thisProgramPath
    internal let requests: ControlRequests
    /// Which of the gateways that share the certificate store it is.
    internal let identity: GatewayIdentity
    internal let memory: GatewayMemory
    internal let view: CurrentView
    internal let outlets: Outlets
    internal let settings: SupervisorSettings
    internal let services = ServiceManager(environment: Environment.values(["NOTIFY_SOCKET"]))
    /// Shared by all data planes, and kept over reloads: sessions are resumed whoever serves.
    internal var tickets: TicketKeys
    /// Looks up the DNS names of servers.
    internal let names: NameService
    internal var schedule = Schedule(renewal: nil, rotation: .max, look: .max)
    /// Certificates that a share of the clients is shown first.
    internal var canaries = Canaries()
    internal var watch = CertificateWatch()
    /// Tells other programs of new certificates.
    internal let deployments: Deployments
    /// Orders certificates of ACME servers.
    internal let orders: CertificateOrders
    internal var supervisor: DataPlaneSupervisor
    internal var admin: AdminSocket?
    internal var configuration: SiteConfiguration
    internal var warnings: [String] = []
    /// The warnings that were told last.
    internal var toldWarnings: Set<String> = []
    internal var slots: PlanCompiler.Slots
    internal var listeners: ListenerSet
    /// What the data plane goes by.
    internal var plan: Plan
    /// How long the last change of certificates took, from the moment of its commit until all workers went by it:
    /// microseconds.
    internal var changeTime: Int?
    /// When they all did: monotonic nanoseconds, which all processes of the machine count alike.
    internal var changeEnd: UInt64?
    /// Certificates that came into force, and that no listener shows for any name.
    internal var unseen: Set<String> = []
    /// Whether the service manager holds the listening sockets.
    internal var isStored = false
    /// Whether a data plane of this program serves; else one of the program before it does, or none.
    internal var isServing = false

    /// Serves until SIGTERM or SIGINT. Call it on the main thread before any other exists.
    ///
    /// - Throws: what keeps it from starting, in words that say what to do.
    package static func run(_ options: ServeOptions) throws {
        let signals = try Signals([SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2])
        // A gateway that ends is not hurried by whoever rotates its log.
        let stops = try Signals([SIGTERM, SIGINT])
        ProcessDumps.forbid()
        Allocator.giveBackLargeBlocks()
        let process = try GatewayProcess(options)
        process.obey(signals)
        process.stop(impatience: stops.raw)
    }

    internal init(_ options: ServeOptions) throws {
        self.options = options
        let start = try GatewayStart(options, services)
        requests = start.requests
        admin = start.admin
        identity = GatewayIdentity(socket: start.admin?.path ?? options.path)
        memory = start.memory
        view = start.view
        deployments = try Deployments(identity, view)
        outlets = Outlets(rings: start.memory.allRings, view: start.view, inherited: start.inheritance.segments)
        settings = start.settings
        tickets = try start.inheritance.tickets ?? TicketKeys()
        if start.inheritance.tickets != nil, let rotation = start.inheritance.snapshot?.rotation {
            schedule.rotation = rotation
        }
        names = start.names
        orders = CertificateOrders(start.requests, user: start.names.settings.user)
        configuration = start.configuration
        slots = start.slots
        plan = start.inheritance.snapshot?.plan ?? start.configuration.plan
        listeners = start.inheritance.listeners
        supervisor = try Self.supervise(start.settings, start.inheritance.dataPlane, start.view, services)
        try admin?.start { [requests, answers = AdminAnswers(view)] request, connection in
            switch request {
            case .reload: requests.ask(.reload)
            case .certificates(let names): requests.ask(.republish(of: names.map { Set($0) }))
            case .renewTickets: requests.ask(.renewTickets)
            case .uses(let certificate): requests.ask(.uses(certificate: certificate))
            case .upgrade: requests.ask(.upgrade(connection: connection))
            default: answers.answer(request) ?? .error("not a request to a gateway", exit: 2)
            }
        }
        do {
            try put(start.configuration, start.slots)
            reply(.result(standing().line), to: start.inheritance.reply)
        } catch {
            reply(.error("\(error)", exit: Self.exitStatus(of: error)), to: start.inheritance.reply)
            // Whoever serves already serves on; else there is nothing to go on with.
            guard start.inheritance.dataPlane != nil else {
                close()
                throw error
            }
            putOffStart(error)
        }
        // What was made at the start is news to other programs, and so is what they were not told of before.
        deployOwed()
        try orders.want(configuration.site)
        Self.log("ready")
        tell(.ready)
    }

    internal static func supervise(
        _ settings: SupervisorSettings,
        _ standing: StandingDataPlane?,
        _ view: CurrentView,
        _ services: ServiceManager
    ) throws -> DataPlaneSupervisor {
        try DataPlaneSupervisor(settings, standing: standing) { event in
            view.update { $0.note(event, at: Clock.realtimeMicroseconds) }
            if let line = view.value.summary(after: event) { try? services.notify([.status(line)]) }
            // Whoever brought a configuration into force says so.
            if case .published = event { return }
            log("\(event)")
        }
    }

    // MARK: Events

    private func obey(_ signals: borrowing Signals) {
        while true {
            let ready = Readiness.wait([signals.raw, requests.raw, names.changed], milliseconds: schedule.pause)
            if ready[1] {
                for entry in requests.take() { entry.give(answer(entry.request)) }
            }
            while ready[0], let number = signals.next() {
                switch number {
                case SIGTERM, SIGINT: return
                case SIGHUP: _ = reload()
                case SIGUSR1: outlets.reopenLog()
                case SIGUSR2: _ = upgrade(connection: nil)
                default: continue
                }
            }
            if ready[2] { takeAddresses() }
            keepUp()
        }
    }

    private func answer(_ request: ControlRequests.Request) -> AdminReply {
        switch request {
        case .reload: reload()
        case .republish(let names): republish(of: names)
        case .renewTickets: renewTickets()
        case .uses(let certificate): uses(of: certificate)
        case .upgrade(let connection): upgrade(connection: connection)
        }
    }

    // MARK: The end

    /// What a stop may take besides the drain, in milliseconds.
    private static let timeAfterDrain = 20_000

    /// - Parameter impatience: a descriptor that cuts the drain short by becoming readable.
    private func stop(impatience: Int32) {
        let drain = Int(clamping: configuration.gateway.drain.milliseconds)
        tell(
            .stopping(within: min(drain, Int(Int32.max)) + Self.timeAfterDrain),
            .status("stops: no new connections, and \(drain / 1000) s at most for those that run")
        )
        requests.close()
        // From here on the data plane alone holds the sockets, until it has emptied them.
        listeners = ListenerSet(socketsPerAddress: listeners.socketsPerAddress)
        supervisor.stop(
            drainMilliseconds: drain,
            impatience: impatience
        )
        close()
    }

    private func close() {
        requests.close()
        admin?.stop()
        admin = nil
        outlets.close()
        names.stop()
        orders.stop()
    }

    // MARK: Words

    internal static func log(_ text: String) { StandardError.log("gatehouse: \(text)\n") }

    /// Tells the service manager, where there is one.
    internal func tell(_ states: ServiceManager.State...) { try? services.notify(states) }

    /// Shows `configuration`, which has come into force, to whoever asks, and to the service manager.
    internal func show(_ configuration: SiteConfiguration) {
        view.update { $0.adopt(configuration) }
        tell(.status(view.value.summary))
    }

    /// Shows what did not come about, with the first line of the reason.
    internal func tellFailure(_ what: String, _ error: any Error) {
        let why = "\(error)".split(separator: "\n").first.map(String.init) ?? ""
        view.update { $0.refusal = (what, why) }
        tell(.status(view.value.summary))
    }

    private func reply(_ reply: AdminReply, to connection: ListeningSocket?) {
        guard let connection else { return }
        _ = LineTransfer.send(reply.line, to: connection.raw, within: 2_000)
    }

    /// What runs now, as the answer to who changed it.
    ///
    /// - Parameter names: of the certificates that somebody asks about; nil for all of the site file.
    internal func standing(of names: Set<String>? = nil) -> JSONValue {
        let certificates = configuration.site.certificates
        let asked = names ?? Set(certificates.keys)
        var unknown = asked.filter { certificates[$0] == nil }
        if !unknown.isEmpty { unknown.subtract(certificates.values.compactMap(\.standbyCertificate?.name)) }
        return .object([
            .init("generation", .count(configuration.plan.generation)),
            .init("program", program.map { .string($0) } ?? .null),
            .init("version", .string(GatewayView.programVersion)),
            .init("data_plane_pid", view.value.dataPlane.map { .integer(Int($0)) } ?? .null),
            .init("warnings", .strings(warnings)),
            .init("change_microseconds", changeTime.map { .integer($0) } ?? .null),
            .init("change_ended_nanoseconds", changeEnd.map { .integer(Int($0)) } ?? .null),
            .init("makeshifts", .strings(configuration.makeshifts.sorted())),
            .init("owed", .strings(configuration.owed.sorted())),
            .init("trials", .strings(configuration.keyring.trials.keys.sorted())),
            .init("unknown", .strings(unknown.sorted())),
            .init("unseen", .strings(asked.intersection(unseen).sorted())),
            .init("unshown", .strings(asked.filter { configuration.keyring.certificates[$0] == nil }.sorted())),
        ])
    }

    /// What a command ends with that failed with `error`.
    package static func exitStatus(of error: any Error) -> Int32 {
        switch error {
        case let error as ServeFailure: error.exit
        case let error as ConfigurationError: error.exitStatus
        case let error as UpgradeRefusal: error.exitStatus
        case is ListenerError, is MetricsFailure, is SystemError: 3
        case is SupervisorError: 1
        default: 2
        }
    }
}
