package import Site

/// A set of addresses of both families.
package struct AddressSet: Sendable, Hashable {
    package let v4: IntervalSet<UInt32>
    package let v6: IntervalSet<UInt128>

    package init(v4: IntervalSet<UInt32> = IntervalSet(), v6: IntervalSet<UInt128> = IntervalSet()) {
        self.v4 = v4
        self.v6 = v6
    }

    /// The addresses of any of these networks.
    package init(_ networks: some Sequence<IPNetwork>) {
        var (v4, v6): ([ClosedRange<UInt32>], [ClosedRange<UInt128>]) = ([], [])
        for network in networks {
            switch (network.address, network.last) {
            case (.v4(let first), .v4(let last)): v4.append(first...last)
            case (.v6(let first), .v6(let last)): v6.append(first...last)
            // `IPNetwork.last` makes its address of the first one's bits.
            case (.v4, .v6), (.v6, .v4): fatalError("the last address of a network is of the first one's family")
            }
        }
        self.init(v4: IntervalSet(v4), v6: IntervalSet(v6))
    }

    /// These addresses and no other.
    package init(_ addresses: some Sequence<IPAddress>) {
        self.init(addresses.map { IPNetwork(containing: $0, prefixLength: $0.width) })
    }

    /// Every address of both families.
    package static let all = AddressSet(v4: .all, v6: .all)
    /// Every address of one family.
    static func all(of family: AddressFamily) -> AddressSet {
        family == .v4 ? AddressSet(v4: .all) : AddressSet(v6: .all)
    }
    package static let none = AddressSet()

    package var isEmpty: Bool { v4.isEmpty && v6.isEmpty }
    package var isAll: Bool { v4.isAll && v6.isAll }

    /// An address of the set, an IPv4 one when there is one; nil when the set is empty.
    package var first: IPAddress? { v4.first.map { .v4($0) } ?? v6.first.map { .v6($0) } }

    package func contains(_ address: IPAddress) -> Bool {
        switch address {
        case .v4(let bits): v4.contains(bits)
        case .v6(let bits): v6.contains(bits)
        }
    }

    package func isSubset(of other: AddressSet) -> Bool { v4.isSubset(of: other.v4) && v6.isSubset(of: other.v6) }
    package func intersects(_ other: AddressSet) -> Bool { v4.intersects(other.v4) || v6.intersects(other.v6) }

    package func union(_ other: AddressSet) -> AddressSet {
        AddressSet(v4: v4.union(other.v4), v6: v6.union(other.v6))
    }

    package func intersection(_ other: AddressSet) -> AddressSet {
        AddressSet(v4: v4.intersection(other.v4), v6: v6.intersection(other.v6))
    }

    package func subtracting(_ other: AddressSet) -> AddressSet {
        AddressSet(v4: v4.subtracting(other.v4), v6: v6.subtracting(other.v6))
    }
}
