/// Free buffers of one size, last in first out, so that the next one is still in the cache.
///
/// A worker owns its pools; they are not thread-safe. `take` allocates only when the pool is empty.
public final class BufferPool {
    private var free: FreeList<ByteBuffer>
    /// Bytes of each buffer at first.
    public let size: Int
    /// Buffers handed out and not given back.
    public private(set) var lent = 0
    /// Buffers ever allocated, to prove that a keep-alive request allocates none.
    public private(set) var made = 0

    /// Free buffers that `trim` leaves: more than a few connections hold at a time.
    private static let reserve = 16

    /// - Parameters:
    ///   - size: bytes of each buffer.
    ///   - keep: free buffers kept at most; what comes back beyond that is returned to the allocator.
    public init(size: Int, keep: Int) {
        self.size = size
        free = FreeList(most: keep, reserve: min(keep, Self.reserve))
    }

    /// Buffers that wait to be used again.
    public var kept: Int { free.count }

    /// An empty buffer, to be given back with `give`.
    public func take() -> ByteBuffer {
        lent += 1
        if let buffer = free.take() { return buffer }
        made += 1
        return ByteBuffer(capacity: size)
    }

    /// Takes a buffer back. One that grew past its pool's size is let go, so that a burst of large
    /// messages does not stay in memory.
    public func give(_ buffer: ByteBuffer) {
        lent -= 1
        if buffer.capacity <= size {
            buffer.clear()
            free.give(buffer)
        }
    }

    /// Lets go of some of the buffers that nobody needed since the last call; see `FreeList.trim`.
    public func trim() { free.trim() }
}
