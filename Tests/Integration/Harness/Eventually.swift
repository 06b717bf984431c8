import Glibc

/// What went wrong in the harness itself or in the conversation it holds, said so that a test's log explains it.
struct HarnessError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// A moment after which waiting ends.
struct Deadline {
    private let end: ContinuousClock.Instant

    init(_ duration: Duration) {
        end = .now + duration
    }

    var hasPassed: Bool { end <= .now }

    /// For poll(2): what is left, in milliseconds, at least 0.
    var milliseconds: Int32 {
        let left = (end - .now).components
        return Int32(clamping: max(0, left.seconds * 1000 + left.attoseconds / 1_000_000_000_000_000))
    }
}

/// Polls `condition` until it holds.
/// - Throws: a `HarnessError` that names `what`, when it does not hold in time.
func eventually(_ what: String, within limit: Duration = .seconds(60), _ condition: () throws -> Bool) throws {
    let deadline = Deadline(limit)
    while true {
        if try condition() { return }
        if deadline.hasPassed { throw HarnessError("not within \(limit): \(what)") }
        usleep(5_000)
    }
}

/// The least value of a figure that goes down: the one below which it has not fallen for two seconds. Pools and the
/// allocator give back for some seconds what a load needed.
func atRest(_ figure: () throws -> Int) throws -> Int {
    var least = try figure()
    var lastFall = ContinuousClock.now
    try eventually("it comes to rest", within: .seconds(180)) {
        let now = try figure()
        if now < least {
            least = now
            lastFall = .now
        }
        return .now - lastFall > .seconds(2)
    }
    return least
}
