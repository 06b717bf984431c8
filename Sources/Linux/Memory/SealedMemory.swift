import CLinux
import Glibc

/// Bytes handed to another process in memory that nobody can change any more (memfd_create(2)).
///
/// Never for secrets: sealed memory cannot be wiped.
package enum SealedMemory {
    private static let sizeSeals: Int32 = 0x0002 | 0x0004
    /// F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE.
    private static let allSeals: Int32 = 0x0001 | sizeSeals | 0x0008
    private static let addSeals: Int32 = 1033
    private static let getSeals: Int32 = 1034

    /// Copies `bytes` into new memory and seals it.
    package static func create(name: String, _ bytes: [UInt8]) throws(SystemError) -> FileDescriptor {
        let memory = try SharedMapping.memory(name: name)
        try FileWriting.writeAll(bytes.span, to: memory.raw)
        guard fcntl(memory.raw, addSeals, allSeals) == 0 else { throw .last("fcntl(F_ADD_SEALS)") }
        return memory
    }

    /// Reads sealed memory that another process made.
    ///
    /// - Throws: EPERM when it is not sealed against change, EFBIG when it holds more than `limit` bytes.
    package static func read(_ descriptor: Int32, limit: Int) throws(SystemError) -> [UInt8] {
        let seals = fcntl(descriptor, getSeals, 0)
        guard seals >= 0 else { throw .last("fcntl(F_GET_SEALS)") }
        guard seals & (allSeals & ~1) == allSeals & ~1 else { throw SystemError("read of unsealed memory", EPERM) }
        // lseek, not fstat: it is one of the few calls that the data plane may make.
        let size = lseek(descriptor, 0, SEEK_END)
        guard size >= 0 else { throw .last("lseek") }
        guard size <= limit else { throw SystemError("read of sealed memory", EFBIG) }
        var failure: SystemError?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            while count < size {
                // Sound: the rest of the buffer has size - count bytes of room.
                let got = retrying {
                    unsafe pread(descriptor, buffer.baseAddress?.advanced(by: count), size - count, count)
                }
                guard got > 0 else {
                    failure = got == 0 ? SystemError("pread", EIO) : .last("pread")
                    return
                }
                count += got
            }
        }
        if let failure { throw failure }
        return bytes
    }
}
