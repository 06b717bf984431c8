import Firewall
import Site

/// Random packets that can really be sent in the network of Tests/Tools/packets-between-namespaces, with what
/// connection tracking and routing make of them there.
struct RealPackets {
    var generator: Seeded
    /// Connections that were tried: the second packet of one would not be new.
    private var tried: Set<String> = []

    init(seed: UInt64) { generator = Seeded(state: seed) }

    /// The next packet that begins something of its own.
    mutating func packet() -> (packet: Packet, segment: Int) {
        while true {
            let (packet, segment) = draw()
            let ends = ["\(packet.source) \(packet.sourcePort)", "\(packet.destination) \(packet.portOrNone)"]
            if tried.insert("\(packet.protocolNumber.rawValue) \(ends.sorted())").inserted { return (packet, segment) }
        }
    }

    private mutating func draw() -> (Packet, segment: Int) {
        let isSix = chance(2)
        let path = one(PacketPath.allCases)
        let source = address(isSix, isOwn: path == .output && chance(2))
        var destination = address(isSix, isOwn: path == .input)
        while destination == source { destination = address(isSix, isOwn: false) }
        let route = PacketRoute(path, by: one(["eth0", "eth1"]), to: Self.interface(destination))
        var packet = Packet(route, from: source, to: destination, one(Self.protocols(isSix)))
        if let input = route.input, Self.interface(source) != input { packet.oddities.insert(.withoutReturnPath) }
        // A router takes one off before its rules are asked.
        if isSix, path != .input || !chance(4) { packet.oddities.insert(.throughRouter) }
        var segment = 0
        switch packet.protocolNumber {
        case .tcp:
            (packet.tcpFlags, packet.state) = one(Self.flags)
            if packet.tcpFlags & 0x17 == 0x02 { segment = one([0, 500, 1460]) }
            if segment == 500 { packet.oddities.insert(.smallSegments) }
            fallthrough
        case .udp:
            packet.sourcePort = chance(2) ? nearby(one(Self.ports)) : UInt16(number(1...65_535))
            packet.detail = nearby(one(Self.ports))
        case .icmp, .icmpv6:
            let (type, state) = one(isSix ? Self.messages6 : Self.messages4)
            packet.detail = type << 8 | UInt16(number(0...3))
            packet.state = state
        default: break
        }
        return (packet, segment)
    }

    private static func protocols(_ isSix: Bool) -> [ProtocolNumber] {
        [.tcp, .tcp, .tcp, .udp, .udp, isSix ? .icmpv6 : .icmp, .init(rawValue: 47), .init(rawValue: 253)]
    }

    private static let ports: [UInt16] = [22, 53, 80, 443, 1024, 3306, 8080, 65_534]

    /// Flags, and what connection tracking says of a first segment with them: an ACK is taken for a connection that was
    /// there before (nf_conntrack_tcp_loose).
    private static let flags: [(UInt8, ConnectionState)] = [
        (0x02, .new), (0x02, .new), (0x02, .new), (0x02, .new), (0xC2, .new), (0x10, .new), (0x12, .invalid),
        (0x00, .invalid), (0x03, .invalid), (0x29, .invalid), (0x04, .invalid),
    ]
    /// Types of ICMP: requests begin something, answers and errors to nothing do not.
    private static let messages4: [(UInt16, ConnectionState)] = [(8, .new), (13, .new), (0, .invalid), (3, .invalid)]
    private static let messages6: [(UInt16, ConnectionState)] = [(128, .new), (129, .invalid), (1, .invalid)]

    /// The interface behind which the address lies.
    private static func interface(_ address: IPAddress) -> String { address.low & 0x200 == 0 ? "eth0" : "eth1" }

    /// - Parameter isOwn: whether it is the host's, which the lower half of each wire's addresses are.
    private mutating func address(_ isSix: Bool, isOwn: Bool) -> IPAddress {
        let low = UInt32(number(1...254) + (chance(2) ? 0x200 : 0) + (isOwn ? 0 : 0x100))
        return isSix ? .v6(0x2001_0DB8 << 96 | UInt128(low)) : .v4(0x0A00_0000 | low)
    }

    private mutating func nearby(_ port: UInt16) -> UInt16 { port &+ one([0, 0, 0, 1, UInt16.max]) }
    private mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }
    private mutating func chance(_ of: Int) -> Bool { number(1...of) == 1 }
    private mutating func one<Item>(_ items: [Item]) -> Item { items[number(0...items.count - 1)] }
}

extension IPAddress {
    fileprivate var low: UInt128 {
        switch self {
        case .v4(let bits): UInt128(bits)
        case .v6(let bits): bits
        }
    }
}

extension Packet {
    fileprivate var portOrNone: UInt16 { protocolNumber == .tcp || protocolNumber == .udp ? detail : 0 }

    /// What the sender needs to know.
    func order(segment: Int) -> JSONValue {
        .object([
            .init("from", .string("\(source)")), .init("to", .string("\(destination)")),
            .init("protocol", .integer(Int(protocolNumber.rawValue))), .init("detail", .integer(Int(detail))),
            .init("sourcePort", .integer(Int(sourcePort))), .init("flags", .integer(Int(tcpFlags))),
            .init("segment", .integer(segment)),
            .init("hops", .integer(source.width == 128 && !oddities.contains(.throughRouter) ? 255 : 64)),
            .init("interface", inputInterface.map { .integer($0 == "eth0" ? 0 : 1) } ?? .null),
        ])
    }
}
