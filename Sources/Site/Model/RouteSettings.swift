/// One entry of `routes`. The most specific wins: an exact host before a wildcard before any, then the longest path
/// prefix.
package struct RouteSettings: Sendable, Equatable {
    /// Never empty.
    package var hosts: [HostPattern]
    /// `path`: a prefix of whole segments: `/api` takes `/api` and `/api/x`, and not `/apis`. Begins with `/`; no `/`
    /// at the end but for `/` itself.
    package var path = "/"
    /// The name of one of the gateway's `pools`.
    package var pool: String
    /// `body`: overrides the gateway's limit.
    package var body: BodyLimit?
    /// `hsts`: overrides the gateway's.
    package var hsts: HSTSSettings?
    package var position = SourcePosition.none

    package init(hosts: [HostPattern], pool: String) {
        self.hosts = hosts
        self.pool = pool
    }
}

/// The most that a request body may hold.
package enum BodyLimit: Sendable, Equatable {
    case unlimited
    case atMost(ByteSize)
}
