package import Site

extension AdministratorCheck {
    /// Where a connection comes in: the address of this machine that it is for, and the interfaces it may come by.
    package struct Entrance: Sendable, Equatable, CustomStringConvertible {
        package let destination: IPAddress
        package let interfaces: [String]
        /// Whether answers leave by another interface, so that what comes has no way back by its own.
        package let isDetour: Bool
        /// The interfaces on which nobody asks who bears an address: tunnels (IFF_NOARP).
        let silent: Set<String>

        package init(
            _ destination: IPAddress,
            by interfaces: [String],
            isDetour: Bool = false,
            silent: Set<String> = []
        ) {
            (self.destination, self.interfaces, self.isDetour) = (destination, interfaces, isDetour)
            self.silent = silent
        }

        package var description: String { "at \(destination), by \(interfaces.joined(separator: " or "))" }
    }

    /// The machine's way to an address: the interfaces that it goes out by, and the address of the machine that it
    /// carries when none is named.
    package typealias Way = (interfaces: [String], source: IPAddress?)

    /// Asks for the way to an address, spoken from an address of the machine, by an interface; nil when there is none.
    package typealias Routing = (_ to: IPAddress, _ from: IPAddress?, _ by: String?) throws -> Way?

    /// Where the administrator's connection comes in. Empty when the machine knows no way back to where it comes from.
    ///
    /// What comes from an address is taken to come by the interface that answers to it leave by. The one that bears the
    /// address of the machine need not be it: that may be `lo`, or the interface to another network. Which address it is
    /// for is asked of the way, too, where it is not known: it is one of those that the way's interface bears, or the one
    /// that the kernel itself would speak from.
    ///
    /// - Parameters:
    ///   - own: the machine's addresses, each with its interface; one may be there more than once.
    ///   - silent: see `Entrance`.
    /// - Throws: what `routing` throws.
    package static func entrances(
        _ access: Access,
        own: [(interface: String, address: IPAddress)],
        silent: Set<String> = [],
        routing: Routing
    ) throws -> [Entrance] {
        func entrance(_ destination: IPAddress) throws -> Entrance? {
            let way = try routing(access.source, destination, access.interface)
            return way.map { Entrance(destination, by: $0.interfaces, silent: silent) }
        }
        if let known = access.destination, own.contains(where: { $0.address == known }) {
            return try [entrance(known)].compactMap(\.self)
        }
        guard let way = try routing(access.source, nil, access.interface) else { return [] }
        var destinations: [IPAddress] = []
        let near = own.filter { way.interfaces.contains($0.interface) }.map(\.address)
        for address in (way.source.map { [$0] } ?? []) + near where address.isPeer(of: access.source) {
            if !destinations.contains(address) { destinations.append(address) }
        }
        return try destinations.compactMap(entrance)
    }

    /// Where the connection comes in if it does by the interface that bears its address, though its answers leave by
    /// another; nil where no other does. The kernel does not tell by which a connection came.
    ///
    /// - Parameters:
    ///   - entrance: by which its answers leave.
    ///   - own: as for `entrances`.
    package static func detour(
        _ access: Access,
        around entrance: Entrance,
        own: [(interface: String, address: IPAddress)]
    ) -> Entrance? {
        guard access.destination == entrance.destination else { return nil }
        let bearing = own.filter { $0.address == entrance.destination && $0.interface != "lo" }.map(\.interface)
        guard !bearing.isEmpty, Set(bearing).isDisjoint(with: entrance.interfaces) else { return nil }
        return Entrance(entrance.destination, by: bearing, isDetour: true, silent: entrance.silent)
    }
}

extension IPAddress {
    /// Whether the two speak with each other: of one family, and neither or both of this machine or link alone.
    fileprivate func isPeer(of other: IPAddress) -> Bool {
        width == other.width && isLoopback == other.isLoopback && isOfLink == other.isOfLink
    }
}
