package import Linux

/// What the data plane does, worked out: no names to look up, no defaults left, all times in milliseconds.
///
/// The control plane makes it from the site file and hands it over as bytes; every worker reads the
/// same value and never changes it. What must survive a reload (a server's health, a pool's cursor)
/// is in the shared state, at the slots that the plan names.
package struct Plan: Codable, Sendable, Equatable {
    /// Rises with every plan that is published.
    package var generation: UInt64 = 0
    package var listeners: [ListenerPlan] = []
    package var routes: [RoutePlan] = []
    package var pools: [PoolPlan] = []
    package var timeouts = TimeoutPlan()
    package var limits = LimitPlan()
    package var headers = HeaderPlan()
    package var trustedProxies: [NetworkPlan] = []
    /// Milliseconds that what is under way has when the data plane drains.
    package var drain: UInt64 = 30_000
    /// Whether requests are written to the access log.
    package var accessLog = true
    /// What ACME servers look for, by token (RFC 8555, section 8.3).
    package var challenges: [String: String] = [:]
    /// Key authorizations that ACME servers look for in a handshake, by DNS name or address (RFC 8737).
    package var handshakeChallenges: [String: String] = [:]
    /// Lists of certificates that the internal CA has revoked, in DER, by their paths.
    package var revocationLists: [String: [UInt8]] = [:]

    package init() {}
}

extension Plan {
    package var dnsNames: Set<String> { Set(pools.flatMap(\.servers).compactMap(\.dnsName)) }

    /// The addresses of those names that have one.
    package var addressesOfNames: [String: String] {
        let named = pools.flatMap(\.servers).compactMap { server in server.dnsName.map { ($0, server.address) } }
        return Dictionary(named.filter { !$0.1.isEmpty }, uniquingKeysWith: { first, _ in first })
    }

    /// Puts the servers with DNS names where `addresses` says; those that it lacks are down.
    package mutating func setAddresses(_ addresses: [String: String]) {
        for pool in pools.indices {
            for server in pools[pool].servers.indices {
                guard let name = pools[pool].servers[server].dnsName else { continue }
                pools[pool].servers[server].address = addresses[name] ?? ""
            }
        }
    }
}

/// A port with what is spoken there.
package struct ListenerPlan: Codable, Sendable, Equatable {
    /// Names the listener to the control plane, which holds its sockets.
    package var id: Int
    package var port: UInt16
    package var tls: TLSPlan?
    package var http1 = true
    package var http2 = false
    /// Every request is answered with a redirect to HTTPS on this port.
    package var redirectPort: UInt16?

    package init(id: Int, port: UInt16) {
        self.id = id
        self.port = port
    }
}

/// How TLS is spoken on a listener. Certificates and keys travel apart.
package struct TLSPlan: Codable, Sendable, Equatable {
    /// Certificates of the site, the default first.
    package var certificates: [String]
    /// The names that each of them covers: exact, or `*.name`.
    package var names: [[String]] = []
    /// TLS 1.3 alone (Mozilla's modern profile).
    package var isModern = false
    package var groups: [String] = []
    /// An unknown name gets the default certificate instead of an alert.
    package var usesDefault = false
    /// PEM of the authorities that clients' certificates lead up to; nil when none are asked for.
    package var clientAuthority: [UInt8]?
    /// PEM of their lists of revoked certificates; nil when none is looked at.
    package var clientRevocationLists: [UInt8]?
    package var requiresClientCertificate = false
    /// The field that tells the app server the client's subject, in lower case.
    package var clientSubjectField = ""

    package init(certificates: [String]) {
        self.certificates = certificates
    }
}

/// A host and path prefix with the pool that answers for it.
package struct RoutePlan: Codable, Sendable, Equatable {
    /// Exact names, `*.name` for one label before it, or `*` for any; lower case.
    package var hosts: [String]
    package var path: String
    /// Index of the pool.
    package var pool: Int
    /// Bytes of a request's body at most; nil for no bound.
    package var bodyLimit: UInt64?
    /// The value of Strict-Transport-Security, or nil.
    package var hsts: String?

    package init(hosts: [String], path: String, pool: Int) {
        self.hosts = hosts
        self.path = path
        self.pool = pool
    }
}

/// App servers that answer alike.
package struct PoolPlan: Codable, Sendable, Equatable {
    package var name: String
    /// Its place in the shared state, the same over reloads.
    package var slot: Int
    package var servers: [ServerPlan] = []
    package var health: HealthPlan?
    /// Milliseconds until a server that came back bears its whole weight.
    package var slowStart: UInt64 = 0
    package var ejection: EjectionPlan?
    /// Milliseconds that a request waits for a server at most.
    package var queueWait: UInt64 = 5000
    package var queueSize = 1024
    /// Tries in all.
    package var attempts = 3
    /// Retries as a share of requests, in per cent.
    package var retryBudget = 20
    /// Milliseconds that an idle connection is kept.
    package var keepAliveIdle: UInt64 = 60_000
    /// Idle connections kept for each server by each worker.
    package var keepAliveCount = 64

    package init(name: String, slot: Int) {
        self.name = name
        self.slot = slot
    }
}

/// One app server.
package struct ServerPlan: Codable, Sendable, Equatable {
    package var name: String
    /// Its place in the shared state, the same over reloads.
    package var slot: Int
    /// Where it listens. Empty while its name cannot be resolved: it is then down.
    package var address: String
    package var port: UInt16
    /// 0...256
    package var weight: Int
    /// Requests under way at a time over all workers; 0 for no bound.
    package var maxConnections = 0

    /// The DNS name whose address `address` is; nil when the site file gives the address itself.
    package var dnsName: String?

    package init(name: String, slot: Int, address: String, port: UInt16, weight: Int) {
        self.name = name
        self.slot = slot
        self.address = address
        self.port = port
        self.weight = weight
    }

    /// The address in the kernel's terms; nil while it is not known.
    package var socketAddress: SocketAddress? { SocketAddress(address, port: port) }
}

/// Active checks, by HTTP when there is a path, else by a TCP connection alone.
package struct HealthPlan: Codable, Sendable, Equatable {
    package var every: UInt64
    package var timeout: UInt64
    package var fall: Int
    package var rise: Int
    package var path: String?
    package var host: String?
    package var statuses: [ClosedRange<Int>] = []
    package var body: String?

    package init(every: UInt64, timeout: UInt64, fall: Int, rise: Int) {
        self.every = every
        self.timeout = timeout
        self.fall = fall
        self.rise = rise
    }
}

/// Passive checks: so many failures in a row leave a server out, each time for longer.
package struct EjectionPlan: Codable, Sendable, Equatable {
    package var failures: Int
    package var pause: UInt64
    package var maxPause: UInt64

    package init(failures: Int, pause: UInt64, maxPause: UInt64) {
        self.failures = failures
        self.pause = pause
        self.maxPause = maxPause
    }
}

/// Time-outs in milliseconds, named as HAProxy names them.
package struct TimeoutPlan: Codable, Sendable, Equatable {
    package var client: UInt64 = 60_000
    package var clientHandshake: UInt64 = 10_000
    package var httpRequest: UInt64 = 10_000
    package var httpKeepAlive: UInt64 = 60_000
    package var connect: UInt64 = 5_000
    package var server: UInt64 = 60_000
    package var serverFin: UInt64 = 10_000
    package var clientFin: UInt64 = 10_000
    package var tunnel: UInt64 = 3_600_000

    package init() {}
}

/// What one client, and all of them, may use up.
package struct LimitPlan: Codable, Sendable, Equatable {
    /// Connections in all; 0 for what the limit on descriptors allows.
    package var connections = 0
    /// Connections of one address; 0 for no bound.
    package var connectionsPerAddress = 0
    package var requestLine = 8192
    package var fieldLine = 8192
    package var head = 65536
    package var fields = 100
    /// Bytes a second below which a body is too slow; 0 for none.
    package var minimumBodyRate = 500
    /// Streams of an HTTP/2 connection.
    package var streams = 128
    /// Bytes read on one side and not yet taken by the other.
    package var buffer = 65536

    package init() {}
}

/// Which fields are added, kept and dropped.
package struct HeaderPlan: Codable, Sendable, Equatable {
    package var xForwarded = true
    package var forwarded = false
    /// Keep X-Request-Id of a trusted proxy.
    package var keepsRequestID = true
    /// Fields added to each answer of a route, in lower case.
    package var security: [FieldPlan] = []
    package var keepsUnderscores = false

    package init() {}
}

package struct FieldPlan: Codable, Sendable, Equatable {
    package var name: String
    package var value: String

    package init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}

/// An address range: the first `prefix` bits of 128; IPv4 as `SocketAddress` holds it.
package struct NetworkPlan: Codable, Sendable, Equatable {
    package var high: UInt64
    package var low: UInt64
    package var isIPv6: Bool
    package var prefix: Int

    package init(high: UInt64, low: UInt64, isIPv6: Bool, prefix: Int) {
        self.high = high
        self.low = low
        self.isIPv6 = isIPv6
        self.prefix = prefix
    }

    package func contains(_ address: SocketAddress) -> Bool {
        guard address.isIPv6 == isIPv6 else { return false }
        if !isIPv6 {
            let mask = prefix == 0 ? 0 : ~UInt64(0) << UInt64(32 - prefix) & 0xFFFF_FFFF
            return (address.low ^ low) & mask == 0
        }
        let highMask = prefix == 0 ? 0 : prefix >= 64 ? ~UInt64(0) : ~UInt64(0) << UInt64(64 - prefix)
        let lowMask = prefix <= 64 ? 0 : ~UInt64(0) << UInt64(128 - prefix)
        return (address.high ^ high) & highMask == 0 && (address.low ^ low) & lowMask == 0
    }
}
