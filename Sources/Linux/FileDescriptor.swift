import Glibc

/// The one owner of an open descriptor: closes it when it goes.
package struct FileDescriptor: ~Copyable, Sendable {
    /// The number, for calls made while the owner lives.
    package let raw: Int32

    /// Takes ownership of `raw`, which must be open and owned by nobody else.
    package init(owning raw: Int32) {
        self.raw = raw
    }

    deinit { _ = close(raw) }

    /// Gives up ownership: the caller closes the number that is returned.
    package consuming func release() -> Int32 {
        let number = raw
        discard self
        return number
    }

    /// Another descriptor for the same open file, with close-on-exec.
    package func duplicate() throws(SystemError) -> FileDescriptor {
        let copy = fcntl(raw, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { throw .last("fcntl(F_DUPFD_CLOEXEC)") }
        return FileDescriptor(owning: copy)
    }
}
