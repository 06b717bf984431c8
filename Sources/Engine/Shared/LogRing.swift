package import Bytes
package import Linux

/// A bounded ring of lines from one worker to one reader, in memory that both see.
///
/// The writer never waits: a line that does not fit is dropped. Positions only rise; the ring's size
/// is a power of two. Writer and reader may be in different processes.
@safe
package final class LogRing: Sendable {
    // Sound: the mapping outlives the ring; each byte is handed over by the release of `written`, and
    // back by the release of `read`, between one writer and one reader.
    private nonisolated(unsafe) let bytes: UnsafeMutableRawPointer
    private let mapping: SharedMapping
    private let written: Int
    private let read: Int
    /// Bytes of the ring, a power of two.
    package let size: Int

    /// Words that a ring of `size` bytes takes: a cache line for each position, then the bytes.
    package static func words(size: Int) -> Int { 16 + size / 8 }

    /// - Parameter first: the word of the mapping with which the ring begins.
    package init(_ mapping: SharedMapping, first: Int, size: Int) {
        precondition(size >= 8 && size & (size - 1) == 0, "a ring's size is a power of two")
        precondition(first + Self.words(size: size) <= mapping.count, "the ring does not fit in its mapping")
        self.mapping = mapping
        self.size = size
        written = first
        read = first + 8
        unsafe bytes = mapping.bytes(fromWord: first + 16)
    }

    /// Puts a line in. Only the writer's thread calls it.
    /// - Returns: false when there was no room, and nothing was written.
    package func write(_ line: Span<UInt8>) -> Bool {
        let end = mapping.load(written)
        let start = mapping.load(read)
        guard end &- start <= UInt64(size), line.count <= size - Int(end &- start) else { return false }
        let place = Int(end & UInt64(size - 1))
        let first = min(line.count, size - place)
        unsafe line.withUnsafeBytes { source in
            guard let base = source.baseAddress else { return }
            unsafe bytes.advanced(by: place).copyMemory(from: base, byteCount: first)
            unsafe bytes.copyMemory(from: base.advanced(by: first), byteCount: line.count - first)
        }
        mapping.store(written, end &+ UInt64(line.count))
        return true
    }

    /// Empties a ring whose positions make no sense, which only a writer that went wild leaves behind. A writer that
    /// was killed in the middle of a line leaves a sound ring, without that line. Call it while nobody writes.
    package func repair() {
        let end = mapping.load(written)
        if end &- mapping.load(read) > UInt64(size) { mapping.store(read, end) }
    }

    /// Appends what is there to `buffer`; it is then gone from the ring. Only the reader calls it.
    /// - Returns: bytes read.
    package func drain(into buffer: ByteBuffer) -> Int {
        let end = mapping.load(written)
        let start = mapping.load(read)
        guard end &- start <= UInt64(size) else { return 0 }
        let count = Int(end &- start)
        if count == 0 { return 0 }
        let place = Int(start & UInt64(size - 1))
        let first = min(count, size - place)
        let base = unsafe UnsafePointer(bytes.assumingMemoryBound(to: UInt8.self))
        unsafe buffer.append(Span(_unsafeStart: base.advanced(by: place), count: first))
        unsafe buffer.append(Span(_unsafeStart: base, count: count - first))
        mapping.store(read, end)
        return count
    }
}
