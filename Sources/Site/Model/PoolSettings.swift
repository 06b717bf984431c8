/// One entry of `pools`: app servers that answer alike.
package struct PoolSettings: Sendable, Equatable {
    /// Its key in `pools`.
    package var name: String
    package var balance = Balance.weightedRoundRobin
    /// Never empty.
    package var servers: [ServerSettings] = []
    /// Active checks; nil for none.
    package var health: HealthSettings?
    /// `slow-start`: how long a server that came back takes to reach its weight. Zero: at once.
    package var slowStart = Duration.zero
    /// Passive checks; nil for none.
    package var ejection: EjectionSettings? = EjectionSettings()
    package var queue = QueueSettings()
    package var retries = RetrySettings()
    package var keepAlive = KeepAliveSettings()
    package var position = SourcePosition.none

    package init(name: String) {
        self.name = name
    }

    package enum Balance: String, Sendable, CaseIterable {
        case weightedRoundRobin = "weighted-round-robin"
    }
}

/// One entry of a pool's `servers`.
package struct ServerSettings: Sendable, Equatable {
    package var target: Target
    package var port: Port
    /// 0...256; 0 drains: no new requests but those that are bound to it.
    package var weight = 1
    /// `max-connections`: over all workers. 0: no bound.
    package var maxConnections = 0
    package var position = SourcePosition.none

    package init(_ target: Target, port: Port) {
        self.target = target
        self.port = port
    }

    package enum Target: Sendable, Hashable {
        /// `host`: a host of the site.
        case host(String)
        /// `name`: a DNS name, resolved again and again.
        case name(String)
        /// `address`
        case address(IPAddress)
    }

    package enum Port: Sendable, Hashable {
        /// `service`: one of the site's `services`, a TCP one with a single port.
        case service(String)
        /// `port`: 1...65535.
        case number(UInt16)
    }
}

/// `health`: active checks.
package struct HealthSettings: Sendable, Equatable {
    package var check: Check
    package var every = Duration.seconds(2)
    /// How long one check may take.
    package var timeout = Duration.seconds(2)
    /// So many failures in a row take a server out. At least 1.
    package var fall = 3
    /// So many successes in a row bring it back. At least 1.
    package var rise = 2
    package var position = SourcePosition.none

    package init(_ check: Check) {
        self.check = check
    }

    package enum Check: Sendable, Equatable {
        /// A connection that is accepted will do.
        case tcp
        case http(HTTPCheck)
    }
}

/// A health check by GET.
package struct HTTPCheck: Sendable, Equatable {
    /// Begins with `/`.
    package var path: String
    /// The Host field; nil for the server's own name.
    package var host: String?
    /// `status`: what counts as healthy.
    package var statuses: [ClosedRange<Int>] = [200...399]
    /// `body`: what the answer must contain.
    package var body: String?

    package init(path: String) {
        self.path = path
    }
}

/// `ejection`: a server that fails requests is left out for a while, each time for longer.
package struct EjectionSettings: Sendable, Equatable {
    /// So many failures in a row. At least 1.
    package var failures = 5
    /// The first pause; it doubles each time.
    package var pause = Duration.seconds(10)
    /// The longest pause.
    package var maxPause = Duration.seconds(300)

    package init() {}
}

/// `queue`: where requests wait when no server can take them.
package struct QueueSettings: Sendable, Equatable {
    /// The longest wait; then 503. This is HAProxy's `timeout queue`.
    package var wait = Duration.seconds(5)
    /// How many may wait in all; 0 for none.
    package var size = 1024

    package init() {}
}

/// `retries`: further tries on other servers.
package struct RetrySettings: Sendable, Equatable {
    /// Tries in all, the first counted: 1 means no retry.
    package var attempts = 3
    /// `budget`: retries as a share of requests, in per cent, 0...100.
    package var budget = 20

    package init() {}
}

/// `keep-alive`: idle connections to the app servers.
package struct KeepAliveSettings: Sendable, Equatable {
    /// How long one is kept.
    package var idle = Duration.seconds(60)
    /// `per-worker`: how many are kept for each server by each worker; 0 for none.
    package var perWorker = 64

    package init() {}
}
