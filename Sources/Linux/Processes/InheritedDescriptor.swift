import Glibc

/// Descriptors that outlive the program in this process (execve(2)).
package enum InheritedDescriptor {
    /// Keeps `raw` open over the replacement of the program, or closes it then.
    package static func keep(_ raw: Int32, _ isKept: Bool) throws(SystemError) {
        guard fcntl(raw, F_SETFD, isKept ? 0 : FD_CLOEXEC) == 0 else { throw .last("fcntl(F_SETFD)") }
    }

    /// Another descriptor for what another owner holds open under `raw`.
    package static func duplicate(_ raw: Int32) throws(SystemError) -> FileDescriptor {
        let copy = fcntl(raw, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { throw .last("fcntl(F_DUPFD_CLOEXEC)") }
        return FileDescriptor(owning: copy)
    }

    /// Closes whatever the program before left open and nobody has taken over. Every descriptor of this program's own
    /// is closed on execution, and known by that.
    package static func closeAll() {
        let limit = Int32(clamping: DescriptorLimit.raise().current)
        for raw in 3..<limit where fcntl(raw, F_GETFD) == 0 { _ = close(raw) }
    }

    /// Takes over a descriptor that the program before left open under this number.
    package static func take(_ raw: Int32) throws(SystemError) -> FileDescriptor {
        try keep(raw, false)
        return FileDescriptor(owning: raw)
    }
}
