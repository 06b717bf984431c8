import Site

/// What a rule that a kernel holds counts, and how much of it is too much.
package enum HeldLimit: Sendable, Hashable {
    /// So many packets in `perSeconds`, for each of what `key` tells apart.
    case rate(count: Int, perSeconds: Int, burst: Int, key: Key?)
    /// So many connections at one time.
    case connections(Int, key: Key?)

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

    /// - Parameters:
    ///   - statement: `limit` or `ct count` as nft writes them.
    ///   - key: nil when all packets are counted together, or by what is not known.
    /// - Returns: nil when it counts anything else: bytes, or what an object elsewhere says.
    init?(_ statement: JSONValue.Member, key: Key?) {
        switch statement.name {
        case "limit":
            guard let count = statement.value["rate"]?.integer, statement.value["rate_unit"] == nil,
                let per = statement.value["per"]?.text, let seconds = Self.seconds[per]
            else { return nil }
            // What is left out is the kernel's own.
            let burst = statement.value["burst"]?.integer ?? 5
            self = .rate(count: count, perSeconds: seconds, burst: burst, key: key)
        case "ct count":
            guard let count = statement.value["val"]?.integer else { return nil }
            self = .connections(count, key: key)
        default: return nil
        }
    }

    /// What a rule of the policy has each source of a family counted for.
    init(_ measure: LimitMeasure, _ family: AddressFamily) {
        let key = family == .v4 ? Key(.source4) : Key(.source6, mask: "ffff:ffff:ffff:ffff::")
        switch measure {
        case .rate(let rate):
            self = .rate(count: rate.count, perSeconds: rate.perSeconds, burst: rate.burst, key: key)
        case .connections(let count): self = .connections(count, key: key)
        }
    }

    private static let seconds = ["second": 1, "minute": 60, "hour": 3_600, "day": 86_400, "week": 604_800]
}
