import CLinux
import Glibc

/// Several files written so that a reader, also one after a power cut, sees the old content or the new one of each: all are
/// written beside their places, brought to the disk, and only then renamed over, in the order in which they came.
///
/// What brings a few files to the disk are calls for each of them and of their folders (fsync(2)); many thousands of such
/// calls take minutes on a disk that takes milliseconds for each, so many files are brought there by one call for their
/// whole file system (syncfs(2), which tells of failed writes from Linux 5.8 on).
package struct FileBatch: ~Copyable {
    /// Up to this many the file system is not asked to write what is others'.
    private static let few = 8

    private let folder: FileDescriptor
    private let path: String
    private var files: [(scratch: String, path: String)] = []
    private var isOnDisk = false

    /// - Parameter folder: on whose file system all of them are.
    package init(on folder: String) throws(FileError) {
        let raw = retrying { unsafe Glibc.open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        guard raw >= 0 else { throw FileError(path: folder, problem: .system(.last("open"))) }
        self.folder = FileDescriptor(owning: raw)
        path = folder
    }

    deinit { for file in files { FileWriting.remove(file.scratch) } }

    /// Writes a file beside its place, where nobody takes note of it yet.
    ///
    /// - Parameter mode: permission bits, whatever the process' umask is.
    package mutating func add(_ path: String, _ bytes: Span<UInt8>, mode: UInt32) throws(FileError) {
        let scratch = FileWriting.scratch(beside: path)
        files.append((scratch, path))
        do throws(SystemError) {
            let file = try FileWriting.openScratch(scratch, mode: mode)
            try FileWriting.writeAll(bytes, to: file.raw)
        } catch {
            throw FileError(path: path, problem: .system(error))
        }
    }

    /// Brings all of them to the disk, beside their places: what it has no room for shows here. Nothing may be added then.
    package mutating func settle() throws(FileError) {
        guard !isOnDisk else { return }
        if isFew { for file in files { try synchronise(file.scratch) } } else { try synchroniseAll() }
        isOnDisk = true
    }

    private var isFew: Bool { files.count <= Self.few }

    /// Puts all of them in their places. Where that fails in the middle, those that came before are there.
    package mutating func commit() throws(FileError) {
        try settle()
        let (root, isFew) = (path, isFew)
        let folders = Set(files.flatMap { Self.folders(above: $0.path, upTo: root) })
        while let file = files.first {
            guard unsafe rename(file.scratch, file.path) == 0 else {
                throw FileError(path: file.path, problem: .system(.last("rename")))
            }
            files.removeFirst()
        }
        guard isFew else { return try synchroniseAll() }
        for folder in folders {
            do throws(SystemError) {
                try FileWriting.synchroniseFolder(folder)
            } catch {
                throw FileError(path: folder, problem: .system(error))
            }
        }
    }

    /// The folder of a file and those above it up to the batch's: where one was made just now, it is in its parent's hands.
    private static func folders(above file: String, upTo root: String) -> [String] {
        var folders = [FileWriting.split(file).folder]
        while let last = folders.last, last.hasPrefix(root + "/") { folders.append(FileWriting.split(last).folder) }
        return folders
    }

    private func synchronise(_ path: String) throws(FileError) {
        let raw = retrying { unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) }
        guard raw >= 0 else { throw FileError(path: path, problem: .system(.last("open"))) }
        let file = FileDescriptor(owning: raw)
        guard fsync(file.raw) == 0 else { throw FileError(path: path, problem: .system(.last("fsync"))) }
    }

    private func synchroniseAll() throws(FileError) {
        guard syncfs(folder.raw) == 0 else {
            throw FileError(path: files.first?.path ?? "the file system", problem: .system(.last("syncfs")))
        }
    }
}
