import CLinux
import Glibc

/// A folder that is open, whose entries are looked at and removed by their names in it. A path can be made to lead elsewhere
/// between two calls, by a symbolic link that somebody puts on the way; an open folder cannot.
package struct OpenFolder: ~Copyable {
    /// What an entry is; a link is a link wherever it leads.
    package enum Kind: Sendable {
        case folder, link, other
    }

    package let path: String
    private let descriptor: FileDescriptor

    /// Opens the folder of this path. Links on the way, and in its own place, are followed: whoever calls trusts the path.
    package init(_ path: String) throws(FileError) {
        let raw = retrying { unsafe Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        guard raw >= 0 else { throw FileError(path: path, problem: .system(.last("open"))) }
        self.init(path: path, descriptor: FileDescriptor(owning: raw))
    }

    private init(path: String, descriptor: consuming FileDescriptor) {
        self.path = path
        self.descriptor = descriptor
    }

    /// Opens a folder in this one that root or the running user own; never through a link.
    package func folder(_ name: String) throws(FileError) -> OpenFolder {
        let path = "\(path)/\(name)"
        let raw = retrying {
            unsafe openat(descriptor.raw, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        }
        guard raw >= 0 else {
            let failure = SystemError.last("openat")
            if kind(of: name) == .link { throw FileError(path: path, problem: .link) }
            throw FileError(path: path, problem: .system(failure))
        }
        let folder = OpenFolder(path: path, descriptor: FileDescriptor(owning: raw))
        var status = stat()
        guard unsafe fstat(raw, &status) == 0 else { throw FileError(path: path, problem: .system(.last("fstat"))) }
        guard status.st_uid == 0 || status.st_uid == geteuid() else {
            throw FileError(path: path, problem: .foreignOwner(status.st_uid))
        }
        return folder
    }

    /// When the contents of what is there were changed last, seconds since 1970; nil when nothing is.
    package func changeTime(of name: String) -> Int64? {
        var status = stat()
        guard unsafe fstatat(descriptor.raw, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return nil }
        return Int64(status.st_mtim.tv_sec)
    }

    /// What is there under this name; nil when nothing is.
    package func kind(of name: String) -> Kind? {
        var status = stat()
        guard unsafe fstatat(descriptor.raw, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return nil }
        switch status.st_mode & S_IFMT {
        case S_IFDIR: return .folder
        case S_IFLNK: return .link
        default: return .other
        }
    }

    /// The names in it, as `FileReading.names` gives them.
    package func names(limit: Int = 100_000) throws(FileError) -> [String] {
        try list(limit: limit).map(\.name)
    }

    /// The same, each with what it is.
    package func entries(limit: Int = 100_000) throws(FileError) -> [(name: String, kind: Kind)] {
        try list(limit: limit).compactMap { entry in (entry.kind ?? kind(of: entry.name)).map { (entry.name, $0) } }
    }

    private func list(limit: Int) throws(FileError) -> [(name: String, kind: Kind?)] {
        // The stream closes what it is given.
        let raw = retrying { unsafe openat(descriptor.raw, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        guard raw >= 0 else { throw FileError(path: path, problem: .system(.last("openat"))) }
        guard let stream = unsafe fdopendir(raw) else {
            let failure = SystemError.last("fdopendir")
            _ = close(raw)
            throw FileError(path: path, problem: .system(failure))
        }
        return unsafe try FileReading.entries(of: stream, path, limit: limit)
    }

    /// Reads a regular file of it, as `FileReading.read` does; not through a link.
    package func read(
        _ name: String,
        limit: Int,
        trust: FileReading.Trust = .anyone
    ) throws(FileError) -> [UInt8] {
        let path = "\(path)/\(name)"
        let raw = retrying {
            unsafe openat(descriptor.raw, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW)
        }
        guard raw >= 0 else {
            let failure = SystemError.last("openat")
            throw FileError(path: path, problem: failure.code == ELOOP ? .link : .system(failure))
        }
        let file = FileDescriptor(owning: raw)
        let size = try FileReading.inspect(file.raw, path, limit: limit, trust: trust)
        return try FileReading.bytes(atMost: size, from: file.raw, path)
    }

    /// Removes a file or a link, where that can be done; one that is not there is no error.
    package func remove(_ name: String) {
        _ = unsafe unlinkat(descriptor.raw, name, 0)
    }

    /// Removes a file or a link for certain, also after a power cut; one that is not there is no error.
    package func delete(_ name: String) throws(FileError) {
        guard unsafe unlinkat(descriptor.raw, name, 0) == 0 else {
            if errno == ENOENT { return }
            throw FileError(path: "\(path)/\(name)", problem: .system(.last("unlink")))
        }
        guard fsync(descriptor.raw) == 0 else { throw FileError(path: path, problem: .system(.last("fsync"))) }
    }

    /// Removes a folder in this one, and the files and links in it, also those that a crash left. One that holds folders
    /// stays with them, and so does one that is no folder of root's or the running user's. What is not there is no error.
    ///
    /// - Parameter first: the file that goes before all others.
    package func removeFolder(_ name: String, first: String) {
        guard let folder = try? folder(name) else { return }
        folder.remove(first)
        for file in (try? folder.names()) ?? [] { folder.remove(file) }
        _ = unsafe unlinkat(descriptor.raw, name, AT_REMOVEDIR)
    }
}
