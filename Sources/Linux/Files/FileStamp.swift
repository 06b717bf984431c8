import CLinux
import Glibc

/// What tells one content of a file from another without reading it: which file it is, its size, when it was
/// written, and who may have it. Follows symbolic links.
///
/// Whoever writes may set the time of writing, as tools do that copy it (`rsync -t`, `cp -p`); when that was done last (ctime)
/// nobody sets.
package struct FileStamp: Hashable, Sendable {
    private let device: UInt64
    private let inode: UInt64
    private let size: Int64
    private let seconds: Int64
    private let nanoseconds: Int64
    private let changeSeconds: Int64
    private let changeNanoseconds: Int64
    private let mode: UInt32
    private let user: UInt32
    private let group: UInt32

    package var isEmpty: Bool { size == 0 }

    /// nil when there is no such file, or it cannot be looked at.
    package init?(_ path: String) {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return nil }
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        size = Int64(status.st_size)
        seconds = Int64(status.st_mtim.tv_sec)
        nanoseconds = Int64(status.st_mtim.tv_nsec)
        changeSeconds = Int64(status.st_ctim.tv_sec)
        changeNanoseconds = Int64(status.st_ctim.tv_nsec)
        mode = status.st_mode
        user = status.st_uid
        group = status.st_gid
    }
}
