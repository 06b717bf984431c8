import Site

extension AddressSet {
    /// `any address`, or networks and ranges, cut after six; what is most of a family as all but the rest.
    package var text: String {
        if isAll { return "any address" }
        let but = " but bogons"
        let bogons = SpecialAddresses.bogons
        let (four, six) = (v4.words("any IPv4 address", but, bogons.v4), v6.words("any IPv6 address", but, bogons.v6))
        if four + six == ["any IPv4 address\(but)", "any IPv6 address\(but)"] { return "any address\(but)" }
        return (four + six).cut(6)
    }
}

extension IntervalSet {
    /// The networks and ranges of the set, or one word for most of all.
    ///
    /// - Parameters:
    ///   - all: what every address is called.
    ///   - butBogons: what follows that where none but bogons are left out.
    fileprivate func words(_ all: String, _ butBogons: String, _ bogons: IntervalSet) -> [String] {
        if isAll { return [all] }
        let rest = complement
        // Fewer are told by what they are.
        if rest.ranges.count > 2, rest.isSubset(of: bogons) { return [all + butBogons] }
        let own = ranges.flatMap(\.networkTexts)
        guard rest.ranges.count < ranges.count, rest.isLessThanHalf else { return own }
        let others = rest.ranges.flatMap(\.networkTexts)
        let more = others.count > 4 ? ["\(others.count - 4) more"] : []
        return ["\(all) but \((others.prefix(4) + more).joined(separator: " and "))"]
    }

    private var isLessThanHalf: Bool {
        ranges.reduce(0) { $0 + Double($1.upperBound - $1.lowerBound) } < Double(Bound.max) / 2
    }
}

extension ClosedRange where Bound: FixedWidthInteger & UnsignedInteger {
    /// The range as one or two networks, where it is so many, else by its ends.
    fileprivate var networkTexts: [String] {
        var found: [String] = []
        var first = lowerBound
        while found.count < 2 {
            // As large as the address allows, and the end of the range.
            var free = first == 0 ? Bound.bitWidth : first.trailingZeroBitCount
            func last(_ free: Int) -> Bound { free == Bound.bitWidth ? .max : first | ((1 as Bound) << free &- 1) }
            while last(free) > upperBound { free -= 1 }
            let network = IPNetwork(containing: Self.address(first), prefixLength: Bound.bitWidth - free)
            found.append(free == 0 ? network.address.description : network.description)
            if last(free) == upperBound { return found }
            first = last(free) + 1
        }
        return ["\(Self.address(lowerBound))-\(Self.address(upperBound))"]
    }

    private static func address(_ bits: Bound) -> IPAddress {
        Bound.bitWidth == 32 ? .v4(UInt32(truncatingIfNeeded: bits)) : .v6(UInt128(truncatingIfNeeded: bits))
    }
}
