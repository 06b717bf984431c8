import CLinux
import Glibc
import Linux
import Testing

@Suite("What malloc does with memory that was freed")
struct AllocatorTests {
    /// Bytes in large blocks of this process.
    private static var largeBlocks: Int { Int(mallinfo2().hblkhd) }

    // In a process of its own: malloc's settings and its count of mappings are the whole process's.
    @Test("large blocks are mappings of their own, and are gone when they are freed")
    func large() async {
        await #expect(processExitsWith: .success) {
            Allocator.giveBackLargeBlocks()
            // By itself, malloc would take this size for the one from which on blocks are mappings.
            unsafe free(malloc(4 << 20))
            let before = AllocatorTests.largeBlocks
            let blocks = (0..<1000).map { _ in unsafe UInt(bitPattern: malloc(Allocator.largeBlock)) }
            #expect(AllocatorTests.largeBlocks - before >= 1000 * Allocator.largeBlock)
            for block in blocks { unsafe free(UnsafeMutableRawPointer(bitPattern: block)) }
            // A thread of the runtime may have taken one meanwhile; a thousand may not stay.
            #expect(AllocatorTests.largeBlocks < before + 10 * Allocator.largeBlock)
        }
    }
}
