/// A condition of a rule.
package enum Match: Sendable, Equatable {
    /// The value is one of these.
    case among(Selector, [ElementKey])
    /// The value is none of these; where the selector holds a kind of packets alone, the packet is of that kind.
    case outside(Selector, [ElementKey])
    /// As the two before, with the elements of a named set.
    case amongNamed(Selector, String)
    case outsideNamed(Selector, String)
    case family(AddressFamily)
    /// TCP, and of the byte of flags the bits of `mask` are `value`.
    case flags(mask: UInt8, value: UInt8)
    /// TCP, and of the byte of flags the bits of `mask` are not `value`.
    case otherFlags(mask: UInt8, value: UInt8)
    /// The clock shows less than these seconds since 1970.
    case before(Int64)
    /// The packet has this oddity. Never several at once, never `overLimit`.
    case oddity(PacketOddities)
    /// The packet is the first that tracking knows of its connection, or none before it was let through.
    case unconfirmed
    /// The source takes more than its share of this limit; the dynamic set of this name remembers the sources.
    case above(LimitMeasure, AddressFamily, set: String)
    /// The source takes no more than its share of this rate.
    case within(RuleLimit.Rate, AddressFamily, set: String)
}
