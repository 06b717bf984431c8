import CLinux
import Glibc

/// A lock among the processes of this machine, by a file that stays (flock(2)). Gone with its holder, however
/// that ends.
package struct FileLock: ~Copyable, Sendable {
    private let file: FileDescriptor

    /// A program that inherits this descriptor holds the lock, too, until it has ended.
    package var raw: Int32 { file.raw }

    /// Takes the lock, and makes its file (mode 0600) when there is none.
    ///
    /// - Parameter milliseconds: how long another process may hold it.
    /// - Throws: EWOULDBLOCK when it was held for all that time.
    package static func take(_ path: String, within milliseconds: Int) throws(FileError) -> FileLock {
        var raw = retrying { unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600) }
        // A file that is there can be locked where nothing can be written.
        if raw < 0, errno == EROFS {
            raw = retrying { unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) }
            // One that is not there could be made, but for that.
            if raw < 0, errno == ENOENT { errno = EROFS }
        }
        guard raw >= 0 else { throw FileError(path: path, problem: .system(.last("open"))) }
        let file = FileDescriptor(owning: raw)
        var left = milliseconds
        while flock(raw, LOCK_EX | LOCK_NB) != 0 {
            guard errno == EWOULDBLOCK || errno == EINTR, left > 0 else {
                throw FileError(path: path, problem: .system(.last("flock")))
            }
            Thread.pause(milliseconds: 10)
            left -= 10
        }
        return FileLock(file: file)
    }

    /// Writes into its file who holds it, in place of what is there; what cannot be written is only not known to others.
    package func sign(_ text: String) {
        let bytes = Array(text.utf8)
        guard ftruncate(file.raw, 0) == 0, lseek(file.raw, 0, SEEK_SET) == 0 else { return }
        try? FileWriting.writeAll(bytes.span, to: file.raw)
    }

    /// Ends the lock, for programs that have inherited it, too.
    package func release() { _ = flock(file.raw, LOCK_UN) }

    /// Whether somebody holds the lock now. Nothing is made, so that it can be asked of a file system that is read-only.
    package static func isHeld(_ path: String) -> Bool {
        let raw = retrying { unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) }
        guard raw >= 0 else { return false }
        let file = FileDescriptor(owning: raw)
        return flock(file.raw, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK
    }

    private init(file: consuming FileDescriptor) {
        self.file = file
    }
}
