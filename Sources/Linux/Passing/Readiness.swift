import CLinux
import Glibc

/// Waiting for one of a few descriptors, for loops that have nothing hot in them (poll(2)).
package enum Readiness {
    /// Waits until one of `descriptors` is readable, closed by its peer or in error.
    ///
    /// - Parameter milliseconds: -1 waits without bound.
    /// - Returns: for each descriptor whether it is; all false when the time has passed.
    package static func wait(_ descriptors: [Int32], milliseconds: Int32) -> [Bool] {
        var list = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        let count = unsafe poll(&list, nfds_t(list.count), milliseconds)
        return list.map { count > 0 && $0.revents != 0 }
    }
}
