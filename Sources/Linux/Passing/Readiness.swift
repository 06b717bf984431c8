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

    /// A descriptor with what is waited for, or what it is ready for.
    package struct Interest: Equatable, Sendable {
        package let raw: Int32
        package let reads: Bool
        package let writes: Bool

        package init(_ raw: Int32, reads: Bool, writes: Bool) {
            self.raw = raw
            self.reads = reads
            self.writes = writes
        }
    }

    /// Waits until one of `interests` can be read or written, as it says, is closed by its peer or in error.
    ///
    /// - Parameter milliseconds: -1 waits without bound.
    /// - Returns: those that are ready; a descriptor that is closed or in error is so for all that it was asked for.
    package static func wait(for interests: [Interest], milliseconds: Int32) -> [Interest] {
        var list = interests.map { interest in
            let events = (interest.reads ? POLLIN : 0) | (interest.writes ? POLLOUT : 0)
            return pollfd(fd: interest.raw, events: Int16(events), revents: 0)
        }
        guard unsafe poll(&list, nfds_t(list.count), milliseconds) > 0 else { return [] }
        return zip(interests, list).compactMap { interest, entry in
            let events = Int32(entry.revents)
            guard events != 0 else { return nil }
            let failed = events & (POLLERR | POLLHUP | POLLNVAL) != 0
            return Interest(
                interest.raw,
                reads: interest.reads && (failed || events & POLLIN != 0),
                writes: interest.writes && (failed || events & POLLOUT != 0)
            )
        }
    }
}
