import Engine
import HTTPWire
import Linux
import OpenSSL

/// A plan made ready for one worker: tables to look up in, balancers, contexts for TLS.
///
/// A reload makes a new one; requests under way keep the one they began with.
package final class Runtime {
    package let plan: Plan
    internal let routes: RouteTable
    internal let pools: [Pool]
    internal let contexts: [Int: TLSContext]
    private let settings: [Int: TLSContext.ServerSettings]
    /// Which of a listener's certificates covers a name, by its id: what must not differ on one connection.
    internal let certificates: [Int: HostTable<Int>]
    internal let fields: AddedFields
    internal let subjectFields: SubjectFields
    internal let wellKnown: WellKnownTable
    internal let headLimits: HeadLimits
    internal let http2Settings: HTTP2Settings

    /// The pool here that stands for `pool`, one of an earlier plan; nil when there is none, and when it is of this one.
    internal func heir(of pool: Pool) -> Pool? {
        pools.first { $0.plan.name == pool.plan.name && $0 !== pool }
    }

    /// - Parameter previous: what the worker goes by until now. Listeners whose TLS settings stay keep their contexts,
    ///   so that a request that began long ago keeps no certificate of that time.
    /// - Throws: what OpenSSL does not take of a listener's TLS settings.
    internal init(_ publication: Publication, state: SharedState, worker: Int, after previous: Runtime? = nil) throws {
        let plan = publication.plan
        self.plan = plan
        routes = RouteTable(plan.routes)
        pools = plan.pools.map { Pool(plan: $0, state: state, worker: worker) }
        fields = AddedFields(plan)
        subjectFields = SubjectFields(plan)
        wellKnown = WellKnownTable(plan)
        var limits = HeadLimits()
        limits.requestLine = plan.limits.requestLine
        limits.fieldLine = plan.limits.fieldLine
        limits.head = plan.limits.head
        limits.fields = plan.limits.fields
        limits.keepsUnderscores = plan.headers.keepsUnderscores
        headLimits = limits
        var settings = HTTP2Settings()
        settings.maxConcurrentStreams = plan.limits.streams
        settings.sendBuffer = plan.limits.buffer
        settings.maxHeadBytes = plan.limits.head
        settings.maxFieldBytes = plan.limits.fieldLine
        settings.maxTargetBytes = plan.limits.requestLine
        settings.maxFields = plan.limits.fields
        settings.keepsUnderscores = plan.headers.keepsUnderscores
        http2Settings = settings
        var contexts: [Int: TLSContext] = [:]
        var allSettings: [Int: TLSContext.ServerSettings] = [:]
        var certificates: [Int: HostTable<Int>] = [:]
        for listener in plan.listeners {
            guard let tls = listener.tls else { continue }
            let settings = Self.settings(tls, listener)
            let kept = previous?.settings[listener.id] == settings ? previous?.contexts[listener.id] : nil
            let context = try kept ?? TLSContext(server: settings)
            allSettings[listener.id] = settings
            if let generation = publication.certificates[listener.id] { context.publish(generation) }
            if let tickets = publication.tickets { context.publish(tickets) }
            contexts[listener.id] = context
            certificates[listener.id] = Self.certificates(tls)
        }
        self.contexts = contexts
        self.settings = allSettings
        self.certificates = certificates
    }

    /// Has new handshakes go by other certificates and ticket keys.
    internal func adopt(_ change: CertificateChange) {
        for (listener, generation) in change.certificates { contexts[listener]?.publish(generation) }
        if let tickets = change.tickets { for context in contexts.values { context.publish(tickets) } }
    }

    private static func certificates(_ tls: TLSPlan) -> HostTable<Int> {
        var seen: Set<String> = []
        let names = tls.names.enumerated().flatMap { index, names in
            names.filter { seen.insert($0).inserted }.map { ($0, index) }
        }
        return HostTable(names)
    }

    /// Whether what a peer says of those before it is believed.
    internal func trusts(_ peer: SocketAddress) -> Bool {
        if plan.trustedProxies.isEmpty { return false }
        return plan.trustedProxies.contains { $0.contains(peer) }
    }

    private static func settings(_ tls: TLSPlan, _ listener: ListenerPlan) -> TLSContext.ServerSettings {
        var settings = TLSContext.ServerSettings()
        settings.profile = tls.isModern ? .modern : .intermediate
        settings.groups = tls.groups.isEmpty ? nil : tls.groups
        settings.alpn = (listener.http2 ? ["h2"] : []) + (listener.http1 ? ["http/1.1"] : [])
        if let authority = tls.clientAuthority {
            settings.clientCertificates = .init(
                authorities: authority,
                revocationLists: tls.clientRevocationLists,
                mode: tls.requiresClientCertificate ? .require : .request
            )
        }
        return settings
    }
}
