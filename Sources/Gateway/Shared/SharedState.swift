package import Linux

/// What workers, their successors and the control plane see together: health, cursors and counters,
/// as words of one shared region.
///
/// The layout is fixed when the region is made and outlives data planes, so that a scrape never stops
/// a worker, and a data plane that died left its counts and its servers' health behind. All words are
/// relaxed atomics (`SharedMapping`).
package final class SharedState: Sendable {
    package let region: SharedMapping
    package let layout: Layout

    /// How much room there is; the control plane makes it with room for reloads.
    package struct Layout: Codable, Equatable, Sendable {
        package var workers: Int
        package var pools: Int
        package var servers: Int

        package init(workers: Int, pools: Int, servers: Int) {
            self.workers = workers
            self.pools = pools
            self.servers = servers
        }

        fileprivate static let header = 16
        fileprivate var poolBase: Int { Self.header }
        fileprivate var serverBase: Int { poolBase + pools * PoolWord.count }
        fileprivate var workerBase: Int { serverBase + servers * ServerWord.count }
        fileprivate var workerStride: Int { Counter.room + pools * PoolCounter.room }
        /// Words that the region needs.
        package var words: Int { workerBase + workers * workerStride }
    }

    /// Words of a pool.
    package enum PoolWord: Int, CaseIterable {
        /// Turns taken of the pool's schedule.
        case cursor
        /// Rises when a server of the pool changed so that schedules must be made anew.
        case version
        /// Requests that wait for a server.
        case queued
        /// Requests that may be retried, in hundredths.
        case retryTokens

        static let count = 8
    }

    /// Words of a server.
    package enum ServerWord: Int, CaseIterable {
        /// Requests under way.
        case inFlight
        /// `Health` as a number.
        case health
        /// `Admin` as a number.
        case admin
        /// A weight set by hand, plus 1; 0 for that of the plan.
        case weight
        /// Milliseconds, monotonic: left out until then by passive checks.
        case ejectedUntil
        /// Failed requests in a row.
        case failuresInARow
        /// How often it has been ejected in a row: the pause doubles each time.
        case ejections
        /// Milliseconds, monotonic: when it came up last. 0 when it was up from the start.
        case upSince
        /// Active checks that failed, or succeeded, in a row.
        case checksInARow
        /// What the last check came to: `CheckOutcome` in the low byte, an HTTP status or errno above.
        case lastCheck
        /// How often it has been ejected in all.
        case ejectionsTotal
        /// Requests sent to it, and those of them that failed.
        case requests
        case failures
        /// Checks made, and those of them that failed.
        case checks
        case checksFailed

        static let count = 16
    }

    /// What active checks say of a server.
    package enum Health: UInt64, Sendable {
        /// Not checked yet: taken for up, so that a start serves at once.
        case unknown, up, down
    }

    /// What an operator says of a server.
    package enum Admin: UInt64, Sendable {
        case ready, drain
    }

    /// - Parameter region: at least `layout.words` long.
    package init(region: SharedMapping, layout: Layout) {
        precondition(region.count >= layout.words, "the shared region is smaller than its layout")
        self.region = region
        self.layout = layout
    }

    package func index(pool slot: Int, _ word: PoolWord) -> Int {
        precondition(slot >= 0 && slot < layout.pools, "pool slot outside the layout")
        return layout.poolBase + slot * PoolWord.count + word.rawValue
    }

    package func index(server slot: Int, _ word: ServerWord) -> Int {
        precondition(slot >= 0 && slot < layout.servers, "server slot outside the layout")
        return layout.serverBase + slot * ServerWord.count + word.rawValue
    }

    package func index(worker: Int, _ counter: Counter) -> Int {
        precondition(worker >= 0 && worker < layout.workers, "worker outside the layout")
        return layout.workerBase + worker * layout.workerStride + counter.rawValue
    }

    /// The first word of a pool's counters of one worker.
    package func index(worker: Int, pool slot: Int) -> Int {
        precondition(slot >= 0 && slot < layout.pools, "pool slot outside the layout")
        return layout.workerBase + worker * layout.workerStride + Counter.room + slot * PoolCounter.room
    }

    package func load(server slot: Int, _ word: ServerWord) -> UInt64 { region.load(index(server: slot, word)) }

    package func store(server slot: Int, _ word: ServerWord, _ value: UInt64) {
        region.store(index(server: slot, word), value)
    }

    package func load(pool slot: Int, _ word: PoolWord) -> UInt64 { region.load(index(pool: slot, word)) }

    /// Has every worker make the pool's schedule anew.
    package func touch(pool slot: Int) { region.add(index(pool: slot, .version), 1) }

    /// The sum of a counter over all workers.
    package func total(_ counter: Counter) -> UInt64 {
        (0..<layout.workers).reduce(0) { $0 &+ region.load(index(worker: $1, counter)) }
    }
}
