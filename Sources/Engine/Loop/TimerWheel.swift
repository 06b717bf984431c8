/// A hashed timer wheel of tokens, with a bit for each slot that holds any.
///
/// An entry says "look at this handler then", no more: a handler whose deadline moved is entered again
/// when its old entry comes up, so that moving a deadline, which every request does, is one store.
/// Resolution `TimerWheel.tick` milliseconds, rounded up: a timer never fires early.
internal struct TimerWheel {
    /// Milliseconds a slot covers.
    static let tick: UInt64 = 8
    /// Slots; a deadline beyond `slots * tick` milliseconds waits in the last one and is entered anew.
    static let slots = 4096

    struct Entry {
        let token: UInt64
        let moment: UInt64
    }

    private var wheel: [[UInt64]]
    private var occupied: [UInt64]
    /// The next tick to be looked at.
    private var current: UInt64

    init(now: UInt64) {
        wheel = Array(repeating: [], count: Self.slots)
        occupied = Array(repeating: 0, count: Self.slots / 64)
        current = now / Self.tick
    }

    /// Enters `token` for `deadline`.
    /// - Returns: the moment at which it will come up, in milliseconds.
    mutating func insert(_ token: UInt64, deadline: UInt64) -> UInt64 {
        let wanted = (deadline &+ (Self.tick - 1)) / Self.tick
        let tick = min(max(wanted, current), current + UInt64(Self.slots - 1))
        let slot = Int(tick % UInt64(Self.slots))
        wheel[slot].append(token)
        occupied[slot / 64] |= 1 << UInt64(slot % 64)
        return tick * Self.tick
    }

    /// Moves the entries that are due at `now` into `due`, each with the moment that `insert` gave it.
    mutating func advance(to now: UInt64, due: inout [Entry]) {
        let target = now / Self.tick
        if target < current { return }
        let span = min(target - current + 1, UInt64(Self.slots))
        for step in 0..<span {
            let slot = Int((current + step) % UInt64(Self.slots))
            if occupied[slot / 64] & (1 << UInt64(slot % 64)) == 0 { continue }
            for token in wheel[slot] { due.append(Entry(token: token, moment: (current + step) * Self.tick)) }
            wheel[slot].removeAll(keepingCapacity: wheel[slot].count <= 64)
            occupied[slot / 64] &= ~(1 << UInt64(slot % 64))
        }
        current = target + 1
    }

    /// Milliseconds from `now` until the next slot that holds an entry, or nil when there is none.
    func timeUntilNext(from now: UInt64) -> UInt64? {
        let words = occupied.count
        let first = Int(current % UInt64(Self.slots))
        var word = first / 64
        var bits = occupied[word] & (~0 << UInt64(first % 64))
        for step in 0...words {
            if bits != 0 {
                let slot = word * 64 + bits.trailingZeroBitCount
                let distance = UInt64((slot - first + Self.slots) % Self.slots)
                let moment = (current + distance) * Self.tick
                return moment > now ? moment - now : 0
            }
            word = (word + 1) % words
            bits = occupied[word]
            // Back at the first word: only the slots before the one we began with are left.
            if step == words - 1 { bits &= ~(~0 << UInt64(first % 64)) }
        }
        return nil
    }
}
