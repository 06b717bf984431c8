/// A hashed timer wheel of tokens, with a bit for each slot that holds any.
///
/// An entry says "look at this handler then", no more: a handler whose deadline moved is entered again
/// when its old entry comes up, so that moving a deadline, which every request does, is one store.
/// Resolution `TimerWheel.tick` milliseconds, rounded up: a timer never fires early. All slots share one store, so that
/// its memory is that of the most entries there ever were at a time, whichever slots they fell into.
internal struct TimerWheel {
    /// Milliseconds a slot covers.
    static let tick: UInt64 = 8
    /// Slots; a deadline beyond `slots * tick` milliseconds waits in the last one and is entered anew.
    static let slots = 4096

    struct Entry {
        let token: UInt64
        let moment: UInt64
    }

    /// An entry of a slot's list, or of the list of free ones.
    private struct Link {
        var token: UInt64
        /// The place of the next one in `links`; -1 for none.
        var next: Int32
    }

    private var links: [Link] = []
    private var firstFree: Int32 = -1
    /// The first entry of each slot, the one that came last; -1 for none.
    private var heads: [Int32]
    private var occupied: [UInt64]
    /// The next tick to be looked at.
    private var current: UInt64

    init(now: UInt64) {
        heads = Array(repeating: -1, count: Self.slots)
        occupied = Array(repeating: 0, count: Self.slots / 64)
        current = now / Self.tick
    }

    /// Entries that it has room for without more memory, or holds.
    var capacity: Int { links.count }

    /// Enters `token` for `deadline`.
    /// - Returns: the moment at which it will come up, in milliseconds.
    mutating func insert(_ token: UInt64, deadline: UInt64) -> UInt64 {
        let wanted = (deadline &+ (Self.tick - 1)) / Self.tick
        let tick = min(max(wanted, current), current + UInt64(Self.slots - 1))
        let slot = Int(tick % UInt64(Self.slots))
        let link = Link(token: token, next: heads[slot])
        if firstFree >= 0 {
            let place = Int(firstFree)
            firstFree = links[place].next
            links[place] = link
            heads[slot] = Int32(place)
        } else {
            heads[slot] = Int32(links.count)
            links.append(link)
        }
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
            let moment = (current + step) * Self.tick
            var place = heads[slot]
            while place >= 0 {
                let link = links[Int(place)]
                due.append(Entry(token: link.token, moment: moment))
                links[Int(place)].next = firstFree
                firstFree = place
                place = link.next
            }
            heads[slot] = -1
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
