import CLinux
import Glibc

/// What libc's malloc does with memory that was freed (mallopt(3)).
package enum Allocator {
    /// Bytes from which on a block is a mapping of its own.
    package static let largeBlock = 65536
    /// Bytes at the end of each thread's heap that stay when they are free, so that waves of small blocks cost no calls.
    private static let spare = 1 << 20

    /// Has large blocks go back to the kernel as soon as they are freed.
    ///
    /// Left to itself, malloc raises the size from which on it does so to that of the largest block it ever saw freed.
    /// Buffers then lie among small blocks that stay, and the memory of a burst is never seen again. Call it before
    /// there are threads.
    package static func giveBackLargeBlocks() {
        mallopt(M_MMAP_THRESHOLD, Int32(largeBlock))
        mallopt(M_TRIM_THRESHOLD, Int32(spare))
    }

    /// Has memory that was freed stay with the process, for the next who asks.
    ///
    /// For work that takes much memory and frees it, again and again, until the process ends: left to itself, malloc
    /// gives it back each time, and the kernel clears it each time anew. Call it before there are threads.
    package static func keepFreedMemory() {
        // The largest that malloc takes (DEFAULT_MMAP_THRESHOLD_MAX).
        mallopt(M_MMAP_THRESHOLD, 32 << 20)
        mallopt(M_TRIM_THRESHOLD, Int32.max)
        mallopt(M_TOP_PAD, Int32(spare))
    }

    /// Gives back to the kernel what lies free between blocks in use (malloc_trim(3)): 32 to 55 ms for 130 MiB, during
    /// which a thread that allocates may wait 12 ms.
    package static func giveBackFreeMemory() { malloc_trim(0) }
}
