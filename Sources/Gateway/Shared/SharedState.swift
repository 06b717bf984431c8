package import Linux

/// What workers, their successors and the control plane see together: health, cursors and counters,
/// as words of one shared region.
///
/// The layout is fixed when the region is made and outlives data planes, so that a scrape never stops
/// a worker, and a data plane that died left its counts and its servers' health behind. All words are
/// relaxed atomics (`SharedMapping`).
///
/// Data planes that run side by side, one draining while its successor serves, each have a *berth*: words
/// that no worker of another one writes. What a data plane that died held of the shared counts is known from
/// its berth, and given back by `vacate`.
package final class SharedState: Sendable {
    package let region: SharedMapping
    package let layout: Layout
    /// The berth of the data plane whose workers are meant by their index.
    package let berth: Int

    /// How much room there is; the control plane makes it with room for reloads.
    package struct Layout: Codable, Equatable, Sendable {
        /// Workers of one data plane.
        package var workers: Int
        package var pools: Int
        package var servers: Int
        /// Data planes at a time.
        package var berths: Int

        package init(workers: Int, pools: Int, servers: Int, berths: Int = 1) {
            self.workers = workers
            self.pools = pools
            self.servers = servers
            self.berths = berths
        }

        /// The first two say whose form it is.
        internal static let header = 16
        fileprivate var poolBase: Int { Self.header }
        fileprivate var serverBase: Int { poolBase + pools * PoolWord.count }
        fileprivate var workerBase: Int { serverBase + servers * ServerWord.count }
        fileprivate var poolCounters: Int { Counter.room }
        /// For each server the requests of this worker under way there, for each pool those that wait, and since when.
        fileprivate var heldByServer: Int { poolCounters + pools * PoolCounter.room }
        fileprivate var heldByPool: Int { heldByServer + servers }
        fileprivate var waitingSince: Int { heldByPool + pools }
        fileprivate var workerStride: Int { (waitingSince + pools + 7) & ~7 }
        /// Words that the region needs.
        package var words: Int { workerBase + berths * workers * workerStride }
    }

    package enum PoolWord: Int, CaseIterable {
        /// Turns taken of the pool's schedule.
        case cursor
        /// Rises when a server of the pool changed so that schedules must be made anew.
        case version
        /// Requests that wait for a server.
        case queued

        static let count = 8
    }

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

    /// - Parameters:
    ///   - region: at least `layout.words` long.
    ///   - berth: that of the data plane that is looked at, or that this process is.
    package init(region: SharedMapping, layout: Layout, berth: Int = 0) {
        precondition(region.count >= layout.words, "the shared region is smaller than its layout")
        precondition(berth >= 0 && berth < layout.berths, "berth outside the layout")
        self.region = region
        self.layout = layout
        self.berth = berth
    }

    package func index(pool slot: Int, _ word: PoolWord) -> Int {
        precondition(slot >= 0 && slot < layout.pools, "pool slot outside the layout")
        return layout.poolBase + slot * PoolWord.count + word.rawValue
    }

    package func index(server slot: Int, _ word: ServerWord) -> Int {
        precondition(slot >= 0 && slot < layout.servers, "server slot outside the layout")
        return layout.serverBase + slot * ServerWord.count + word.rawValue
    }

    package func index(worker: Int, _ counter: Counter) -> Int { area(worker) + counter.rawValue }

    /// The first word of a pool's counters of one worker.
    package func index(worker: Int, pool slot: Int) -> Int { area(worker) + offset(pool: slot) }

    /// How many requests of this worker are under way on a server: its part of `inFlight`.
    internal func index(worker: Int, heldBy server: Int) -> Int {
        precondition(server >= 0 && server < layout.servers, "server slot outside the layout")
        return area(worker) + layout.heldByServer + server
    }

    /// How many requests of this worker wait for a server of a pool: its part of `queued`.
    internal func index(worker: Int, waitingFor pool: Int) -> Int {
        precondition(pool >= 0 && pool < layout.pools, "pool slot outside the layout")
        return area(worker) + layout.heldByPool + pool
    }

    /// Who they are and since when the first of them has waited, as `Pool.Line` reads it; 0 while none waits.
    internal func index(worker: Int, waitingSince pool: Int) -> Int {
        precondition(pool >= 0 && pool < layout.pools, "pool slot outside the layout")
        return area(worker) + layout.waitingSince + pool
    }

    private func area(_ worker: Int) -> Int {
        precondition(worker >= 0 && worker < layout.workers, "worker outside the layout")
        return layout.workerBase + (berth * layout.workers + worker) * layout.workerStride
    }

    private func offset(pool slot: Int) -> Int {
        precondition(slot >= 0 && slot < layout.pools, "pool slot outside the layout")
        return layout.poolCounters + slot * PoolCounter.room
    }

    package func load(server slot: Int, _ word: ServerWord) -> UInt64 { region.load(index(server: slot, word)) }

    package func store(server slot: Int, _ word: ServerWord, _ value: UInt64) {
        region.store(index(server: slot, word), value)
    }

    package func load(pool slot: Int, _ word: PoolWord) -> UInt64 { region.load(index(pool: slot, word)) }

    /// What active checks say of a server: nothing, in a pool that has none any more.
    package func health(of server: ServerPlan, in pool: PoolPlan) -> Health {
        guard pool.health != nil else { return .unknown }
        return Health(rawValue: load(server: server.slot, .health)) ?? .unknown
    }

    /// Until when passive checks leave a server out, in milliseconds, monotonic; 0 in a pool that has none any more.
    package func ejectionEnd(of server: ServerPlan, in pool: PoolPlan) -> UInt64 {
        pool.ejection == nil ? 0 : load(server: server.slot, .ejectedUntil)
    }

    /// Has every worker make the pool's schedule anew.
    package func touch(pool slot: Int) { region.add(index(pool: slot, .version), 1) }

    /// The sum of a counter over all workers, those of data planes before and beside this one included.
    package func total(_ counter: Counter) -> UInt64 { total(offset: counter.rawValue) }

    /// The same of a word counted from a worker's first one, such as `GlitchCounter` names.
    package func total(offset: Int) -> UInt64 {
        precondition(offset >= 0 && offset < layout.workerStride, "word outside a worker's area")
        return (0..<layout.berths * layout.workers).reduce(0) {
            $0 &+ region.load(layout.workerBase + $1 * layout.workerStride + offset)
        }
    }

    /// The same of a word of `PoolCounter`.
    package func total(pool slot: Int, _ word: Int) -> UInt64 { total(offset: offset(pool: slot) + word) }

    /// The same memory, seen from another berth.
    package func at(berth: Int) -> SharedState { SharedState(region: region, layout: layout, berth: berth) }

    /// Gives back what the data plane of this berth held when it ended: requests under way, places in queues,
    /// open connections. What it counted stays. Call it when its process is gone.
    package func vacate() {
        for worker in 0..<layout.workers {
            for server in 0..<layout.servers {
                giveBack(index(worker: worker, heldBy: server), index(server: server, .inFlight))
            }
            for pool in 0..<layout.pools {
                giveBack(index(worker: worker, waitingFor: pool), index(pool: pool, .queued))
                region.store(index(worker: worker, waitingSince: pool), 0)
            }
            for gauge in [
                Counter.connectionsOpen, .tunnelsOpen, .buffersLent, .buffersKept, .http2StreamsOpen, .heartbeat,
            ] {
                region.store(index(worker: worker, gauge), 0)
            }
        }
    }

    /// Forgets all that was counted and said of the server whose place it was. Call it before the place gets another
    /// owner; what is under way there is known to nobody else, and stays.
    package func clear(server slot: Int) {
        for word in ServerWord.allCases where word != .inFlight { store(server: slot, word, 0) }
    }

    /// The same of a pool, with what every worker of every data plane counted of it.
    package func clear(pool slot: Int) {
        for word in PoolWord.allCases where word != .queued { region.store(index(pool: slot, word), 0) }
        for worker in 0..<layout.berths * layout.workers {
            let first = layout.workerBase + worker * layout.workerStride + offset(pool: slot)
            for word in 0..<PoolCounter.room { region.store(first + word, 0) }
        }
    }

    private func giveBack(_ held: Int, _ shared: Int) {
        let count = region.load(held)
        if count == 0 { return }
        region.store(held, 0)
        region.subtract(shared, count)
    }
}
