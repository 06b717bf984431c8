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

    /// The changes among the messages of one datagram; whatever is cut short is left out.
    static func changes(in bytes: ArraySlice<UInt8>) -> [Change] {
        NetlinkMessage.all(in: bytes).filter { $0.type == newGeneration }.map { message in
            let attributes = message.attributes
            return Change(
                generation: UInt32(truncatingIfNeeded: attributes.number(1) ?? 0),
                process: UInt32(truncatingIfNeeded: attributes.number(2) ?? 0),
                name: attributes.text(3) ?? "?"
            )
        }
    }
}
