import Glibc

/// Descriptors that outlive the program in this process (execve(2)).
package enum InheritedDescriptor {
    /// Keeps `raw` open over the replacement of the program, or closes it then.
    package static func keep(_ raw: Int32, _ isKept: Bool) throws(SystemError) {
        guard fcntl(raw, F_SETFD, isKept ? 0 : FD_CLOEXEC) == 0 else { throw .last("fcntl(F_SETFD)") }
    }

    /// Takes over a descriptor that the program before left open under this number.
    package static func take(_ raw: Int32) throws(SystemError) -> FileDescriptor {
        try keep(raw, false)
        return FileDescriptor(owning: raw)
    }
}
