/// `gateway`: the whole data plane.
package struct GatewaySettings: Sendable, Equatable {
    /// `listen`. Never empty.
    package var listeners: [ListenerSettings] = []
    /// `routes`, in the order of the file. The most specific wins, whatever the order: see `RouteSettings`.
    package var routes: [RouteSettings] = []
    /// `pools`, by name.
    package var pools: [String: PoolSettings] = [:]
    package var timeouts = TimeoutSettings()
    package var limits = LimitSettings()
    package var headers = HeaderSettings()
    /// `trusted-proxies`: peers whose X-Forwarded-* and Forwarded are believed. See `SiteModel.trustedProxyNetworks`.
    package var trustedProxies: [NetworkReference] = []
    /// `name-servers`: who is asked for the DNS names of servers; empty for those of /etc/resolv.conf.
    package var nameServers: [NameServer] = []
    /// `ticket-rotation`: how often the keys of TLS session tickets change.
    package var ticketRotation = Duration.seconds(12 * 3600)
    /// `access-log`
    package var accessLog = AccessLogSettings.standardOutput
    package var accessLogPosition = SourcePosition.none
    /// `metrics`: the listener for Prometheus; nil for none.
    package var metrics: MetricsSettings?
    /// `workers`: threads of the data plane, 1...1024; nil for one a core.
    package var workers: Int?
    /// `user`: whom the data plane runs as, when it is started by root.
    package var user = "gatehouse"
    package var userPosition = SourcePosition.none
    /// `drain`: how long what is under way may take to end at a stop, or in a data plane that an upgrade replaces.
    package var drain = Duration.seconds(30)
    package var position = SourcePosition.none

    package init() {}
}

/// A set of addresses, by name or written out.
package enum NetworkReference: Sendable, Hashable {
    /// One of the site's `networks`.
    case named(String)
    case addresses(IPNetwork)
}

/// Where the access log goes.
package enum AccessLogSettings: Sendable, Equatable {
    case off
    /// `-`
    case standardOutput
    /// Appended to; resolved against the site file's directory.
    case file(String)
}

/// `metrics`: an own listener that answers `/metrics`.
package struct MetricsSettings: Sendable, Equatable {
    package var address: IPAddress = .v4(0x7f00_0001)
    package var port: UInt16
    package var position = SourcePosition.none

    package init(port: UInt16) {
        self.port = port
    }
}
