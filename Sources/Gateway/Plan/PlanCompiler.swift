package import Site

/// Works a site out into a plan. Addresses of DNS names come later (`Plan.setAddresses`).
///
/// The model is consistent when it comes here (`SiteFile` saw to that), so that nothing can fail but
/// what depends on the machine, and that is the caller's.
package struct PlanCompiler {
    private let site: SiteModel
    private let gateway: GatewaySettings

    package init(site: SiteModel, gateway: GatewaySettings) {
        self.site = site
        self.gateway = gateway
    }

    /// - Parameters:
    ///   - slots: those of the plan before; gains what is new.
    ///   - readFile: gives a file's bytes, for the authorities of clients' certificates and their lists.
    package func plan<Failure: Error>(
        generation: UInt64,
        slots: inout Slots,
        readFile: (String) throws(Failure) -> [UInt8]
    ) throws(Failure) -> Plan {
        var plan = Plan()
        plan.generation = generation
        for (id, settings) in gateway.listeners.enumerated() {
            plan.listeners.append(try listener(settings, id: id, readFile: readFile))
        }
        let names = gateway.pools.keys.sorted()
        for name in names {
            if let pool = gateway.pools[name] { plan.pools.append(self.pool(pool, &slots)) }
        }
        for settings in gateway.routes {
            guard let pool = names.firstIndex(of: settings.pool) else { continue }
            plan.routes.append(route(settings, pool: pool))
        }
        plan.timeouts = timeouts
        plan.limits = limits
        plan.headers = headers
        plan.trustedProxies = site.trustedProxyNetworks.map(Self.network)
        plan.drain = gateway.drain.milliseconds
        plan.accessLog = gateway.accessLog != .off
        return plan
    }

    private func listener<Failure: Error>(
        _ settings: ListenerSettings,
        id: Int,
        readFile: (String) throws(Failure) -> [UInt8]
    ) throws(Failure) -> ListenerPlan {
        var plan = ListenerPlan(id: id, port: settings.port)
        plan.http1 = settings.protocols.contains(.http1)
        plan.http2 = settings.protocols.contains(.http2)
        plan.redirectPort = settings.redirect?.port
        guard let tls = settings.tls else { return plan }
        var sealed = TLSPlan(certificates: tls.certificates)
        sealed.names = tls.certificates.map { name in site.certificates[name]?.names.map { "\($0)" } ?? [] }
        sealed.isModern = tls.profile == .modern
        sealed.groups = tls.groups.map(\.name)
        sealed.usesDefault = tls.unknownName == .default
        if let clients = tls.clientCertificates {
            sealed.clientAuthority = try readFile(clients.authority)
            sealed.clientRevocationLists = try clients.revocationLists.map(readFile)
            sealed.requiresClientCertificate = clients.mode == .require
            sealed.clientSubjectField = clients.header.lowercased()
        }
        plan.tls = sealed
        return plan
    }

    private func pool(_ settings: PoolSettings, _ slots: inout Slots) -> PoolPlan {
        var plan = PoolPlan(name: settings.name, slot: slots.pool(settings.name))
        for endpoint in site.endpoints(of: settings) { plan.servers.append(server(endpoint, of: settings, &slots)) }
        plan.health = settings.health.map(health)
        plan.slowStart = settings.slowStart.milliseconds
        plan.ejection = settings.ejection.map {
            EjectionPlan(failures: $0.failures, pause: $0.pause.milliseconds, maxPause: $0.maxPause.milliseconds)
        }
        plan.queueWait = settings.queue.wait.milliseconds
        plan.queueSize = settings.queue.size
        plan.attempts = settings.retries.attempts
        plan.retryBudget = settings.retries.budget
        plan.keepAliveIdle = settings.keepAlive.idle.milliseconds
        plan.keepAliveCount = settings.keepAlive.perWorker
        return plan
    }

    private func server(_ endpoint: ServerEndpoint, of pool: PoolSettings, _ slots: inout Slots) -> ServerPlan {
        let address: String
        var dnsName: String?
        switch endpoint.location {
        case .addresses(let addresses): address = addresses.first.map { "\($0)" } ?? ""
        case .name(let name):
            address = ""
            dnsName = name
        }
        var plan = ServerPlan(
            name: endpoint.label,
            // Not by its label, which changes with the pool's other servers.
            slot: slots.server(pool.name, "\(endpoint.name):\(endpoint.port)"),
            address: address,
            port: endpoint.port,
            weight: endpoint.settings.weight
        )
        plan.dnsName = dnsName
        plan.maxConnections = endpoint.settings.maxConnections
        return plan
    }

    private func health(_ settings: HealthSettings) -> HealthPlan {
        var plan = HealthPlan(
            every: settings.every.milliseconds,
            timeout: settings.timeout.milliseconds,
            fall: settings.fall,
            rise: settings.rise
        )
        if case .http(let check) = settings.check {
            plan.path = check.path
            plan.host = check.host
            plan.statuses = check.statuses
            plan.body = check.body
        }
        return plan
    }

    private func route(_ settings: RouteSettings, pool: Int) -> RoutePlan {
        var plan = RoutePlan(hosts: settings.hosts.map { "\($0)" }, path: settings.path, pool: pool)
        switch settings.body ?? gateway.limits.body {
        case .unlimited: plan.bodyLimit = nil
        case .atMost(let size): plan.bodyLimit = UInt64(size.bytes)
        }
        plan.hsts = (settings.hsts ?? gateway.headers.hsts).map(Self.hsts)
        return plan
    }

    private static func hsts(_ settings: HSTSSettings) -> String {
        var value = "max-age=\(settings.maxAge.components.seconds)"
        if settings.includeSubdomains { value += "; includeSubDomains" }
        if settings.preload { value += "; preload" }
        return value
    }

    private var timeouts: TimeoutPlan {
        var plan = TimeoutPlan()
        let settings = gateway.timeouts
        plan.client = settings.client.milliseconds
        plan.clientHandshake = settings.clientHandshake.milliseconds
        plan.httpRequest = settings.httpRequest.milliseconds
        plan.httpKeepAlive = settings.httpKeepAlive.milliseconds
        plan.connect = settings.connect.milliseconds
        plan.server = settings.server.milliseconds
        plan.serverFin = settings.serverFin.milliseconds
        plan.clientFin = settings.clientFin.milliseconds
        plan.tunnel = settings.tunnel.milliseconds
        return plan
    }

    private var limits: LimitPlan {
        var plan = LimitPlan()
        let settings = gateway.limits
        plan.connections = settings.connections ?? 0
        plan.connectionsPerAddress = settings.connectionsPerAddress ?? 0
        plan.requestLine = settings.requestLine.bytes
        plan.fieldLine = settings.header.bytes
        plan.head = settings.headers.bytes
        plan.fields = settings.headerCount
        plan.minimumBodyRate = settings.minimumBodyRate.bytes
        plan.streams = settings.streams
        plan.buffer = settings.buffer.bytes
        return plan
    }

    private var headers: HeaderPlan {
        var plan = HeaderPlan()
        let settings = gateway.headers
        plan.xForwarded = settings.forwarded != .rfc7239
        plan.forwarded = settings.forwarded != .xForwarded
        plan.keepsRequestID = settings.requestID == .keep
        plan.keepsUnderscores = settings.underscores == .keep
        plan.security = SecurityHeaders.fields(settings.security)
        return plan
    }

    private static func network(_ network: IPNetwork) -> NetworkPlan {
        switch network.address {
        case .v4(let bits):
            NetworkPlan(high: 0, low: UInt64(bits), isIPv6: false, prefix: network.prefixLength)
        case .v6(let bits):
            NetworkPlan(
                high: UInt64(truncatingIfNeeded: bits >> 64),
                low: UInt64(truncatingIfNeeded: bits),
                isIPv6: true,
                prefix: network.prefixLength
            )
        }
    }
}

/// The sets of security headers that a site file can ask for by a word.
package enum SecurityHeaders {
    package static func fields(_ set: HeaderSettings.Security) -> [FieldPlan] {
        switch set {
        case .off: []
        case .basic: basic
        case .strict: basic + strict
        }
    }

    /// Fields that break no working site.
    private static let basic = [
        FieldPlan(name: "x-content-type-options", value: "nosniff"),
        FieldPlan(name: "referrer-policy", value: "strict-origin-when-cross-origin"),
        FieldPlan(name: "x-frame-options", value: "SAMEORIGIN"),
    ]

    /// Fields that the site must have been written for.
    private static let strict = [
        FieldPlan(
            name: "content-security-policy",
            value: "default-src 'self'; frame-ancestors 'self'; object-src 'none'"
        ),
        FieldPlan(name: "cross-origin-opener-policy", value: "same-origin"),
        FieldPlan(name: "permissions-policy", value: "camera=(), geolocation=(), microphone=()"),
    ]
}
