/// Which packets a rule is about: those that fulfil every condition. As created, all packets.
package struct PacketMatch: Sendable, Hashable {
    /// Says nothing of packets that the host sends itself: they have none.
    package var inputInterfaces = InterfaceSet.any
    /// Says nothing of packets that go to the host itself.
    package var outputInterfaces = InterfaceSet.any
    package var sources = AddressSet.all
    package var destinations = AddressSet.all
    package var traffic = TrafficSet.all
    package var sourcePorts = IntervalSet<UInt16>.all
    package var states = ConnectionStates.all
    /// The values of TCP's byte of flags, for packets of TCP; nil when they do not matter.
    package var tcpFlags: IntervalSet<UInt8>?
    /// All of these must be true of the packet.
    package var oddities: PacketOddities = []

    package init() {}

    /// Whether every condition holds for the packet.
    package func contains(_ packet: Packet) -> Bool {
        guard
            // Which interfaces there are the route says, and each has a name.
            packet.route.input.map(inputInterfaces.contains) ?? true,
            packet.route.output.map(outputInterfaces.contains) ?? true,
            sources.contains(packet.source),
            destinations.contains(packet.destination),
            traffic.contains(packet.protocolNumber, detail: packet.detail),
            sourcePorts.contains(packet.sourcePort),
            states.contains(packet.state),
            oddities.isSubset(of: packet.oddities)
        else { return false }
        guard let tcpFlags else { return true }
        return packet.protocolNumber == .tcp && tcpFlags.contains(packet.tcpFlags)
    }
}
