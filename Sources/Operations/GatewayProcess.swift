import Control
import Engine
import Gateway
import Glibc
import Linux
import OpenSSL
import Site

/// `gatehouse serve`: the gateway in this process, with its log, metrics and admin socket.
///
/// Belongs to the main thread, which takes the signals: SIGHUP reads the site file again, SIGUSR1 opens the
/// access log again, SIGTERM and SIGINT drain and end.
package struct GatewayProcess {
    private let path: String
    private let workers: Int
    private let service: GatewayService
    private let tickets: TicketKeys
    private let view: CurrentView
    private var configuration: SiteConfiguration
    private var slots: PlanCompiler.Slots
    private var sockets: ListeningSockets

    /// Room in the shared state for pools and servers, those of later reloads included.
    private static let pools = 64
    private static let servers = 512
    /// Bytes of each worker's ring of log lines.
    private static let ringSize = 1 << 20

    /// Serves until SIGTERM or SIGINT.
    ///
    /// - Parameters:
    ///   - path: the site file.
    ///   - host: which host of the site this machine is; nil leaves it open.
    ///   - workers: threads; nil for what the site file says, else one a core.
    ///   - socket: the admin socket; nil for the site's own.
    /// - Throws: what keeps it from starting, in words that say what to do.
    package static func run(path: String, host: String? = nil, workers: Int?, socket: String? = nil) throws {
        let signals = try Signals([SIGTERM, SIGINT, SIGHUP, SIGUSR1])
        _ = DescriptorLimit.raise()
        var slots = PlanCompiler.Slots()
        let configuration = try SiteConfiguration.load(path: path, generation: 1, slots: &slots)
        try requireRoom(slots)
        try requireGateway(host, of: configuration.site)
        for note in configuration.notes { StandardError.write("gatehouse: \(note)\n") }
        for warning in configuration.warnings { StandardError.write("warning: \(warning)\n") }
        let count = workers ?? configuration.gateway.workers ?? Thread.availableCores
        let layout = SharedState.Layout(workers: count, pools: pools, servers: servers)
        let ringWords = LogRing.words(size: ringSize)
        let mapping = try SharedMapping(name: "gatehouse", words: layout.words + count * ringWords)
        let rings = (0..<count).map { LogRing(mapping, first: layout.words + $0 * ringWords, size: ringSize) }
        let state = SharedState(region: mapping, layout: layout)
        let writer = AccessLogWriter.make(configuration.gateway.accessLog, rings: rings)
        var view = GatewayView(configuration, state: state, workers: count)
        if let writer { view.logLinesLost = { writer.linesLost } }
        var process = GatewayProcess(
            path: path,
            workers: count,
            service: GatewayService(workers: count, state: state, rings: rings),
            tickets: try TicketKeys(),
            view: CurrentView(view),
            configuration: configuration,
            slots: slots,
            sockets: try ListeningSockets(for: configuration, workers: count)
        )
        try process.service.start(process.publication(configuration, process.sockets))
        let log = try writer?.start()
        let metrics = try MetricsListener.start(configuration.gateway.metrics, of: process.view)
        let admin = process.openAdmin(socket ?? AdminSocket.defaultPath(of: configuration.site.name))
        StandardError.write("gatehouse: ready\n")
        tell(.ready)
        process.obey(signals, writer)
        admin?.stop()
        metrics?.stop()
        writer?.stop()
        log?.join()
    }

    private static func requireGateway(_ host: String?, of site: SiteModel) throws {
        guard let host, site.hosts[host]?.roles.contains("gateway") != true else { return }
        let gateways = site.gatewayHosts.map(\.name).joined(separator: ", ")
        throw ServeFailure(
            "--host \(host): no gateway of \(site.name); \(gateways.isEmpty ? "no host has that role" : "those are \(gateways)")"
        )
    }

    /// Tells systemd, where it listens; nobody else does.
    private static func tell(_ state: ServiceManager.State) {
        guard let socket = Environment.value("NOTIFY_SOCKET") else { return }
        try? ServiceManager(environment: ["NOTIFY_SOCKET": socket]).notify([state])
    }

    private static func requireRoom(_ slots: PlanCompiler.Slots) throws {
        guard slots.pools.count <= pools, slots.servers.count <= servers else {
            throw ServeFailure("more than \(pools) pools or \(servers) servers since the start; restart to make room")
        }
    }

    private func publication(_ configuration: SiteConfiguration, _ sockets: ListeningSockets) -> Publication {
        Publication(
            plan: configuration.plan,
            certificates: configuration.keyring.generations(for: configuration.plan),
            tickets: tickets,
            sockets: sockets.byListener
        )
    }

    /// Status is a convenience: a gateway serves without it.
    private func openAdmin(_ path: String) -> AdminSocket? {
        let answers = AdminAnswers(view)
        do {
            if let slash = path.lastIndex(of: "/"), slash != path.startIndex {
                try FileWriting.createFolder(String(path[..<slash]))
            }
            return try AdminSocket(path: path) { request in
                answers.answer(request)
                    ?? .error("this gateway reloads on SIGHUP and is upgraded by a restart", exit: 2)
            }
        } catch {
            StandardError.write(
                "warning: no admin socket at \(path) (\(error)); `gatehouse status` will not reach it\n"
            )
            return nil
        }
    }

    private mutating func obey(_ signals: borrowing Signals, _ writer: AccessLogWriter?) {
        while true {
            switch signals.wait() {
            case SIGHUP:
                writer?.reopen()
                Self.tell(.reloading)
                reload()
                Self.tell(.ready)
            case SIGUSR1: writer?.reopen()
            case SIGTERM, SIGINT:
                Self.tell(.stopping)
                service.drain(milliseconds: configuration.gateway.drain.milliseconds)
                while !service.isDrained { Thread.pause(milliseconds: 5) }
                return
            default: continue
            }
        }
    }

    /// Puts the site file into force anew, whole or not at all.
    private mutating func reload() {
        do {
            var slots = self.slots
            let fresh = try SiteConfiguration.load(
                path: path,
                generation: configuration.plan.generation + 1,
                slots: &slots
            )
            try Self.requireRoom(slots)
            let sockets = try self.sockets.updated(for: fresh, workers: workers)
            do {
                try service.publish(publication(fresh, sockets))
            } catch {
                sockets.closeWhatIsNew(since: self.sockets)
                throw error
            }
            configuration = fresh
            self.slots = slots
            self.sockets = sockets
            view.update { $0.adopt(fresh) }
            for note in fresh.notes { StandardError.write("gatehouse: \(note)\n") }
            for warning in fresh.warnings { StandardError.write("warning: \(warning)\n") }
            StandardError.write("gatehouse: reloaded, generation \(fresh.plan.generation)\n")
        } catch {
            StandardError.write("gatehouse: not reloaded, the running configuration goes on: \(error)\n")
        }
    }
}

/// Why `serve` cannot go on as asked.
package struct ServeFailure: Error, CustomStringConvertible {
    package let description: String

    internal init(_ description: String) {
        self.description = description
    }
}
