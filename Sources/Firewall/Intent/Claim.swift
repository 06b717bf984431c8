package import Site

/// A sentence about connections that the policy wants to be true of the site as a whole.
///
/// A connection between two hosts of the site takes both: the source must let it out and the destination must let it
/// in. Claims are about packets that begin a connection, and about none that a defence drops.
package struct Claim: Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        /// A line of `allow`, or a derived rule: each of these connections is let through, unless a line of `deny`
        /// takes it.
        case allow
        /// None of these connections is let through.
        case never
        /// Of the connections in `scope` those in `traffic` are let through, and no other.
        case exactly
    }

    package let kind: Kind
    /// The word by which messages know it: that of the rule for an `allow`.
    package let id: String
    package let position: SourcePosition
    package let sources: AddressSet
    package let destinations: AddressSet
    package let traffic: TrafficSet
    /// What the claim speaks of. ICMP is no part of it where no line names it: a firewall that drops all of it breaks
    /// the network (RFC 4890), so what the baseline lets in breaks no claim.
    package let scope: TrafficSet
    /// Whether an `allow` holds by one interface of a host and not by another.
    package private(set) var isBoundToInterfaces = false
    /// Which ends an `allow` opens.
    package private(set) var ends = FlowEnds.both
    /// When the line of an `allow` ends by itself, in seconds since 1970.
    package private(set) var expires: Int64?

    init(
        _ kind: Kind,
        id: String,
        position: SourcePosition,
        from sources: AddressSet,
        to destinations: AddressSet,
        traffic: TrafficSet,
        scope: TrafficSet
    ) {
        self.kind = kind
        self.id = id
        self.position = position
        self.sources = sources
        self.destinations = destinations
        self.traffic = traffic
        self.scope = scope
    }

    /// That what a rule allows is let through.
    init(_ flow: Flow) {
        self.init(
            .allow,
            id: flow.id,
            position: flow.position,
            from: flow.sources.addresses,
            to: flow.destinations.addresses,
            traffic: flow.traffic,
            scope: flow.traffic
        )
        isBoundToInterfaces = flow.inZone != nil || flow.outZone != nil
        ends = flow.ends
        expires = flow.expires
    }
}
