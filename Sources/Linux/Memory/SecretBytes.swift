import CLinux
import Glibc
import Synchronization

/// Bytes that must leave no trace: locked in memory where the kernel allows, left out of core dumps,
/// and overwritten when they are given up.
///
/// Not for several threads at once while it is being written.
@safe
package final class SecretBytes: @unchecked Sendable {
    /// How many bytes; stays what it is after `wipe`.
    package let count: Int
    // Sound: `base` points to `room` mapped bytes as long as self lives.
    private let base: UnsafeMutableRawPointer
    private let room: Int
    /// The kernel keeps it in memory.
    private let isLocked: Bool

    /// Addresses of rooms of one page that were given up: locked, left out of core dumps, and all zero. To have the
    /// kernel make one and take it back costs more than to read a key into it, and a start may read thousands.
    private static let spare = Mutex<[UInt]>([])
    /// Threads that read keys at a time have one or two each.
    private static let mostSpare = 8

    /// Room for `count` bytes, all zero.
    package init(count: Int) throws(SystemError) {
        precondition(count >= 0, "a count is not negative")
        let page = Int(getpagesize())
        self.count = count
        room = max(1, (count + page - 1) / page) * page
        if room == page, let address = Self.spare.withLock({ $0.popLast() }),
            let taken = unsafe UnsafeMutableRawPointer(bitPattern: address)
        {
            unsafe base = taken
            isLocked = true
            return
        }
        let address = unsafe mmap(nil, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let address = unsafe address, unsafe address != MAP_FAILED else { throw .last("mmap") }
        unsafe base = address
        isLocked = unsafe mlock(base, room) == 0
        _ = unsafe madvise(base, room, Int32(MADV_DONTDUMP))
    }

    /// A copy of `bytes`; wiping the original is the caller's part.
    package convenience init(copying bytes: Span<UInt8>) throws(SystemError) {
        try self.init(count: bytes.count)
        replace(at: 0, with: bytes)
    }

    deinit {
        wipe()
        let address = unsafe UInt(bitPattern: base)
        let isSpare = isLocked && room == Int(getpagesize())
        let isKept = Self.spare.withLock { spare in
            guard isSpare, spare.count < Self.mostSpare else { return false }
            spare.append(address)
            return true
        }
        if !isKept { _ = unsafe munmap(base, room) }
    }

    /// The bytes; all zero after `wipe`.
    package var bytes: Span<UInt8> {
        @_lifetime(borrow self) get {
            // Sound: `count` bytes are mapped and initialised, and live as long as self.
            let span = unsafe Span<UInt8>(_unsafeStart: base.assumingMemoryBound(to: UInt8.self), count: count)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// The bytes, for a system call that fills them.
    internal var memory: UnsafeMutableRawBufferPointer {
        unsafe UnsafeMutableRawBufferPointer(start: base, count: count)
    }

    /// Writes one byte.
    package func set(_ index: Int, _ value: UInt8) {
        precondition(index >= 0 && index < count, "byte index outside the secret")
        unsafe base.storeBytes(of: value, toByteOffset: index, as: UInt8.self)
    }

    /// Writes `source` at `offset`.
    package func replace(at offset: Int, with source: Span<UInt8>) {
        precondition(offset >= 0 && offset <= count && source.count <= count - offset, "bytes outside the secret")
        unsafe source.withUnsafeBytes { source in
            guard let first = source.baseAddress else { return }
            // Sound: there is room for all of it, as was just checked.
            unsafe base.advanced(by: offset).copyMemory(from: first, byteCount: source.count)
        }
    }

    /// Appends some of the bytes to an array, whose wiping is the caller's part.
    package func append(_ range: Range<Int>, to array: inout [UInt8]) {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "bytes outside the secret")
        // Sound: the bytes are mapped, and stay as they are while they are copied.
        unsafe array.append(
            contentsOf: UnsafeRawBufferPointer(start: base.advanced(by: range.lowerBound), count: range.count)
        )
    }

    /// Overwrites all bytes with zero, in a way that the optimiser keeps (explicit_bzero(3)).
    package func wipe() {
        unsafe explicit_bzero(base, room)
    }
}

extension [UInt8] {
    /// Overwrites the array's own storage with zero. Copies made before are out of reach.
    package mutating func wipe() {
        unsafe withUnsafeMutableBytes { buffer in
            guard let base = buffer.baseAddress else { return }
            unsafe explicit_bzero(base, buffer.count)
        }
    }
}
