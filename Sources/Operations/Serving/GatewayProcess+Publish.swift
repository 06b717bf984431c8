import Control
import Gateway
import Linux
import Site

/// New configurations: how they are made, and the one way in which they come into force.
extension GatewayProcess {
    /// Puts the site file into force as it is now, whole or not at all. The access log is opened again in any case: it
    /// may have been moved away.
    ///
    /// Who asks for it vouches for the machine's clock.
    internal func reload() -> AdminReply {
        outlets.reopenLog()
        WallClock.believe()
        followClock()
        tell(.reloading)
        defer { tell(.ready) }
        return change("reloaded", "not reloaded", isReload: true, siteFile)
    }

    /// Makes a configuration of a number, with places in the shared state.
    private typealias Making = @Sendable (UInt64, inout PlanCompiler.Slots) throws -> SiteConfiguration

    /// From the site file as it is now.
    private var siteFile: Making {
        let own = listeners.addresses + outlets.addresses
        return { [path = options.path, configuration, services] generation, slots in
            let outcome = SiteFile.load(path: path)
            // What could not be listened on is to change nothing in the store.
            if let gateway = outcome.model?.gateway { try GatewayRehearsal.requireAddresses(of: gateway, besides: own) }
            return try SiteConfiguration.load(
                outcome,
                path: path,
                generation: generation,
                slots: &slots,
                after: configuration,
                progress: IssuingProgress(services).report
            )
        }
    }

    /// The next configuration. What is read and checked for it takes nothing from those who serve.
    private func next(_ make: @escaping Making) throws -> (SiteConfiguration, PlanCompiler.Slots) {
        var released = self.slots
        released.release(besides: plan, view.value.state)
        let number = configuration.plan.generation + 1
        return try Thread.inBackground { [released] () throws -> (SiteConfiguration, PlanCompiler.Slots) in
            var slots = released
            let made = try make(number, &slots)
            return (made, slots)
        }
    }

    /// Tries once more what the start could not bring about, while the data plane of the version before serves on: until
    /// then nothing could take that one's place.
    internal func startAgain() {
        do {
            let (fresh, slots) = try next(siteFile)
            try put(fresh, slots, isNews: false)
            view.update { $0.refusal = nil }
            tell(.status(view.value.summary))
            deployOwed()
            try orders.want(configuration.site)
            Self.log("the site file is in force, configuration \(configuration.plan.generation)")
        } catch {
            putOffStart(error)
        }
    }

    /// Has a start that did not come about beside a data plane that serves be tried again. What fails as it did before is not
    /// told again.
    internal func putOffStart(_ error: any Error) {
        let what = "the data plane of the version before serves on"
        let known = view.value.refusal?.why
        schedule.start = Schedule.uptime + Schedule.startPause
        tellFailure(what, error)
        if view.value.refusal?.why != known { Self.log("\(what): \(error)") }
    }

    /// Puts the site that is in force into force anew, with the certificates that are there now: the site file may
    /// have been changed meanwhile by somebody who is not done.
    ///
    /// - Parameter names: the certificates that may have changed; nil for all.
    internal func republish(of names: Set<String>?) -> AdminReply {
        change("renewed", "not renewed", isReload: false, of: names) { [configuration, services] generation, slots in
            try configuration.renewed(
                generation: generation,
                slots: &slots,
                of: names,
                progress: IssuingProgress(services).report
            )
        }
    }

    private func change(
        _ done: String,
        _ failed: String,
        isReload: Bool,
        of names: Set<String>? = nil,
        _ make: @escaping Making
    ) -> AdminReply {
        let refusal = "\(failed), the running configuration goes on"
        let before = configuration
        do {
            let (made, slots) = try next(make)
            let fresh = tried(made)
            view.update { if $0.refusal?.what == refusal { $0.refusal = nil } }
            if isServing, fresh.differsInCertificatesAlone(from: configuration) {
                try replaceCertificates(by: fresh, isWhole: isReload)
            } else {
                try put(fresh, slots, isNews: isReload, isWhole: isReload)
            }
            if isReload {
                deployOwed()
            } else {
                for settings in configuration.unshownNews(since: before) {
                    deployments.want(settings, of: configuration.site)
                }
            }
            try orders.want(configuration.site, of: names)
            Self.log("\(done), configuration \(configuration.plan.generation)")
            // An order or a command is told of its own.
            return .result(standing(of: names).line, exit: isReload && !configuration.owed.isEmpty ? 1 : 0)
        } catch {
            Self.log("\(refusal): \(error)")
            tellFailure(refusal, error)
            return .error("\(error)", exit: Self.exitStatus(of: error))
        }
    }

    /// Brings `fresh` into force: addresses, sockets, data plane, log, metrics and view. The only place that does.
    ///
    /// - Parameters:
    ///   - isNews: whether the operator is told all that it warns of, and not only what is new of that.
    ///   - isWhole: files that clients would not get are an error; else they alone are missed.
    /// - Throws: what is wrong with it; the configuration before goes on then.
    internal func put(
        _ fresh: SiteConfiguration,
        _ slots: PlanCompiler.Slots,
        isNews: Bool = true,
        isWhole: Bool = false
    ) throws {
        for note in fresh.notes { Self.log(note) }
        let before = (configuration: configuration, slots: self.slots)
        let (fresh, changes) = try gated(fresh, isWhole: isWhole)
        do {
            try bring(try resolved(fresh), slots, isNews: isNews)
        } catch {
            // The names of the configuration that goes on.
            _ = try? resolved(configuration)
            throw error
        }
        try goBack(to: before, from: confirm(changes))
    }

    internal func bring(_ fresh: SiteConfiguration, _ slots: PlanCompiler.Slots, isNews: Bool) throws {
        try requireRoom(slots)
        slots.clear(takenSince: self.slots, in: view.value.state)
        let requests = fresh.listenerRequests
        let listeners = try self.listeners.updated(
            for: requests.flatMap(\.requests),
            besides: outlets.addresses
        )
        let budget = budget(for: fresh, listeners)
        let warnings = warnings(of: fresh, budget)
        tell(warnings, again: isNews)
        let addresses = self.listeners.addresses + listeners.addresses
        try outlets.adopt(fresh.gateway, besides: addresses)
        do {
            try push(try outgoing(fresh, slots, listeners, budget))
        } catch {
            try? outlets.adopt(configuration.gateway, besides: addresses)
            throw error
        }
        store(listeners)
        releaseWeights(fresh.plan)
        configuration = fresh
        self.warnings = warnings
        self.plan = fresh.plan
        self.slots = slots
        self.listeners = listeners
        show(fresh)
        setSchedule(for: fresh)
        followTrials()
    }

    /// Tells the operator what he should look at.
    ///
    /// - Parameter again: also what was told the last time: every look at what stays as it is would say it else.
    internal func tell(_ warnings: [String], again: Bool = false) {
        for warning in warnings where again || !toldWarnings.contains(warning) {
            StandardError.log("warning: \(warning)\n")
        }
        toldWarnings = Set(warnings)
    }

    internal func budget(for fresh: SiteConfiguration, _ listeners: ListenerSet) -> DescriptorBudget {
        DescriptorBudget(
            limit: DescriptorLimit.raise().current,
            plan: fresh.plan,
            sockets: listeners.groups.values.reduce(0) { $0 + $1.count },
            workers: memory.shape.layout.workers
        )
    }

    internal func warnings(of fresh: SiteConfiguration, _ budget: DescriptorBudget) -> [String] {
        fresh.warnings + standingWarnings(fresh)
            + (budget.warning(connections: fresh.plan.limits.connections).map { [$0] } ?? [])
    }

    /// What a data plane is to serve by `fresh`.
    ///
    /// - Throws: SnapshotError when the plan is too large.
    internal func outgoing(
        _ fresh: SiteConfiguration,
        _ slots: PlanCompiler.Slots,
        _ listeners: ListenerSet,
        _ budget: DescriptorBudget
    ) throws -> OutgoingConfiguration {
        var plan = fresh.plan
        if plan.limits.connections == 0 { plan.limits.connections = budget.connections }
        let requests = fresh.listenerRequests
        let snapshot = GatewaySnapshot(
            plan: plan,
            addresses: Dictionary(uniqueKeysWithValues: requests.map { ($0.listener, $0.requests.map(\.id)) }),
            shape: memory.shape,
            slots: slots,
            rotation: rotation(for: fresh),
            started: view.value.started
        )
        let keys = GatewayKeys(keyring: fresh.keyring, tickets: tickets)
        return OutgoingConfiguration(
            plan: { try snapshot.encoded() },
            keys: { try keys.sealed() },
            listeners: listeners,
            drainTime: Int(clamping: fresh.gateway.drain.milliseconds)
        )
    }

    /// Gives the data plane its configuration; the first of this program comes with a data plane of its own.
    private func push(_ outgoing: OutgoingConfiguration) throws {
        guard isServing else {
            try supervisor.start(outgoing)
            isServing = true
            return
        }
        try patiently { () throws(SupervisorError) in try supervisor.publish(outgoing) }
    }

    /// Asks again while the data plane is being replaced: it serves again soon.
    internal func patiently<Answer>(_ ask: () throws(SupervisorError) -> Answer) throws -> Answer {
        for _ in 0..<Self.tries {
            do throws(SupervisorError) {
                return try ask()
            } catch .notRunning, .busy {
                Thread.pause(milliseconds: 50)
            }
        }
        return try ask()
    }

    private static let tries = 100

    private func requireRoom(_ slots: PlanCompiler.Slots) throws {
        let layout = memory.shape.layout
        guard slots.pools.extent <= layout.pools, slots.servers.extent <= layout.servers else {
            throw ServeFailure(
                "the site file has more pools or servers than were made room for at the start (\(layout.pools) and"
                    + " \(layout.servers)): `gatehouse upgrade` takes it over with more room, and counters start anew"
            )
        }
    }

    /// What of a new site file waits for a restart.
    private func standingWarnings(_ fresh: SiteConfiguration) -> [String] {
        var warnings: [String] = []
        let workers = memory.shape.layout.workers
        if options.workers == nil, let wanted = fresh.gateway.workers, wanted != workers {
            warnings.append("gateway.workers: \(wanted) take effect with a restart; until then there are \(workers)")
        }
        if fresh.gateway.user != configuration.gateway.user {
            warnings.append("gateway.user: \(fresh.gateway.user) takes effect with an upgrade or a restart")
            do {
                _ = try GatewayStart.user(fresh.gateway.user)
            } catch {
                warnings.append("an upgrade or a restart would be refused: \(error)")
            }
        }
        if options.socket == nil, let admin, admin.path != AdminSocket.defaultPath(of: fresh.site.name) {
            warnings.append(
                "site: \(fresh.site.name) has its admin socket at \(admin.path) until a restart: commands find it with"
                    + " `--socket \(admin.path)`"
            )
        }
        return warnings
    }

    /// A weight set by hand holds until the site file gives the server another one, and what an operator said of a
    /// server ends when the site file names it no longer. All else that was said by hand outlives reloads.
    private func releaseWeights(_ fresh: Plan) {
        let state = view.value.state
        let wanted = Dictionary(
            fresh.pools.flatMap(\.servers).map { ($0.slot, $0.weight) },
            uniquingKeysWith: { first, _ in first }
        )
        for pool in plan.pools {
            for server in pool.servers where wanted[server.slot] != server.weight {
                state.store(server: server.slot, .weight, 0)
                if wanted[server.slot] == nil {
                    state.store(server: server.slot, .admin, SharedState.Admin.ready.rawValue)
                }
                state.touch(pool: pool.slot)
            }
        }
    }

    /// Leaves new sockets with the service manager, for the case that both processes end, and takes back those that
    /// are not listened on any more.
    private func store(_ fresh: ListenerSet) {
        guard services.isPresent else { return }
        for (id, group) in fresh.groups where listeners.groups[id]?.first !== group.first || !isStored {
            for socket in group { try? services.store(socket.raw, name: id.storedName) }
        }
        for id in listeners.groups.keys where fresh.groups[id] == nil {
            try? services.notify([.removeStored(name: id.storedName)])
        }
        isStored = true
    }
}

extension ListenerID {
    /// As the service manager may call it: it takes no colon.
    fileprivate var storedName: String { "listener-" + text.replacing(":", with: ".") }
}

extension ListenerRequest {
    fileprivate var id: ListenerID { ListenerID(address) }
}

extension SiteConfiguration {
    /// What to listen on, by the plan's listener: all addresses where none is named, of which IPv6 may be missing.
    internal var listenerRequests: [(listener: Int, requests: [ListenerRequest])] {
        zip(plan.listeners, gateway.listeners).map { plan, settings in (plan.id, settings.requests) }
    }
}

extension ListenerSettings {
    internal var requests: [ListenerRequest] {
        if addresses.isEmpty { return ListenerRequest.everywhere(port: port) }
        return addresses.compactMap { SocketAddress("\($0)", port: port) }.map { ListenerRequest(address: $0) }
    }
}
