import CLinux
import Glibc

/// Namespaces of the kernel (namespaces(7)) for this process.
package enum Namespaces {
    /// Whose rights this process has in the network that it was given.
    package enum NetworkOwner: Sendable {
        /// The machine's root: what was root's before is so now.
        case machine
        /// A user namespace of its own: the kernel keeps root's larger buffers from it.
        case ownUser
    }

    /// Puts this process into a network of its own, which has nothing but a loopback interface that is down, and which
    /// goes with the last process in it. Without root's rights a user namespace is made for it first.
    ///
    /// The process must have one thread only.
    /// - Throws: EPERM, ENOSPC or EINVAL where the machine does not allow it.
    package static func isolateNetwork() throws(SystemError) -> NetworkOwner {
        if unshare(CLONE_NEWNET) == 0 { return .machine }
        guard errno == EPERM else { throw .last("unshare(CLONE_NEWNET)") }
        let (user, group) = (geteuid(), getegid())
        guard unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0 else { throw .last("unshare(CLONE_NEWUSER)") }
        // user_namespaces(7): a group map may be written without privilege only once setgroups is denied.
        try write("deny", to: "/proc/self/setgroups")
        try write("0 \(user) 1", to: "/proc/self/uid_map")
        try write("0 \(group) 1", to: "/proc/self/gid_map")
        return .ownUser
    }

    /// Whether this process is in the network that the machine's first process is in; nil when /proc does not tell.
    package static var isInMachineNetwork: Bool? { isInThisNetwork(1) }

    /// Whether another process is in the network that this one is in; nil when /proc does not tell.
    package static func isInThisNetwork(_ process: Int32) -> Bool? {
        guard let own = link("/proc/self/ns/net"), let other = link("/proc/\(process)/ns/net") else { return nil }
        return own == other
    }

    private static func link(_ path: String) -> [CChar]? {
        var room = [CChar](repeating: 0, count: 64)
        // Sound: readlink writes at most as many bytes as there is room for.
        let count = unsafe readlink(path, &room, room.count)
        return count > 0 ? Array(room.prefix(count)) : nil
    }

    private static func write(_ text: String, to path: String) throws(SystemError) {
        let raw = retrying { unsafe open(path, O_WRONLY | O_CLOEXEC) }
        guard raw >= 0 else { throw .last("open(\(path))") }
        let file = FileDescriptor(owning: raw)
        try FileWriting.writeAll(Array(text.utf8).span, to: file.raw)
    }
}
