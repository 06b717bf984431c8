package import Linux

/// One worker's loop: epoll, timers, and what other threads post.
///
/// Everything here runs on the thread that calls `run`; other threads reach it through a `Mailbox`.
/// A turn is: wait, handle reports, handle what timed out, end the turn.
package final class EventLoop {
    /// Milliseconds, monotonic, read once a turn.
    package private(set) var now: UInt64
    /// Microseconds, monotonic, read once a turn: for the phases' times in logs.
    package private(set) var nowMicroseconds: UInt64

    private let epoll: Epoll
    private var slots: [(any EventHandler)?] = []
    private var generations: [UInt32] = []
    private var freeSlots: [Int] = []
    /// What the worker does, by the handler that is called.
    private var activities: [Heartbeats.Activity] = []
    /// Where the loop says what it does; nil where nobody looks.
    package var heart: Heart?
    private var wheel: TimerWheel
    private var due: [TimerWheel.Entry] = []
    private var deferred: [any EventHandler] = []
    private var isStopping = false

    package init() throws(SystemError) {
        epoll = try Epoll(capacity: 512)
        nowMicroseconds = Clock.monotonicNanoseconds / 1000
        now = nowMicroseconds / 1000
        wheel = TimerWheel(now: now)
    }

    /// Gives `handler` a place in the loop and, with a descriptor, has the kernel report its changes.
    ///
    /// The token packs the place and its generation, so that a report for a connection that is gone
    /// never reaches the one that took its place. The loop keeps the handler until `remove`.
    /// - Parameter activity: what the worker is said to do while the handler is called.
    package func add(
        _ handler: any EventHandler,
        descriptor: Int32? = nil,
        interest: Epoll.Events = .stream,
        activity: Heartbeats.Activity = .other
    ) throws(SystemError) {
        precondition(handler.registration.token == 0, "a handler is registered once")
        let slot: Int
        if let free = freeSlots.popLast() {
            slot = free
        } else {
            slot = slots.count
            slots.append(nil)
            generations.append(1)
            activities.append(activity)
        }
        let token = UInt64(generations[slot]) << 32 | UInt64(slot)
        if let descriptor {
            do {
                try epoll.add(descriptor, interest, token: token)
            } catch {
                freeSlots.append(slot)
                throw error
            }
        }
        slots[slot] = handler
        activities[slot] = activity
        handler.registration.token = token
    }

    /// Changes what the worker is said to do while `handler` is called.
    package func setActivity(_ handler: any EventHandler, _ activity: Heartbeats.Activity) {
        guard handler.registration.token != 0 else { return }
        activities[Int(handler.registration.token & 0xFFFF_FFFF)] = activity
    }

    /// Forgets `handler`. Its descriptor, if it shares its open file with another process, must be
    /// named so that the kernel stops reporting it; otherwise the caller just closes it.
    package func remove(_ handler: any EventHandler, descriptor: Int32? = nil) {
        guard handler.registration.token != 0 else { return }
        if let descriptor { epoll.remove(descriptor) }
        let slot = Int(handler.registration.token & 0xFFFF_FFFF)
        generations[slot] &+= 1
        if generations[slot] == 0 { generations[slot] = 1 }
        slots[slot] = nil
        freeSlots.append(slot)
        handler.registration.token = 0
        handler.registration.deadline = .max
        handler.registration.wheelEntry = .max
    }

    /// Sets when `timedOut` of the handler with this registration is due, `milliseconds` from now; nil unsets it.
    package func setDeadline(_ registration: Registration, after milliseconds: UInt64?) {
        guard registration.token != 0 else { return }
        guard let milliseconds else {
            registration.deadline = .max
            return
        }
        let deadline = now &+ min(milliseconds, 1 << 52)
        registration.deadline = deadline
        if deadline < registration.wheelEntry {
            registration.wheelEntry = wheel.insert(registration.token, deadline: deadline)
        }
    }

    /// Has `handler.turnEnds` called once at the end of this turn, however often it is asked for.
    package func atEndOfTurn(_ handler: any EventHandler) {
        if handler.registration.isDeferred { return }
        handler.registration.isDeferred = true
        deferred.append(handler)
    }

    /// Calls `body` with each handler that is registered now.
    package func forEachHandler(_ body: (any EventHandler) -> Void) {
        for handler in slots {
            if let handler { body(handler) }
        }
    }

    /// Ends `run` after this turn.
    package func stop() { isStopping = true }

    /// Turns until `stop`. `eachTurn` is called once a turn, for heartbeats and the clock's readers.
    package func run(eachTurn: () -> Void) {
        while !isStopping {
            turn(waitingAtMost: 1000)
            eachTurn()
        }
    }

    /// One turn. - Parameter waitingAtMost: milliseconds to wait for a first event.
    package func turn(waitingAtMost limit: UInt64) {
        heart?.enter(.waiting)
        let count = epoll.wait(timeout: waitTime(limit))
        nowMicroseconds = Clock.monotonicNanoseconds / 1000
        now = nowMicroseconds / 1000
        for index in 0..<count {
            let report = epoll.report(index)
            guard let handler = handler(report.token) else { continue }
            let slot = Int(report.token & 0xFFFF_FFFF)
            heart?.enter(activities[slot], detail: UInt64(slot))
            handler.ready(report.events)
        }
        fireTimers()
        endTurn()
        heart?.beat()
    }

    private func waitTime(_ limit: UInt64) -> Int32 {
        if !deferred.isEmpty || isStopping { return 0 }
        let time = wheel.timeUntilNext(from: now) ?? limit
        return Int32(min(time, limit))
    }

    private func handler(_ token: UInt64) -> (any EventHandler)? {
        let slot = Int(token & 0xFFFF_FFFF)
        guard slot < slots.count, generations[slot] == UInt32(token >> 32) else { return nil }
        return slots[slot]
    }

    private func fireTimers() {
        wheel.advance(to: now, due: &due)
        if due.isEmpty { return }
        heart?.enter(.timers)
        var index = 0
        while index < due.count {
            let entry = due[index]
            index += 1
            // An entry that an earlier one has replaced is let go.
            guard let handler = handler(entry.token), handler.registration.wheelEntry == entry.moment else { continue }
            handler.registration.wheelEntry = .max
            if handler.registration.deadline == .max { continue }
            if handler.registration.deadline <= now {
                handler.registration.deadline = .max
                handler.timedOut()
            } else {
                handler.registration.wheelEntry = wheel.insert(entry.token, deadline: handler.registration.deadline)
            }
        }
        due.removeAll(keepingCapacity: true)
    }

    /// What asks for the end of a turn while turns end waits for the next one, so that one busy
    /// connection cannot hold the loop.
    private func endTurn() {
        if deferred.isEmpty { return }
        heart?.enter(.other)
        let count = deferred.count
        for index in 0..<count {
            let handler = deferred[index]
            handler.registration.isDeferred = false
            handler.turnEnds()
        }
        deferred.removeFirst(count)
    }
}
