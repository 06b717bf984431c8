import CLinux
import Glibc
import Synchronization

/// Memory of a fixed size that several processes map, made of 64-bit words that are read and written
/// atomically. Safe to use from every thread and process; it outlives each of them.
///
/// Words that different threads write belong on different cache lines: eight words to a line.
@safe
package final class SharedMapping: Sendable {
    /// The descriptor of the memory, to pass on.
    package let descriptor: FileDescriptor
    /// How many words there are.
    package let count: Int
    // Sound: the mapping lives as long as self, is never moved, and is only touched through Atomic.
    internal nonisolated(unsafe) let words: UnsafeMutablePointer<Atomic<UInt64>>

    /// Makes new memory, all zero.
    package convenience init(name: String, words count: Int) throws(SystemError) {
        precondition(count > 0, "a mapping has words")
        let memory = try Self.memory(name: name)
        guard ftruncate(memory.raw, count * 8) == 0 else { throw .last("ftruncate") }
        // Sealed in size, so that no holder can make another one fault.
        guard fcntl(memory.raw, 1033, 0x0001 | 0x0002 | 0x0004) == 0 else { throw .last("fcntl(F_ADD_SEALS)") }
        try self.init(adopting: memory, words: count)
    }

    /// Maps memory that another process made.
    ///
    /// - Throws: EINVAL when it does not hold exactly `words` words.
    package init(adopting descriptor: consuming FileDescriptor, words count: Int) throws(SystemError) {
        guard count > 0, lseek(descriptor.raw, 0, SEEK_END) == count * 8 else {
            throw SystemError("mmap of shared memory of another size", EINVAL)
        }
        let address = unsafe mmap(nil, count * 8, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor.raw, 0)
        guard let address = unsafe address, unsafe address != MAP_FAILED else { throw .last("mmap") }
        self.descriptor = descriptor
        self.count = count
        unsafe words = address.assumingMemoryBound(to: Atomic<UInt64>.self)
    }

    deinit { _ = unsafe munmap(words, count * 8) }

    package func load(_ index: Int) -> UInt64 {
        precondition(index >= 0 && index < count, "word outside the mapping")
        return unsafe words[index].load(ordering: .acquiring)
    }

    package func store(_ index: Int, _ value: UInt64) {
        precondition(index >= 0 && index < count, "word outside the mapping")
        unsafe words[index].store(value, ordering: .releasing)
    }

    /// Adds, wrapping around, for words that several threads write. Returns the value before.
    @discardableResult
    package func add(_ index: Int, _ value: UInt64) -> UInt64 {
        precondition(index >= 0 && index < count, "word outside the mapping")
        return unsafe words[index].wrappingAdd(value, ordering: .relaxed).oldValue
    }

    /// An empty anonymous file in memory, sealable and close-on-exec.
    internal static func memory(name: String) throws(SystemError) -> FileDescriptor {
        let raw = unsafe memfd_create(name, UInt32(MFD_CLOEXEC) | UInt32(MFD_ALLOW_SEALING))
        guard raw >= 0 else { throw .last("memfd_create") }
        return FileDescriptor(owning: raw)
    }
}
