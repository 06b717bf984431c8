import Synchronization

/// The wall clock as far as it is believed: what has a date, such as a certificate, goes by it.
///
/// A wall clock is set by people, by time servers, and by machines that were asleep. Beside the clock that counts on whatever
/// is set, a jump shows. One of more than a day is doubted: the time goes on as if it had not been, until the wall clock is
/// back, or has stayed there for a day, or somebody vouches for it. See docs/decisions/016-clock.md.
package struct WallClock: Sendable {
    /// A wall clock that is not believed.
    package struct Doubt: Sendable, Equatable {
        /// How far it is ahead of the time that is believed; negative when it is behind: seconds.
        package let ahead: Int64
        /// When it will be believed, if it stays: seconds since the machine was started.
        package let end: Int64
    }

    /// Jumps up to this are followed at once: seconds.
    package static let tolerance: Int64 = 86_400
    /// A clock that stays where it jumped to is right after so long: seconds.
    package static let patience: Int64 = 86_400

    /// Two clocks at one moment: the wall's, in seconds since 1970, and the machine's, in seconds since it was started.
    private var known: (wall: Int64, boot: Int64)?
    /// A moment that has been, as something says that was written then, and until when that counts: seconds since 1970, and
    /// since the machine was started.
    private var past: (wall: Int64, end: Int64)?
    /// Why the wall clock is not believed; nil as long as it is.
    package private(set) var doubt: Doubt?

    package init() {}

    /// The time that is believed: seconds since 1970.
    ///
    /// - Parameters:
    ///   - wall: what the wall clock says: seconds since 1970.
    ///   - boot: seconds since the machine was started.
    package mutating func time(wall: Int64, boot: Int64) -> Int64 {
        guard let known else { return believe(wall, boot) }
        let expected = known.wall + boot - known.boot
        let ahead = wall - expected
        if abs(ahead) <= Self.tolerance { return believe(wall, boot) }
        // It was wrong at the start, and has been set.
        if let past, boot < past.end, abs(wall - past.wall) < abs(expected - past.wall) { return believe(wall, boot) }
        if let doubt, abs(ahead - doubt.ahead) <= Self.tolerance {
            if boot >= doubt.end { return believe(wall, boot) }
        } else {
            doubt = Doubt(ahead: ahead, end: boot + Self.patience)
        }
        return expected
    }

    /// A program begins, and its files tell of a moment: for a day a jump towards that is believed.
    package mutating func begin(after moment: Int64, boot: Int64) { past = (moment, boot + Self.patience) }

    private mutating func believe(_ wall: Int64, _ boot: Int64) -> Int64 {
        known = (wall, boot)
        doubt = nil
        return wall
    }
}

extension WallClock {
    /// The one of this process, which believes what it sees first. Any thread.
    private static let own = Mutex(WallClock())

    /// The time that is believed, and why it is not the wall clock's: seconds since 1970.
    package static var reading: (time: Int64, doubt: Doubt?) {
        own.withLock { clock in
            let (wall, boot) = now
            return (clock.time(wall: wall, boot: boot), clock.doubt)
        }
    }

    /// The time that is believed: seconds since 1970.
    package static var seconds: Int64 { reading.time }

    /// Somebody vouches for the wall clock: from now on it is believed as it is.
    package static func believe() {
        own.withLock { clock in
            let (wall, boot) = now
            _ = clock.believe(wall, boot)
        }
    }

    /// This process begins, and its files tell of a moment: seconds since 1970.
    package static func begin(after moment: Int64) {
        own.withLock { $0.begin(after: moment, boot: now.boot) }
    }

    private static var now: (wall: Int64, boot: Int64) {
        (Clock.realtimeSeconds, Int64(Clock.boottimeNanoseconds / 1_000_000_000))
    }
}
