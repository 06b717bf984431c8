import Control
import Gateway
import Glibc
import Linux
import Site

/// What a control plane must have before it can serve: checked, locked and taken over, in that order.
internal struct GatewayStart {
    let configuration: SiteConfiguration
    let slots: PlanCompiler.Slots
    let requests: ControlRequests
    let admin: AdminSocket?
    let inheritance: Inheritance
    let memory: GatewayMemory
    let view: CurrentView
    let settings: SupervisorSettings
    let names: NameService

    /// Room in the shared memory for pools and servers at least, and as a multiple of those that there are.
    private static let pools = 64
    private static let servers = 512
    private static let growth = 2

    init(_ options: ServeOptions, _ services: ServiceManager) throws {
        var slots = PlanCompiler.Slots()
        let progress = IssuingProgress(services).report
        var configuration = try SiteConfiguration.load(
            path: options.path,
            generation: 1,
            slots: &slots,
            progress: progress
        )
        let host = try MachineHost.find(
            configuration.site,
            named: options.host,
            addresses: InterfaceAddresses.all()
        )
        if let warning = host.warning { StandardError.write("warning: \(warning)\n") }
        let user = try Self.user(configuration.gateway.user)
        let workers = options.workers ?? configuration.gateway.workers ?? Thread.availableCores

        // The admin socket is the lock of the gateway's name: what follows is done by one process at a time.
        requests = try ControlRequests()
        var inheritance = Inheritance(socketsPerAddress: min(workers, MessageSocket.mostDescriptors))
        let path =
            options.socket ?? inheritance.adminPath ?? AdminSocket.defaultPath(of: configuration.site.name)
        admin = try Self.openAdmin(path, inheritance.segment(AdminSocket.segmentName(at: path)))
        let adoptionPath = admin == nil || options.endsTogether ? nil : "\(path).data-plane"
        inheritance.complete(adoptionPath: adoptionPath)
        self.inheritance = inheritance
        if let snapshot = inheritance.snapshot {
            slots = snapshot.slots
            configuration = try configuration.renewed(generation: snapshot.plan.generation + 1, slots: &slots)
        }
        memory = try Self.memory(inheritance, slots, workers: workers)
        view = CurrentView(
            GatewayView(
                configuration,
                state: memory.state(berth: 0),
                workers: workers,
                started: inheritance.snapshot?.started
            )
        )
        // Until this configuration is in force.
        if let snapshot = inheritance.snapshot { view.update { $0.adopt(snapshot) } }
        self.configuration = configuration
        self.slots = slots
        settings = try Self.settings(memory, inheritance, adoptionPath, user)
        names = try NameService(NameService.Settings(user: user))
    }

    /// Whom the data plane runs as; nil for whoever runs this.
    internal static func user(_ name: String) throws -> UserAccount? {
        guard Privileges.isRoot else { return nil }
        if let user = UserAccount.named(name) { return user }
        let remedy = "useradd --system --no-create-home --shell /usr/sbin/nologin \(name)"
        guard name == GatewaySettings().user, let nobody = UserAccount.named("nobody") else {
            throw ServeFailure(
                "gateway.user: there is no user \(name): make one with `\(remedy)`, or name another",
                exit: 3
            )
        }
        StandardError.write(
            "warning: there is no user \(name), the data plane runs as nobody: make one of its own with `\(remedy)`\n"
        )
        return nobody
    }

    /// - Parameter segment: the socket of the program before this one, if it answered at the same path.
    private static func openAdmin(_ path: String, _ segment: SharedSegment?) throws -> AdminSocket? {
        do {
            if let slash = path.lastIndex(of: "/"), slash != path.startIndex {
                try FileWriting.createFolder(String(path[..<slash]), followsLink: true)
            }
            return try AdminSocket(path: path, adopting: segment)
        } catch let error as SystemError where error.code == EADDRINUSE {
            throw ServeFailure(
                "another gateway answers at \(path): stop it, or give this one a socket of its own with --socket"
            )
        } catch let error as SystemError where error.code == EEXIST {
            throw noSocket(path)
        } catch {
            StandardError.write(
                "warning: no admin socket at \(path) (\(error)): `gatehouse status` will not reach this gateway, and"
                    + " no later one can take its data plane over\n"
            )
            return nil
        }
    }

    /// Something is where the gateway would have its socket, and may be somebody's.
    private static func noSocket(_ path: String) -> ServeFailure {
        ServeFailure(
            "\(path): what is there is no socket, and stays: move it away, or name another path with --socket",
            exit: 3
        )
    }

    /// The memory of the control plane before, where it can be gone on with, else new memory.
    private static func memory(
        _ inheritance: Inheritance,
        _ slots: PlanCompiler.Slots,
        workers: Int
    ) throws -> GatewayMemory {
        func shape(pools: Int, servers: Int) -> GatewayMemory.Shape {
            GatewayMemory.Shape(
                layout: SharedState.Layout(
                    workers: workers,
                    pools: pools,
                    servers: servers,
                    berths: SupervisorSettings.berths
                )
            )
        }
        let (memory, loss) = try GatewayMemory.take(
            inheritance.segment(GatewayMemory.segmentName),
            inheritance.snapshot?.shape,
            wanted: shape(pools: slots.pools.extent, servers: slots.servers.extent),
            fresh: shape(
                pools: max(pools, growth * slots.pools.extent),
                servers: max(servers, growth * slots.servers.extent)
            )
        )
        let state = memory.state(berth: 0)
        if loss == nil, let before = inheritance.snapshot?.slots {
            slots.clear(takenSince: before, in: state)
        } else if let loss, inheritance.dataPlane != nil {
            GatewayProcess.log(
                "counters and health start anew: the memory of the control plane before cannot be gone on with: \(loss)"
            )
            inheritance.handSettings?.apply(slots, state)
        }
        return memory
    }

    private static func settings(
        _ memory: GatewayMemory,
        _ inheritance: Inheritance,
        _ adoptionPath: String?,
        _ user: UserAccount?
    ) throws -> SupervisorSettings {
        var arguments = ["gatehouse", DataPlaneConvention.argument]
        if let user { arguments += ["--user", "\(user)"] }
        // Its crash is the supervisor's to tell; a backtrace would need to start a program.
        var environment = ["SWIFT_BACKTRACE=enable=no"]
        let kept = Environment.values(["LD_LIBRARY_PATH", "OPENSSL_CONF", "OPENSSL_MODULES"])
        environment += kept.map { "\($0.key)=\($0.value)" }
        var settings = SupervisorSettings(start: ProcessStart(arguments: arguments, environment: environment))
        settings.segments = [try memory.segment()]
        if let adoption = inheritance.segment(DataPlaneConvention.adoptionSegment) {
            settings.segments.append(adoption)
        } else if let adoptionPath {
            do throws(SystemError) {
                settings.segments.append(try Adoption.segment(at: adoptionPath))
            } catch {
                throw error.code == EEXIST ? noSocket(adoptionPath) : error
            }
        }
        settings.vacated = { memory.vacate(berth: $0) }
        return settings
    }
}
