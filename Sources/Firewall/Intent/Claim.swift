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
    /// The zone of the interface that connections of an `allow` come in by, at their destination and at routers; nil
    /// for any.
    private(set) var inZone: String?
    /// The zone of the interface that they leave by, at their source and at routers; nil for any.
    private(set) var outZone: String?
    /// The hosts that an `allow` means by name, by index: they are to get what the line says.
    private(set) var namedSources: Set<Int> = []
    private(set) var namedDestinations: Set<Int> = []
    /// The groups that the claim means by their addresses.
    var groups = AddressSet.none
    /// The hosts that the claim means as such, by index: with them the addresses that they get by DHCP.
    var wholeSources: Set<Int> = []
    var wholeDestinations: Set<Int> = []
    /// What a `never` or an `exactly` means by addresses, in networks or written out: hosts may have some of these by DHCP.
    var writtenSources = AddressSet.none
    var writtenDestinations = AddressSet.none
    /// What of the sources is meant by the word `internet` alone. Those of them that a host has on an inner side are
    /// not whom an `exactly` wants let through.
    var strangers = AddressSet.none
    /// Why a `never` or an `exactly` says less than its words; nil when it does not.
    package internal(set) var emptiness: String?
    /// Whether an `allow` follows from another part of the site file.
    private(set) var isDerived = false
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

    /// Whether an `allow` holds by one interface of a host and not by another, as one that follows from a port forward
    /// does.
    package var isBoundToInterfaces: Bool { inZone != nil || outZone != nil || ends == .inwards }

    /// Whether that by which hosts get their addresses and join groups is no part of it: where it names no such services.
    var exemptsUpkeep: Bool { kind != .never || traffic == .allButICMP }

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
        // The zone of a forwarded port is the router's, and its ends know nothing of it.
        if flow.ends != .inwards { (inZone, outZone) = (flow.inZone, flow.outZone) }
        (wholeSources, wholeDestinations) = (flow.sources.whole, flow.destinations.whole)
        groups = flow.destinations.groups
        namedSources = flow.sources.named
        namedDestinations = flow.destinations.named
        isDerived = flow.origin != .written
        ends = flow.ends
        expires = flow.expires
    }
}
