import CLinux
import Glibc

/// Tells of each change of the nftables rules in this process's network, and by which process (NFT_MSG_NEWGEN).
///
/// Only who listens while it happens learns the process: asked afterwards, the kernel names the one who asks.
package struct RulesetEvents: ~Copyable {
    package struct Change: Sendable, Equatable {
        /// Counts the kernel's rulesets since it booted.
        package let generation: UInt32
        package let process: UInt32
        /// 15 bytes of the process's name.
        package let name: String
    }

    package enum Event: Sendable, Equatable {
        case changed(Change)
        /// So many changes came at once that some were not told.
        case missed
    }

    private let socket: FileDescriptor

    /// Readable when something changed.
    package var raw: Int32 { socket.raw }

    /// Starts to listen: changes from now on are told.
    package init() throws(SystemError) {
        let type = Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let raw = Glibc.socket(AF_NETLINK, type, Self.netfilter)
        guard raw >= 0 else { throw .last("socket(AF_NETLINK)") }
        let socket = FileDescriptor(owning: raw)
        // sockaddr_nl: family, padding, port 0, and the group's bit.
        var address: (UInt16, UInt16, UInt32, UInt32) = (UInt16(AF_NETLINK), 0, 0, 1 << (Self.group - 1))
        let code = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                // Sound: the tuple is laid out as struct sockaddr_nl, which has 12 bytes.
                systemCall(SYS_bind, Int(raw), Int(bitPattern: $0), 12)
            }
        }
        guard code == 0 else { throw .last("bind(AF_NETLINK)") }
        self.socket = socket
    }

    /// NETLINK_NETFILTER, NFNLGRP_NFTABLES, and NFT_MSG_NEWGEN of NFNL_SUBSYS_NFTABLES.
    private static let netfilter: Int32 = 12
    private static let group: UInt32 = 7
    private static let newGeneration: UInt16 = 10 << 8 | 15

    /// What came since the last call; empty when nothing did.
    package func next() throws(SystemError) -> [Event] {
        var events: [Event] = []
        var room = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = unsafe recv(socket.raw, &room, room.count, 0)
            if count < 0, errno == ENOBUFS {
                events.append(.missed)
            } else if count < 0 {
                guard errno == EAGAIN || errno == EINTR else { throw .last("recv(AF_NETLINK)") }
                return events
            } else {
                events += Self.changes(in: room[..<count]).map { .changed($0) }
            }
        }
    }

    /// The changes among the messages of one datagram (netlink(7)); whatever is cut short is left out.
    static func changes(in bytes: ArraySlice<UInt8>) -> [Change] {
        var found: [Change] = []
        var rest = bytes
        while rest.count >= 16 {
            let length = Int(word(rest, at: 0))
            guard length >= 16, length <= rest.count else { break }
            let type = UInt16(rest[rest.startIndex + 4]) | UInt16(rest[rest.startIndex + 5]) << 8
            // Behind the header of netlink stands one of netfilter, 4 bytes.
            if type == newGeneration, length >= 20 {
                found.append(change(rest[(rest.startIndex + 20)..<(rest.startIndex + length)]))
            }
            rest = rest.dropFirst((length + 3) & ~3)
        }
        return found
    }

    private static func change(_ attributes: ArraySlice<UInt8>) -> Change {
        var (generation, process, name): (UInt32, UInt32, String) = (0, 0, "?")
        var rest = attributes
        while rest.count >= 4 {
            let head = word(rest, at: 0)
            let (length, kind) = (Int(head & 0xFFFF), head >> 16 & 0x3FFF)
            guard length >= 4, length <= rest.count else { break }
            let value = rest[(rest.startIndex + 4)..<(rest.startIndex + length)]
            switch kind {
            case 1 where value.count == 4: generation = word(value, at: 0).byteSwapped
            case 2 where value.count == 4: process = word(value, at: 0).byteSwapped
            case 3: name = String(decoding: value.prefix { $0 != 0 }, as: UTF8.self)
            default: break
            }
            rest = rest.dropFirst((length + 3) & ~3)
        }
        return Change(generation: generation, process: process, name: name)
    }

    /// Four bytes in the machine's order, which is the lower byte first wherever this program runs.
    private static func word(_ bytes: ArraySlice<UInt8>, at offset: Int) -> UInt32 {
        let start = bytes.startIndex + offset
        return (0..<4).reduce(0) { $0 | UInt32(bytes[start + $1]) << UInt32(8 * $1) }
    }
}
