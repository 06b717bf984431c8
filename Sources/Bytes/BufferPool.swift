/// Free buffers of one size, last in first out, so that the next one is still in the cache.
///
/// A worker owns its pools; they are not thread-safe. `take` allocates only when the pool is empty.
public final class BufferPool {
    private var free: [ByteBuffer] = []
    private let keep: Int
    /// Bytes of each buffer at first.
    public let size: Int
    /// Buffers handed out and not given back.
    public private(set) var lent = 0
    /// Buffers ever allocated, to prove that a keep-alive request allocates none.
    public private(set) var made = 0

    /// - Parameters:
    ///   - size: bytes of each buffer.
    ///   - keep: free buffers kept at most; what comes back beyond that is returned to the allocator.
    public init(size: Int, keep: Int) {
        self.size = size
        self.keep = keep
        free.reserveCapacity(keep)
    }

    /// An empty buffer, to be given back with `give`.
    public func take() -> ByteBuffer {
        lent += 1
        if let buffer = free.popLast() { return buffer }
        made += 1
        return ByteBuffer(capacity: size)
    }

    /// Takes a buffer back. One that grew past its pool's size is let go, so that a burst of large
    /// messages does not stay in memory.
    public func give(_ buffer: ByteBuffer) {
        lent -= 1
        if free.count < keep && buffer.capacity <= size {
            buffer.clear()
            free.append(buffer)
        }
    }
}
