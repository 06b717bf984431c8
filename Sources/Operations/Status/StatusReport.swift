import Certificates
import Control
import Gateway
import Linux
import OpenSSL
package import Site

/// What `gatehouse status` says, as JSON. docs/observability.md describes each member.
package struct StatusReport: Sendable {
    package let document: JSONValue
    /// A server that should serve is down or ejected: the command ends with 1.
    package let isWanting: Bool

    /// - Parameters:
    ///   - waits: why certificates stay as another process wanted them, by their names.
    ///   - now: milliseconds, monotonic.
    ///   - realtime: microseconds since 1970.
    package init(
        _ view: GatewayView,
        waits: [String: String] = [:],
        now: UInt64 = Clock.monotonicNanoseconds / 1_000_000,
        realtime: UInt64 = Clock.realtimeMicroseconds
    ) {
        let pools = view.plan.pools.map { PoolStanding($0, in: view.state, now: now, nameProblems: view.nameProblems) }
        isWanting = pools.contains { $0.servers.contains { $0.state == .down || $0.state == .ejected } }
        let seconds = Int64(realtime / 1_000_000)
        let started = Int64(view.started / 1_000_000)
        document = .object([
            .init("site", .string(view.site)),
            .init("version", .string(view.version)),
            .init("generation", .count(view.plan.generation)),
            .init("pid", .integer(Int(view.process))),
            .init("data_plane_pid", view.dataPlane.map { .integer(Int($0)) } ?? .null),
            .init("data_plane_sandbox", view.sandbox.map(Self.sandbox) ?? .null),
            .init("data_plane_restarts", Self.restarts(view.restarts)),
            .init("started", .string(UTC.text(started))),
            .init("uptime_seconds", .integer(Int(max(0, seconds - started)))),
            .init("workers", .array((0..<view.workers).map { Self.worker($0, view.state, now: now) })),
            .init("listeners", .array(view.plan.listeners.map { Self.listener($0, view) })),
            .init("certificates", Self.certificates(view, now: seconds)),
            .init("certificate_trials", Self.trials(view)),
            .init("internal_ca", Self.authority(view, now: seconds)),
            .init("clock_doubt", view.clockDoubt.map { .string($0.words) } ?? .null),
            .init("certificate_store", Self.store(view)),
            .init("certificate_store_problem", Self.storeProblem(view)),
            .init("certificate_store_warnings", .strings(view.storeWarnings)),
            .init("certificate_deployment_problems", Self.words(view.deploymentProblems)),
            .init("certificate_waits", Self.words(waits)),
            .init("pools", .array(pools.map(Self.pool))),
        ])
    }

    /// The store, where the gateway has read something of it, or put it there.
    private static func store(_ view: GatewayView) -> JSONValue {
        let store = CertificateStore(folder: view.certificateStore)
        return store.hadContents ? .string(store.folder) : .null
    }

    /// Why nothing is taken from the store that is there now, which a command cannot know: it is one of before.
    private static func storeProblem(_ view: GatewayView) -> JSONValue {
        do throws(CertificateProblem) {
            try SiteWishes.ofGateway.requireNewest(CertificateStore(folder: view.certificateStore))
            return .null
        } catch {
            return .string("\(error)")
        }
    }

    /// What is said of certificates, by their names.
    private static func words(_ words: [String: String]) -> JSONValue {
        .object(words.sorted { $0.key < $1.key }.map { .init($0.key, .string($0.value)) })
    }

    private static func trials(_ view: GatewayView) -> JSONValue {
        func counts(_ counts: CertificateTrialReport.Counts) -> JSONValue {
            .object([
                .init("clients", .integer(counts.clients)),
                .init("refusals", .integer(counts.refusals)),
                .init(
                    "alerts",
                    .object(counts.reasons.sorted { $0.key < $1.key }.map { .init($0.key, .integer($0.value)) })
                ),
            ])
        }
        return .array(
            view.trials.sorted { $0.key < $1.key }.map { name, trial in
                .object([
                    .init("name", .string(name)),
                    .init("share_percent", .integer(trial.share)),
                    .init("fingerprints", .strings(trial.certificates.map(\.certificate.fingerprint))),
                    .init("new", counts(trial.report.fresh)),
                    .init("before", counts(trial.report.known)),
                ])
            }
        )
    }

    private static func sandbox(_ sandbox: Sandbox.Report) -> JSONValue {
        .object([
            .init("user", .integer(Int(sandbox.user))),
            .init("landlock", .integer(sandbox.landlockVersion)),
            .init("system_call_filter", .boolean(sandbox.hasSystemCallFilter)),
            .init("standing", .string(sandbox.standing)),
            .init("lacks", .strings(sandbox.lacks)),
        ])
    }

    private static func restarts(_ restarts: DataPlaneRestarts) -> JSONValue {
        .object([
            .init("count", .count(restarts.count)),
            .init("last", restarts.last.map { .string(UTC.text(Int64($0.time / 1_000_000))) } ?? .null),
            .init("last_pid", restarts.last.map { .integer(Int($0.process)) } ?? .null),
            .init("last_reason", restarts.last.map { .string($0.why) } ?? .null),
        ])
    }

    private static func worker(_ index: Int, _ state: SharedState, now: UInt64) -> JSONValue {
        func value(_ counter: Counter) -> UInt64 { state.region.load(state.index(worker: index, counter)) }
        let beat = value(.heartbeat)
        let age = Double(now > beat ? now - beat : 0) / 1000
        return .object([
            .init("index", .integer(index)),
            .init("heartbeat_age_seconds", beat == 0 ? .null : .number(age)),
            .init("connections", .count(value(.connectionsOpen))),
            .init("requests", .count(value(.requestsHTTP10) &+ value(.requestsHTTP11) &+ value(.requestsHTTP2))),
        ])
    }

    private static func listener(_ plan: ListenerPlan, _ view: GatewayView) -> JSONValue {
        var protocols: [String] = []
        if plan.http2 { protocols.append("h2") }
        if plan.http1 { protocols.append("http/1.1") }
        return .object([
            .init("addresses", .strings(view.addresses[plan.id] ?? [])),
            .init("port", .integer(Int(plan.port))),
            .init("tls", .boolean(plan.tls != nil)),
            .init("protocols", .strings(protocols)),
            .init("redirect_port", plan.redirectPort.map { .integer(Int($0)) } ?? .null),
            .init("certificates", .strings(plan.tls?.certificates ?? [])),
        ])
    }

    private static func certificates(_ view: GatewayView, now: Int64) -> JSONValue {
        var documents: [JSONValue] = []
        for (name, shown) in view.certificates.sorted(by: { $0.key < $1.key }) {
            for entry in shown {
                let certificate = entry.certificate
                let validity = certificate.validity
                documents.append(
                    .object([
                        .init("name", .string(name)),
                        .init("key", .string(entry.key)),
                        .init("fingerprint", .string(certificate.fingerprint)),
                        .init("subject", .string(certificate.subject)),
                        .init("issuer", .string(certificate.issuer)),
                        .init("names", .strings(certificate.identifiers)),
                        .init("not_before", .string(UTC.text(validity.lowerBound))),
                        .init("not_after", .string(UTC.text(validity.upperBound))),
                        .init("seconds_left", .integer(Int(validity.upperBound - now))),
                    ])
                )
            }
        }
        return .array(documents)
    }

    private static func authority(_ view: GatewayView, now: Int64) -> JSONValue {
        guard let standing = view.authority else { return .null }
        return .object([
            .init("root_not_before", .string(UTC.text(standing.root.validity.lowerBound))),
            .init("root_not_after", .string(UTC.text(standing.root.validity.upperBound))),
            .init("root_key_here", .boolean(standing.hasRootKey)),
            .init("intermediate_not_after", .string(UTC.text(standing.intermediate.validity.upperBound))),
            .init("warning", standing.warning(at: now).map { .string($0) } ?? .null),
        ])
    }

    private static func pool(_ pool: PoolStanding) -> JSONValue {
        .object([
            .init("name", .string(pool.plan.name)),
            .init("queued", .count(pool.queued)),
            .init("servers", .array(pool.servers.map(server))),
        ])
    }

    private static func server(_ server: ServerStanding) -> JSONValue {
        let plan = server.plan
        let host = plan.address.contains(":") ? "[\(plan.address)]" : plan.address
        return .object([
            .init("name", .string(plan.name)),
            .init("address", plan.address.isEmpty ? .null : .string("\(host):\(plan.port)")),
            .init("state", .string(server.state.rawValue)),
            .init("why", .string(server.why)),
            .init("weight_configured", .integer(plan.weight)),
            .init("weight", .integer(server.weight)),
            .init("effective_weight", .number(server.effectiveWeight)),
            .init("drained", .boolean(server.isDrained)),
            .init("ejected_for_seconds", .number(Double(server.ejectedFor) / 1000)),
            .init("in_flight", .count(server.inFlight)),
            .init("max_connections", plan.maxConnections > 0 ? .integer(plan.maxConnections) : .null),
            .init("requests", .count(server.requests)),
            .init("failures", .count(server.failures)),
            .init("failures_in_a_row", .count(server.failuresInARow)),
            .init("checks", .count(server.checks)),
            .init("checks_failed", .count(server.checksFailed)),
        ])
    }
}
