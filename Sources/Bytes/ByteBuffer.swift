/// A growable run of bytes, written at its end and consumed from its start.
///
/// This is the one place where the data path touches raw memory on its own account: parsers read it
/// as `Span`, system calls and OpenSSL write into its spare room. Memory is never zeroed and never
/// shrinks; `BufferPool` decides what is kept. Not thread-safe: a buffer belongs to one worker.
///
/// A `Span` taken from a buffer depends on the reference it was taken from, so bind the buffer to a
/// local constant first: `let input = connection.input; parse(input.readable)`. A span must not be
/// used after the buffer has been appended to, consumed from or cleared.
@safe
public final class ByteBuffer {
    @usableFromInline internal var base: UnsafeMutableRawPointer
    @usableFromInline internal var room: Int
    @usableFromInline internal var start = 0
    @usableFromInline internal var end = 0

    /// What malloc gives by itself. It cuts a block that is to lie at a rounder address out of a larger one, and leaves
    /// holes into which the next such block does not fit.
    private static let alignment = 16

    /// - Parameter capacity: bytes of room at first; at least 1.
    public init(capacity: Int) {
        precondition(capacity > 0, "a buffer has room")
        unsafe base = .allocate(byteCount: capacity, alignment: Self.alignment)
        room = capacity
    }

    deinit { unsafe base.deallocate() }

    /// Bytes that can be read.
    @inlinable @inline(__always) public var count: Int { end - start }
    /// Whether there is nothing to read.
    @inlinable @inline(__always) public var isEmpty: Bool { end == start }
    /// Bytes of memory held.
    @inlinable public var capacity: Int { room }
    /// Bytes that can be appended without growing or moving.
    @inlinable @inline(__always) public var spare: Int { room - end }

    /// What has been written and not yet consumed.
    @inlinable public var readable: Span<UInt8> {
        @inline(__always) @_lifetime(borrow self) get {
            // Sound: start...end is always inside the allocation and initialised by append or commit.
            let first = unsafe UnsafePointer(base.advanced(by: start).assumingMemoryBound(to: UInt8.self))
            let span = unsafe Span(_unsafeStart: first, count: end - start)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// The bytes of one slice, counted from the start of `readable`.
    @inlinable @inline(__always) @_lifetime(borrow self) public func span(_ slice: Slice) -> Span<UInt8> {
        let whole = readable
        return whole.extracting(Int(slice.offset)..<(Int(slice.offset) + Int(slice.length)))
    }

    /// One byte, counted from the start of `readable`; traps outside of it.
    @inlinable @inline(__always) public subscript(index: Int) -> UInt8 {
        precondition(index >= 0 && index < end - start, "byte index outside the buffer")
        return unsafe base.load(fromByteOffset: start + index, as: UInt8.self)
    }

    /// Turns one readable byte into lower case.
    @inlinable public func lowercase(at index: Int) {
        unsafe base.storeBytes(of: self[index].asciiLowercased, toByteOffset: start + index, as: UInt8.self)
    }

    /// Drops `count` bytes from the start.
    @inlinable @inline(__always) public func consume(_ count: Int) {
        precondition(count >= 0 && count <= end - start, "consumed more than there is")
        start += count
        if start == end {
            start = 0
            end = 0
        }
    }

    /// Drops bytes from the end, down to `count` readable ones.
    @inlinable public func truncate(to count: Int) {
        precondition(count >= 0 && count <= end - start, "truncated to more than there is")
        end = start + count
    }

    /// Drops all that can be read; the memory stays.
    @inlinable @inline(__always) public func clear() {
        start = 0
        end = 0
    }

    /// Makes room for `count` more bytes: moves what is unread to the front, or grows by doubling.
    @inlinable @inline(__always) public func reserve(_ count: Int) {
        if room - end < count { makeRoom(count) }
    }

    @usableFromInline internal func makeRoom(_ count: Int) {
        let held = end - start
        if room - held >= count {
            unsafe base.copyMemory(from: base.advanced(by: start), byteCount: held)
        } else {
            let wanted = max(room * 2, held + count)
            let fresh = UnsafeMutableRawPointer.allocate(byteCount: wanted, alignment: Self.alignment)
            unsafe fresh.copyMemory(from: base.advanced(by: start), byteCount: held)
            unsafe base.deallocate()
            unsafe base = fresh
            room = wanted
        }
        start = 0
        end = held
    }

    /// Appends one byte.
    @inlinable @inline(__always) public func append(_ byte: UInt8) {
        reserve(1)
        unsafe base.storeBytes(of: byte, toByteOffset: end, as: UInt8.self)
        end += 1
    }

    /// Appends a copy of `bytes`, which must not be this buffer's own.
    @inlinable public func append(_ bytes: Span<UInt8>) {
        let count = bytes.count
        if count == 0 { return }
        reserve(count)
        unsafe bytes.withUnsafeBytes { source in
            if let first = source.baseAddress {
                unsafe base.advanced(by: end).copyMemory(from: first, byteCount: count)
            }
        }
        end += count
    }

    /// Appends a copy of its own bytes, counted from the start of `readable`.
    public func appendCopy(of slice: Slice) {
        precondition(Int(slice.offset) + slice.count <= count, "a slice outside the buffer")
        reserve(slice.count)
        // Sound: the slice ends where the room that is written to begins, or before it.
        unsafe base.advanced(by: end).copyMemory(
            from: base.advanced(by: start + Int(slice.offset)),
            byteCount: slice.count
        )
        end += slice.count
    }

    /// Appends a literal, without making a `String` of it.
    @inlinable @inline(__always) public func append(_ text: StaticString) {
        let count = text.utf8CodeUnitCount
        reserve(count)
        unsafe base.advanced(by: end).copyMemory(from: text.utf8Start, byteCount: count)
        end += count
    }

    /// Appends a copy of `bytes`.
    @inlinable public func append(_ bytes: [UInt8]) {
        append(bytes.span)
    }

    /// Appends the UTF-8 of `text`. Costs more than the other forms: not for the request path.
    public func append(string text: String) {
        var copy = text
        copy.withUTF8 { bytes in
            unsafe append(bytes.span)
        }
    }

    /// Lets `body` write into at least `minimum` bytes of spare room; the number it returns is then readable.
    ///
    /// `body` must return how many bytes it initialised from the front, 0 to the room's count.
    @inlinable @unsafe
    public func appendUninitialized(minimum: Int, _ body: (UnsafeMutableRawBufferPointer) -> Int) {
        reserve(minimum)
        let written = unsafe body(UnsafeMutableRawBufferPointer(start: base.advanced(by: end), count: room - end))
        precondition(written >= 0 && written <= room - end, "wrote past the buffer")
        end += written
    }

    /// The readable bytes for a C call that must not keep the pointer.
    @inlinable @unsafe
    public func withUnsafeReadable<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
        unsafe body(UnsafeRawBufferPointer(start: base.advanced(by: start), count: end - start))
    }

    /// Overwrites all memory held, for buffers that carried a secret.
    public func wipe() {
        unsafe base.initializeMemory(as: UInt8.self, repeating: 0, count: room)
        clear()
    }

    /// The readable bytes as text; ill-formed UTF-8 becomes U+FFFD. For logs and tests.
    public var text: String {
        unsafe withUnsafeReadable { unsafe String(decoding: $0, as: UTF8.self) }
    }

    /// A copy of the readable bytes.
    public var array: [UInt8] {
        unsafe withUnsafeReadable { unsafe Array($0) }
    }
}

/// A run of bytes inside a buffer: offset from its start, and length. 4 GiB at most.
@frozen
public struct Slice: Equatable, Sendable {
    /// Bytes before it.
    public var offset: UInt32
    /// Bytes in it.
    public var length: UInt32

    /// Both at least 0 and below 4 GiB.
    @inlinable @inline(__always) public init(offset: Int, length: Int) {
        self.offset = UInt32(offset)
        self.length = UInt32(length)
    }

    /// The run of no bytes.
    @inlinable @inline(__always) public static var empty: Slice { Slice(offset: 0, length: 0) }
    /// Whether it has no bytes.
    @inlinable public var isEmpty: Bool { length == 0 }
    /// Bytes in it, as the language counts.
    @inlinable @inline(__always) public var count: Int { Int(length) }
}
