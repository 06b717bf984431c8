import Glibc
import Linux
import Testing

@Suite("What malloc does with memory that was freed")
struct AllocatorTests {
    @Test("large blocks are mappings of their own, and are gone when they are freed")
    func large() {
        Allocator.giveBackLargeBlocks()
        // By itself, malloc would take this size for the one from which on blocks are mappings.
        unsafe free(malloc(4 << 20))
        let before = Allocator.largeBlocks
        let blocks = (0..<1000).map { _ in unsafe UInt(bitPattern: malloc(Allocator.largeBlock)) }
        // Other tests allocate at the same time, but not tens of megabytes.
        #expect(Allocator.largeBlocks - before > 50 << 20)
        for block in blocks { unsafe free(UnsafeMutableRawPointer(bitPattern: block)) }
        #expect(Allocator.largeBlocks - before < 20 << 20)
    }
}
