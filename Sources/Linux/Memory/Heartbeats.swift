/// What each worker is doing, in memory that the control plane reads: how a stuck worker is found out and named.
///
/// A worker comes back to its loop at least once a second, also when nothing happens: one that does not is stuck,
/// or its process is stopped. One cache line a worker; writing it costs plain stores and no system call.
package struct Heartbeats: Sendable {
    /// Words of a worker's cache line.
    private static let stride = 8
    private static let activityWord = 0
    private static let beatWord = 1
    private static let detailWord = 2

    /// Workers there is room for.
    package let capacity: Int
    private let memory: SharedMapping

    /// What a worker does.
    package enum Activity: UInt64, Sendable, CaseIterable {
        /// There is no such worker, or it has ended.
        case absent = 0
        case waiting = 1
        case accepting = 2
        case handshake = 3
        case request = 4
        case forwarding = 5
        case tunnel = 6
        case healthCheck = 7
        case publishing = 8
        case timers = 9
        case other = 10
    }

    /// A worker at one moment.
    package struct Reading: Equatable, Sendable {
        package let activity: Activity
        /// Goes up each time the worker comes back to its loop.
        package let beat: UInt64
        /// What the worker says besides, such as a connection's number.
        package let detail: UInt64

        package init(activity: Activity, beat: UInt64, detail: UInt64) {
            self.activity = activity
            self.beat = beat
            self.detail = detail
        }
    }

    /// New memory, for `capacity` workers.
    package init(capacity: Int) throws(SystemError) {
        self.capacity = capacity
        memory = try SharedMapping(name: "gatehouse-heartbeats", words: capacity * Self.stride)
    }

    /// Memory that another process made for `capacity` workers.
    package init(adopting descriptor: consuming FileDescriptor, capacity: Int) throws(SystemError) {
        self.capacity = capacity
        memory = try SharedMapping(adopting: descriptor, words: capacity * Self.stride)
    }

    /// The descriptor of the memory, to pass on.
    package func duplicateDescriptor() throws(SystemError) -> FileDescriptor {
        try memory.descriptor.duplicate()
    }

    /// Says what a worker does now. Only that worker calls it.
    package func enter(_ activity: Activity, worker: Int, detail: UInt64 = 0) {
        memory.store(worker * Self.stride + Self.detailWord, detail)
        memory.store(worker * Self.stride + Self.activityWord, activity.rawValue)
    }

    /// The worker has come back to its loop. Only that worker calls it.
    package func beat(worker: Int) {
        let word = worker * Self.stride + Self.beatWord
        memory.store(word, memory.load(word) &+ 1)
    }

    package func reading(worker: Int) -> Reading {
        let base = worker * Self.stride
        return Reading(
            activity: Activity(rawValue: memory.load(base + Self.activityWord)) ?? .other,
            beat: memory.load(base + Self.beatWord),
            detail: memory.load(base + Self.detailWord)
        )
    }

    /// Forgets what was written, before a new process takes the memory over.
    package func clear() {
        for word in 0..<memory.count { memory.store(word, 0) }
    }
}

/// One worker's place in `Heartbeats`: what its loop writes to.
package struct Heart: Sendable {
    private let board: Heartbeats
    private let worker: Int

    package init(_ board: Heartbeats, worker: Int) {
        precondition(worker >= 0 && worker < board.capacity, "worker outside the board")
        self.board = board
        self.worker = worker
    }

    /// Says what the worker does now.
    package func enter(_ activity: Heartbeats.Activity, detail: UInt64 = 0) {
        board.enter(activity, worker: worker, detail: detail)
    }

    /// Says that the worker has come back to its loop.
    package func beat() { board.beat(worker: worker) }
}
