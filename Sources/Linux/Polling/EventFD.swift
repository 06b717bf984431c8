import CLinux
import Glibc

/// A counter that wakes an epoll loop from another thread (eventfd(2)).
package struct EventFD: ~Copyable, Sendable {
    private let descriptor: FileDescriptor

    package var raw: Int32 { descriptor.raw }

    package init() throws(SystemError) {
        let raw = eventfd(0, Int32(EFD_NONBLOCK) | Int32(EFD_CLOEXEC))
        guard raw >= 0 else { throw .last("eventfd") }
        descriptor = FileDescriptor(owning: raw)
    }

    /// Makes the descriptor readable. May be called from any thread.
    package func signal() {
        var one: UInt64 = 1
        _ = unsafe write(descriptor.raw, &one, 8)
    }

    /// Makes the descriptor unreadable again.
    package func clear() {
        var count: UInt64 = 0
        _ = unsafe read(descriptor.raw, &count, 8)
    }
}
