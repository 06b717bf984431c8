import Bytes
package import Engine
import HTTPWire
package import Linux
import OpenSSL

/// One thread of the data plane and all it owns: loop, buffers, connections, counters.
///
/// Nothing in here is shared but the `SharedState` and the plan, which does not change. Every call
/// comes on the worker's own thread; others reach it through the loop's mailbox.
package final class Worker {
    package let index: Int
    package let loop: EventLoop
    internal let buffers: BufferPool
    package let state: SharedState
    /// Where heads are written before they go out; empty between uses.
    internal let scratch = ByteBuffer(capacity: 16384)
    package let log: AccessLog
    internal private(set) var runtime: Runtime

    /// Connections of clients that are open here.
    internal var connections = 0
    internal let addresses: AddressCounts
    private let workers: Int
    /// Where the workers of this data plane are told things, by their index.
    internal var peers: [Mailbox<WorkerMessage>] = []
    private var listeners: [ObjectIdentifier: Listener] = [:]
    private var checks: [HealthCheck] = []
    private let queueTimer: QueueTimer
    private var drainUntil: UInt64 = .max
    internal var date = DateCache()
    internal var identifiers: RequestIdentifiers
    internal var isDraining = false
    private var freeExchanges = FreeList<Exchange>(most: 256, reserve: 16)
    private var freeRequests = FreeList<HTTP2Request>(most: 256, reserve: 16)
    /// HTTP/2's streams, counters of abuse, and room for the head that is being written.
    internal let streams: HTTP2StreamPool
    internal let glitches = HTTP2GlitchCounters()
    internal let headWriter = HTTP2HeadWriter()
    private let firstCounter: Int
    /// What the workers that were in this one's place before had counted.
    private let inherited: InheritedCounts
    /// When `upkeep` is due again: milliseconds of the loop.
    private var upkeepDue: UInt64 = 0

    package init(
        index: Int,
        of workers: Int,
        _ publication: Publication,
        state: SharedState,
        addresses: AddressCounts,
        log: LogRing?,
        heart: Heart? = nil
    ) throws {
        self.addresses = addresses
        self.index = index
        self.workers = workers
        self.state = state
        loop = try EventLoop()
        loop.heart = heart
        buffers = BufferPool(size: Transport.bufferSize, keep: 256)
        streams = HTTP2StreamPool(keep: 1024, buffers: buffers)
        self.log = AccessLog(ring: log)
        identifiers = RequestIdentifiers()
        firstCounter = state.index(worker: index, .heartbeat)
        inherited = InheritedCounts(state, worker: index)
        runtime = try Runtime(publication, state: state, worker: index)
        queueTimer = QueueTimer()
        try loop.add(queueTimer)
        try adopt(publication)
    }

    /// Obeys what comes through `mailbox`.
    package func listen(to mailbox: Mailbox<WorkerMessage>) throws {
        _ = try MailboxReader(mailbox, on: loop) { [unowned self] message in handle(message) }
    }

    private func handle(_ message: WorkerMessage) {
        switch message {
        case .publish(let publication, let receipts):
            defer { receipts.sign() }
            // It has been tried before it was sent: what can fail now is memory or descriptors.
            guard let fresh = try? Runtime(publication, state: state, worker: index, after: runtime) else {
                return count(.publicationsFailed)
            }
            for pool in runtime.pools { pool.retire() }
            // They would keep the configuration that they served last.
            freeExchanges.removeAll()
            runtime = fresh
            do { try adopt(publication) } catch { count(.publicationsFailed) }
            queueTimer.move(to: fresh, on: self)
        case .change(let change, let receipts):
            runtime.adopt(change)
            receipts.sign()
        case .offerServers:
            queueTimer.offerServers(now: loop.now)
        case .drain(let milliseconds):
            drain(milliseconds)
        case .stop:
            loop.stop()
        }
    }

    /// Listens where the publication says, and no longer where it does not; checks its servers.
    private func adopt(_ publication: Publication) throws {
        let wanted = publication.places(ofWorker: index, of: workers)
        let names = Set(wanted.map { ObjectIdentifier($0.socket) })
        for (name, listener) in listeners where !names.contains(name) {
            listener.stop()
            listeners[name] = nil
        }
        for place in wanted {
            let name = ObjectIdentifier(place.socket)
            if let listener = listeners[name] {
                listener.plan = place.listener
            } else {
                listeners[name] = try Listener(worker: self, place: place)
            }
        }
        for check in checks { check.stop() }
        checks = []
        // Checks belong to one worker; their verdicts are in the shared state.
        guard index == 0 else { return }
        for pool in publication.plan.pools {
            guard let health = pool.health else {
                HealthVerdicts.forget(pool, state: state)
                continue
            }
            for server in pool.servers {
                let check = HealthCheck(worker: self, pool: pool, server: server, health: health)
                try check.start()
                checks.append(check)
            }
        }
    }

    private func drain(_ milliseconds: UInt64) {
        isDraining = true
        for listener in listeners.values { listener.stop() }
        listeners = [:]
        for check in checks { check.stop() }
        checks = []
        drainUntil = loop.now &+ milliseconds
        loop.forEachHandler { ($0 as? ClientConnection)?.drain() }
    }

    /// Has the pool's queue looked after while a request waits in it.
    internal func startQueueTimer(_ pool: Pool) { queueTimer.start(pool, on: self) }

    /// A server of `pool` has room: whoever has waited for the longest is offered it, here or at another worker. A worker
    /// that gave what it frees to its own clients alone would keep those of others waiting for as long as it is busy.
    internal func offerServers(of pool: Pool) {
        guard let first = pool.line.first else { return }
        if first == index {
            queueTimer.offerServers(now: loop.now)
        } else if first < peers.count {
            peers[first].post(.offerServers)
        }
    }

    /// Runs until the loop is stopped.
    package func run() {
        loop.run { beat() }
        showGlitches()
        loop.heart?.enter(.absent)
        // They keep the worker, and it keeps them.
        freeExchanges.removeAll()
        freeRequests.removeAll()
    }

    /// Says that this worker turns, and brings slow-moving figures up to date.
    private func beat() {
        state.region.store(state.index(worker: index, .heartbeat), loop.now)
        state.region.store(state.index(worker: index, .buffersMade), inherited.buffersMade &+ UInt64(buffers.made))
        state.region.store(state.index(worker: index, .connectionsOpen), UInt64(connections))
        if loop.now >= upkeepDue { upkeep() }
        if isDraining && (connections == 0 || loop.now >= drainUntil) { loop.stop() }
    }

    /// Once a second: gives back what pools keep and nobody needs, and shows what is in use and the sessions' counts of
    /// glitches.
    private func upkeep() {
        upkeepDue = loop.now + 1000
        buffers.trim()
        streams.trim()
        freeExchanges.trim()
        freeRequests.trim()
        state.region.store(firstCounter + Counter.buffersLent.rawValue, UInt64(buffers.lent))
        state.region.store(firstCounter + Counter.buffersKept.rawValue, UInt64(buffers.kept))
        state.region.store(firstCounter + Counter.http2StreamsOpen.rawValue, UInt64(streams.lent))
        showGlitches()
    }

    private func showGlitches() {
        for glitch in HTTP2Glitch.allCases {
            let (seen, closures) = inherited.glitches[glitch.rawValue]
            state.region.store(
                firstCounter + GlitchCounter.seen(glitch.rawValue),
                seen &+ glitches.count(of: glitch)
            )
            state.region.store(
                firstCounter + GlitchCounter.closures(glitch.rawValue),
                closures &+ glitches.closures(by: glitch)
            )
        }
    }

    /// Adds to one of this worker's counters.
    internal func count(_ counter: Counter, _ step: UInt64 = 1) {
        state.region.bump(firstCounter + counter.rawValue, by: step)
    }

    /// Counts a request that was refused.
    internal func count(_ refusal: RefusalReason) {
        state.region.bump(firstCounter + RefusalCounter.word(refusal))
    }

    /// Counts a handshake that failed. - Parameter reason: nil when the client took too long.
    internal func countFailedHandshake(_ reason: TLSFailure.Reason?) {
        count(.handshakesFailed)
        state.region.bump(firstCounter + HandshakeFailureCounter.word(reason))
    }

    /// Takes one off a gauge of this worker.
    internal func uncount(_ counter: Counter) {
        state.region.bump(firstCounter + counter.rawValue, by: ~0)
    }

    /// An exchange for a request that begins; warm from an earlier one where there is any.
    internal func takeExchange(_ client: any ClientStream, head: MessageHead? = nil) -> Exchange {
        let exchange = freeExchanges.take() ?? Exchange(worker: self)
        exchange.begin(client, runtime: runtime, head: head)
        return exchange
    }

    /// A stream's request; warm from an earlier one where there is any.
    internal func takeRequest(
        _ codec: HTTP2Client,
        _ session: HTTP2ServerSession,
        _ stream: HTTP2Stream
    ) -> HTTP2Request {
        let request = freeRequests.take() ?? HTTP2Request()
        request.begin(codec, session, stream)
        return request
    }

    internal func giveRequest(_ request: HTTP2Request) {
        request.end(buffers)
        freeRequests.give(request)
    }

    /// Takes an exchange back for a later request. One that began under an earlier configuration is let go with it, and
    /// one that had to do with a very large head, so that such heads do not stay in memory.
    internal func giveExchange(_ exchange: Exchange) {
        if exchange.runtime === runtime && !exchange.hasGrown { freeExchanges.give(exchange) }
    }
}
