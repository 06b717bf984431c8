import CLinux
import Glibc

/// How the kernel of this thread's network sends what goes to an address, by its routes and the rules that choose among
/// them (rtnetlink(7), linux/rtnetlink.h).
package struct Route: Sendable, Equatable {
    /// The interfaces by which it leaves: several where the kernel spreads connections over them; `lo` for what stays here.
    package let interfaces: [String]
    /// The address of this machine that it carries when its sender names none: 4 or 16 bytes in network order.
    package let source: [UInt8]?

    /// Asks for the way to an address.
    ///
    /// - Parameters:
    ///   - address: 4 or 16 bytes in network order, as `source`.
    ///   - source: the address of this machine that is spoken from, where rules of routing ask for it.
    ///   - interface: the one to leave by, which addresses of a link need.
    /// - Returns: nil when there is no way, or one that refuses.
    package static func to(
        _ address: [UInt8],
        from source: [UInt8]? = nil,
        by interface: String? = nil
    ) throws(SystemError) -> Route? {
        do throws(SystemError) {
            // Sound: the name lives during the call.
            let index = interface.map { unsafe if_nametoindex($0) } ?? 0
            guard index > 0 || interface == nil else { return nil }
            var socket = try NetlinkSocket(family, "rtnetlink", capacity: largestAnswer)
            guard let way = try ask(&socket, address, source, index, flags: 0), passes(way),
                let first = way.attributes(behind: header).machineNumber(outInterface).flatMap(name)
            else { return nil }
            let entry = try ask(&socket, address, source, index, flags: wholeEntry)
            let hops = entry?.attributes(behind: header)[multipath].map { nextHops($0).compactMap(name) } ?? []
            // In the order of the table, for the kernel chooses among them by a number that is new at each boot.
            let found = hops.contains(first) ? hops : [first] + hops
            return Route(
                interfaces: found.reduce(into: []) { if !$0.contains($1) { $0.append($1) } },
                source: way.attributes(behind: header)[preferredSource].map { Array($0) }
            )
        } catch {
            guard refusals.contains(error.code) else { throw error }
            return nil
        }
    }

    /// NETLINK_ROUTE; RTM_GETROUTE, RTM_NEWROUTE; struct rtmsg.
    private static let family: Int32 = 0
    private static let get: UInt16 = 26
    private static let new: UInt16 = 24
    private static let header = 12
    /// Room for one route with hundreds of next hops.
    private static let largestAnswer = 16 << 10
    /// RTM_F_FIB_MATCH: the entry of the table that was found, in place of the one way that was chosen of it.
    private static let wholeEntry: UInt32 = 0x2000
    /// RTA_DST, RTA_SRC, RTA_OIF, RTA_PREFSRC, RTA_MULTIPATH.
    private static let destination: UInt16 = 1
    private static let sender: UInt16 = 2
    private static let outInterface: UInt16 = 4
    private static let preferredSource: UInt16 = 7
    private static let multipath: UInt16 = 9
    /// RTN_UNICAST, RTN_LOCAL: others drop or refuse, or are for many.
    private static let passing: [UInt8] = [1, 2]
    /// How the kernel says that there is no way: none at all; `unreachable`, `prohibit` and `blackhole`; no such family.
    private static let refusals = [
        ENETUNREACH, EHOSTUNREACH, EACCES, EINVAL, ESRCH, ENETDOWN, ENODEV, EADDRNOTAVAIL, EAFNOSUPPORT, EOPNOTSUPP,
    ]

    private static func ask(
        _ socket: inout NetlinkSocket,
        _ address: [UInt8],
        _ source: [UInt8]?,
        _ interface: UInt32,
        flags: UInt32
    ) throws(SystemError) -> NetlinkMessage? {
        let kind = UInt8(address.count == 4 ? AF_INET : AF_INET6)
        let lengths = [UInt8(clamping: address.count * 8), UInt8(clamping: (source?.count ?? 0) * 8)]
        // Family and lengths of prefixes; type of service, table, protocol, scope and type are the kernel's to say.
        var body = [kind] + lengths + [0, 0, 0, 0, 0] + NetlinkMessage.bytes(flags)
        body += NetlinkMessage.attribute(destination, address)
        if let source { body += NetlinkMessage.attribute(sender, source) }
        if interface > 0 { body += NetlinkMessage.attribute(outInterface, NetlinkMessage.bytes(interface)) }
        try socket.send(get, body)
        return try socket.receive().first { $0.type == new }
    }

    private static func passes(_ way: NetlinkMessage) -> Bool {
        way.body.count >= header && passing.contains(way.body[way.body.startIndex + 7])
    }

    /// The interfaces of a list of struct rtnexthop: length, flags, hops, interface, attributes.
    static func nextHops(_ bytes: ArraySlice<UInt8>) -> [UInt32] {
        var found: [UInt32] = []
        var rest = bytes
        while rest.count >= 8 {
            let length = Int(NetlinkMessage.number(rest.prefix(2)))
            guard length >= 8, length <= rest.count else { break }
            found.append(NetlinkMessage.number(rest.dropFirst(4).prefix(4)))
            rest = rest.dropFirst((length + 3) & ~3)
        }
        return found
    }

    private static func name(_ index: UInt32) -> String? {
        var room = [CChar](repeating: 0, count: Int(IF_NAMESIZE))
        // Sound: a name with its zero has at most so many bytes.
        guard unsafe if_indextoname(index, &room) != nil else { return nil }
        return String(decoding: room.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
