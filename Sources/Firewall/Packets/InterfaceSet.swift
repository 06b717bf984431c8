/// Interfaces by name. Names that no one mentioned count, too: there are always others than those that are named.
package enum InterfaceSet: Sendable, Hashable {
    case among(Set<String>)
    case except(Set<String>)

    package static let any = InterfaceSet.except([])
    package static let none = InterfaceSet.among([])

    package var isAny: Bool { self == .any }
    package var isEmpty: Bool { self == .none }

    package func contains(_ name: String) -> Bool {
        switch self {
        case .among(let names): names.contains(name)
        case .except(let names): !names.contains(name)
        }
    }

    package func intersection(_ other: InterfaceSet) -> InterfaceSet {
        switch (self, other) {
        case (.among(let one), .among(let two)): .among(one.intersection(two))
        case (.among(let one), .except(let two)): .among(one.subtracting(two))
        case (.except(let one), .among(let two)): .among(two.subtracting(one))
        case (.except(let one), .except(let two)): .except(one.union(two))
        }
    }

    package var complement: InterfaceSet {
        switch self {
        case .among(let names): .except(names)
        case .except(let names): .among(names)
        }
    }

    package func subtracting(_ other: InterfaceSet) -> InterfaceSet { intersection(other.complement) }
}
