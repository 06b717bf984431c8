import CLinux
import Glibc

/// A user of this machine.
package struct UserAccount: Equatable, Sendable {
    package let name: String
    package let identifier: UInt32
    /// The main group.
    package let group: UInt32

    package init(name: String, identifier: UInt32, group: UInt32) {
        self.name = name
        self.identifier = identifier
        self.group = group
    }

    /// Reads `NAME:UID:GID`, as `description` writes it: who is told this needs no file of users.
    package init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, let identifier = UInt32(parts[1]), let group = UInt32(parts[2]) else { return nil }
        self.init(name: String(parts[0]), identifier: identifier, group: group)
    }

    /// Looks a user up by name; nil when there is none. May read files and ask the network's directory.
    package static func named(_ name: String) -> UserAccount? {
        var entry = unsafe passwd()
        var found: UnsafeMutablePointer<passwd>?
        var room = [CChar](repeating: 0, count: 16 << 10)
        // Sound: the entry points into the room, and only numbers are taken out of it.
        let code = unsafe getpwnam_r(name, &entry, &room, room.count, &found)
        guard code == 0, unsafe found != nil else { return nil }
        return unsafe UserAccount(name: name, identifier: entry.pw_uid, group: entry.pw_gid)
    }
}

extension UserAccount: CustomStringConvertible {
    package var description: String { "\(name):\(identifier):\(group)" }
}
