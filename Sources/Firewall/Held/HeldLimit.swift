import Site

/// What a rule that a kernel holds counts, and how much of it is too much.
package struct HeldLimit: Sendable, Hashable {
    /// By what a set tells apart what is counted.
    package struct Key: Sendable, Hashable {
        package let field: HeldField
        /// The bits of it that count, as nft writes them; nil for all.
        package let mask: String?

        package init(_ field: HeldField, mask: String? = nil) {
            self.field = field
            self.mask = mask
        }
    }

    /// How a set remembers what is counted: what it forgets, or has no room for, begins anew or goes uncounted.
    package struct Memory: Sendable, Hashable {
        /// How many elements it has room for; nil for what the kernel gives.
        package var size: Int?
        /// After how many seconds it forgets an element; nil for never.
        package var timeout: Int?
        /// Whether a packet makes an element last longer: `update`, and not `add`.
        package var refreshes: Bool

        package init(size: Int?, timeout: Int?, refreshes: Bool) {
            self.size = size
            self.timeout = timeout
            self.refreshes = refreshes
        }
    }

    package var measure: LimitMeasure
    /// nil when all packets are counted together, or by what is not known.
    package var key: Key?
    /// nil when it is no set that counts, or one of which not everything is known.
    package var memory: Memory?
    /// Whether it counts the first packet of each connection alone.
    package var isOfConnections = false
    /// The set that counts; empty for none.
    package var set = ""
    /// Whose count packets are above or not: the set's, until it is known which limit of the policy it is.
    package var counter: PacketLimit

    package init(_ measure: LimitMeasure, set: String = "", key: Key? = nil, memory: Memory? = nil) {
        self.measure = measure
        self.key = key
        self.memory = memory
        self.set = set
        counter = PacketLimit(of: set, measure)
    }

    /// What a rule of the policy has each source of a family counted for.
    init(_ measure: LimitMeasure, _ family: AddressFamily, set: String) {
        let key = family == .v4 ? Key(.source4) : Key(.source6, mask: "ffff:ffff:ffff:ffff::")
        let isRate = if case .rate = measure { true } else { false }
        let memory = Memory(size: RuleLimit.sources, timeout: measure.timeout, refreshes: isRate)
        self.init(measure, set: set, key: key, memory: memory)
    }
}

extension LimitMeasure {
    /// - Parameter statement: `limit` or `ct count` as nft writes them.
    /// - Returns: nil when it counts anything else: bytes, or what an object elsewhere says.
    init?(_ statement: JSONValue.Member) {
        switch statement.name {
        case "limit":
            guard let count = statement.value["rate"]?.integer, statement.value["rate_unit"] == nil,
                let per = statement.value["per"]?.text, let seconds = Self.seconds[per]
            else { return nil }
            // What is left out is the kernel's own.
            let burst = statement.value["burst"]?.integer ?? 5
            self = .rate(RuleLimit.Rate(count: count, perSeconds: seconds, burst: burst))
        case "ct count":
            guard let count = statement.value["val"]?.integer else { return nil }
            self = .connections(count)
        default: return nil
        }
    }

    private static let seconds = ["second": 1, "minute": 60, "hour": 3_600, "day": 86_400, "week": 604_800]
}
