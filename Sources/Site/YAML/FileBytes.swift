import Glibc

/// Reads a file that strangers may have written.
///
/// Unsafe code here is `read` into an own array, no further than its count, the first eight bytes of a `timespec`, which are
/// its seconds, and the copy of a message out of libc.
enum FileBytes {
    /// Sites of 5,000 hosts have half a megabyte.
    static let maximumSize = ByteSize.kibibytes(16 * 1024)

    enum Failure: Error {
        /// A system call failed, with this `errno`.
        case system(Int32)
        case notAFile
        case tooLarge
    }

    /// The whole of a regular file, and when that was changed last, in seconds since 1970. Its size is looked at before a
    /// byte is read.
    static func read(_ path: String) throws(Failure) -> (bytes: [UInt8], modified: Int64) {
        // A FIFO would hold a blocking open up for ever.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw .system(errno) }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw .system(errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notAFile }
        guard status.st_size <= maximumSize.bytes else { throw .tooLarge }
        // One byte more than allowed, so that a file that grew meanwhile is noticed.
        var bytes = [UInt8](repeating: 0, count: min(Int(status.st_size) + 1, maximumSize.bytes + 1))
        var count = 0
        while true {
            if count == bytes.count {
                guard count <= maximumSize.bytes else { throw .tooLarge }
                bytes.append(contentsOf: repeatElement(0, count: min(count, maximumSize.bytes + 1 - count)))
            }
            let got = unsafe bytes.withUnsafeMutableBytes { buffer in
                unsafe Glibc.read(descriptor, buffer.baseAddress! + count, buffer.count - count)
            }
            if got == 0 { break }
            guard got > 0 || errno == EINTR else { throw .system(errno) }
            count += max(got, 0)
        }
        bytes.removeLast(bytes.count - count)
        // Swift knows no owner of this type's members here.
        let modified = unsafe withUnsafeBytes(of: status.st_mtim) { unsafe $0.load(as: Int64.self) }
        return (bytes, modified)
    }

    /// libc's words for an error.
    static func message(_ code: Int32) -> String {
        unsafe String(cString: strerror(code))
    }
}
