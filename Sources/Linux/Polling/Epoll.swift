import CLinux
import Glibc

/// One epoll instance and the room for what it reports.
///
/// Descriptors are added edge-triggered, once, for reading and writing; after that no call is needed
/// until they are closed (epoll(7)). Belongs to one thread.
@safe
package struct Epoll: ~Copyable {
    private let descriptor: FileDescriptor
    private let events: UnsafeMutablePointer<epoll_event>
    private let capacity: Int

    /// What may be reported of a descriptor.
    package struct Events: OptionSet, Sendable {
        package let rawValue: UInt32
        package init(rawValue: UInt32) { self.rawValue = rawValue }

        package static let readable = Events(rawValue: 0x001)
        package static let writable = Events(rawValue: 0x004)
        package static let error = Events(rawValue: 0x008)
        package static let hangUp = Events(rawValue: 0x010)
        /// The peer will send nothing more (EPOLLRDHUP).
        package static let readHangUp = Events(rawValue: 0x2000)
        /// Report changes, not states (EPOLLET).
        package static let edgeTriggered = Events(rawValue: 1 << 31)
        /// Wake one of several waiting threads (EPOLLEXCLUSIVE).
        package static let exclusive = Events(rawValue: 1 << 28)

        /// What a stream connection is registered for.
        package static let stream: Events = [.readable, .writable, .readHangUp, .edgeTriggered]

        // Constants below are masks and not array literals: those are built on the heap, once a report.

        /// Reading will not wait: bytes, an end or an error are there.
        package var endsReadWait: Bool { rawValue & (0x001 | 0x2000 | 0x010 | 0x008) != 0 }
        /// Writing will not wait: there is room, or an error to learn of.
        package var endsWriteWait: Bool { rawValue & (0x004 | 0x010 | 0x008) != 0 }
        /// The peer has ended its side, or the connection is gone.
        package var tellsEnd: Bool { rawValue & (0x2000 | 0x010 | 0x008) != 0 }
    }

    /// - Parameter capacity: reports taken by one `wait` at most.
    package init(capacity: Int) throws(SystemError) {
        let raw = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard raw >= 0 else { throw .last("epoll_create1") }
        descriptor = FileDescriptor(owning: raw)
        unsafe events = .allocate(capacity: capacity)
        self.capacity = capacity
    }

    deinit { unsafe events.deallocate() }

    /// Watches `fd`; `token` comes back with each report of it.
    package func add(_ fd: Int32, _ interest: Events, token: UInt64) throws(SystemError) {
        var event = unsafe epoll_event(events: interest.rawValue, data: epoll_data_t(u64: token))
        // Sound: the kernel copies the event during the call.
        guard unsafe epoll_ctl(descriptor.raw, EPOLL_CTL_ADD, fd, &event) == 0 else {
            throw .last("epoll_ctl(ADD)")
        }
    }

    /// Stops watching `fd`. A closed descriptor need not be removed, unless others share its open file.
    package func remove(_ fd: Int32) {
        var event = unsafe epoll_event()
        _ = unsafe epoll_ctl(descriptor.raw, EPOLL_CTL_DEL, fd, &event)
    }

    /// Waits for reports.
    /// - Parameter timeout: milliseconds; -1 waits without bound.
    /// - Returns: how many reports `report` then gives; 0 at a time-out or an interrupting signal.
    package func wait(timeout: Int32) -> Int {
        // Sound: `events` has room for `capacity` entries and lives as long as self.
        let count = unsafe epoll_wait(descriptor.raw, events, Int32(capacity), timeout)
        return max(0, Int(count))
    }

    /// The report at `index`, below what the last `wait` returned.
    package func report(_ index: Int) -> (token: UInt64, events: Events) {
        precondition(index >= 0 && index < capacity, "report index outside what was waited for")
        let event = unsafe events[index]
        return unsafe (event.data.u64, Events(rawValue: event.events))
    }
}
