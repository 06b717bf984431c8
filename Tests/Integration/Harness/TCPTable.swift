import Glibc

/// The machine's TCP connections over IPv4 as the kernel lists them, whoever holds them and whatever rights the tests
/// have: a descriptor of a connection that is left behind shows here.
struct TCPTable {
    private let rows: [(local: UInt16, remote: UInt16)]
    /// The port of each socket that listens.
    private let listeners: [UInt16]

    init() {
        let text = Self.text("/proc/net/tcp")
        listeners = text.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ", maxSplits: 4)
            return words.count > 3 && words[3] == "0A" ? UInt16(words[1].suffix(4), radix: 16) : nil
        }
        rows = text.split(separator: "\n").compactMap { line in
            // sl, local, remote, state, …, inode: 0A listens, and without an inode no process holds it any more.
            let words = line.split(separator: " ", maxSplits: 10)
            guard words.count > 9, words[3] != "0A", words[9] != "0",
                let local = UInt16(words[1].suffix(4), radix: 16), let remote = UInt16(words[2].suffix(4), radix: 16)
            else { return nil }
            return (local, remote)
        }
    }

    /// The whole of a file that has no size before it is read.
    private static func text(_ path: String) -> String {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var room = [UInt8](repeating: 0, count: 65_536)
        while true {
            // Sound: read fills at most the room that there is.
            let count = unsafe read(descriptor, &room, room.count)
            if count <= 0 { return String(decoding: bytes, as: UTF8.self) }
            bytes += room.prefix(count)
        }
    }

    /// Sockets that listen on this port.
    func listening(on port: UInt16) -> Int { listeners.count { $0 == port } }

    /// Connections that the one who listens on this port holds.
    func accepted(on port: UInt16) -> Int { rows.count { $0.local == port } }

    /// Connections that were made to this port and that their maker holds.
    func made(to port: UInt16) -> Int { rows.count { $0.remote == port } }
}
