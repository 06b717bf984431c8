/// Objects of one kind that wait to be used again, last in first out, so that the next one is still in the cache.
///
/// It notes how many of them nobody needed for a while. `trim`, called from time to time, lets go of a part of those:
/// what a burst left behind goes back to the allocator, and what a steady load needs is never touched. Not
/// thread-safe.
@frozen
public struct FreeList<Object: AnyObject> {
    @usableFromInline internal var free: [Object] = []
    /// The least that were free at any moment since the last `trim`: these were not needed.
    @usableFromInline internal var idle = 0
    @usableFromInline internal let most: Int
    @usableFromInline internal let reserve: Int

    /// - Parameters:
    ///   - most: objects kept at most; those that come back beyond that are let go.
    ///   - reserve: objects that `trim` leaves in any case, so that a request after a silence makes none.
    public init(most: Int, reserve: Int) {
        precondition(reserve >= 0 && most >= reserve, "a free list that keeps more than it may")
        self.most = most
        self.reserve = reserve
    }

    /// Objects that wait.
    @inlinable public var count: Int { free.count }

    /// The one that came back last; nil when there is none.
    @inlinable @inline(__always)
    public mutating func take() -> Object? {
        guard let object = free.popLast() else { return nil }
        if free.count < idle { idle = free.count }
        return object
    }

    /// Keeps an object for later, unless there are enough.
    @inlinable @inline(__always)
    public mutating func give(_ object: Object) {
        if free.count < most { free.append(object) }
    }

    /// Lets go of a half, rounded up, of those that nobody needed since the last call, the longest unused first.
    ///
    /// Called once a second, it has given a burst of thousands back in a quarter of a minute, while a load that comes in
    /// waves finds some of what it needs again.
    public mutating func trim() {
        let unneeded = min(idle, free.count - reserve)
        if unneeded > 0 { free.removeFirst((unneeded + 1) / 2) }
        idle = free.count
    }

    /// Lets go of all.
    public mutating func removeAll() {
        free = []
        idle = 0
    }
}
