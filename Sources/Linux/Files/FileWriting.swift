import CLinux
import Glibc

/// Files written so that a reader, also one after a power cut, sees the old content or the new one.
package enum FileWriting {
    /// Writes beside `path`, brings it to the disk, and renames it over.
    ///
    /// - Parameter mode: permission bits, whatever the process' umask is.
    package static func replace(_ path: String, with bytes: Span<UInt8>, mode: UInt32) throws(FileError) {
        let scratch = scratch(beside: path)
        do throws(SystemError) {
            let file = try openScratch(scratch, mode: mode)
            do throws(SystemError) {
                try writeAll(bytes, to: file.raw)
                guard fsync(file.raw) == 0 else { throw .last("fsync") }
                guard unsafe rename(scratch, path) == 0 else { throw .last("rename") }
            } catch {
                _ = unsafe unlink(scratch)
                throw error
            }
            try synchroniseFolder(split(path).folder)
        } catch {
            throw FileError(path: path, problem: .system(error))
        }
    }

    /// Threads of one process may write the same file at a time; the last one to be done counts. So may processes of which
    /// each counts its own from 1, in containers or on several machines.
    internal static func scratch(beside path: String) -> String {
        let (folder, name) = split(path)
        return "\(folder)/.\(name).\(process).\(Thread.currentIdentifier)"
    }

    /// The name of the file that one in the same folder was written beside of; nil when that is no such file.
    package static func target(ofScratch name: String) -> String? {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count > 3, parts[0].isEmpty, Int(parts[parts.count - 1]) != nil else { return nil }
        return parts[1..<(parts.count - 2)].joined(separator: ".")
    }

    /// What tells this process from others that write into the same folder, wherever they run.
    private static let process = String(UInt64.random(in: 0 ... .max), radix: 36)

    /// Makes a file that is there for this writer alone; what one before left is gone.
    internal static func openScratch(_ scratch: String, mode: UInt32) throws(SystemError) -> FileDescriptor {
        _ = unsafe unlink(scratch)
        let raw = retrying {
            unsafe Glibc.open(scratch, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
        }
        guard raw >= 0 else { throw .last("open") }
        let file = FileDescriptor(owning: raw)
        guard fchmod(raw, mode) == 0 else { throw .last("fchmod") }
        return file
    }

    /// Makes a folder for the running user alone (mode 0700), and those above it that are missing (0755).
    ///
    /// A folder that is there must belong to root or to the running user and be writable by nobody else.
    ///
    /// - Parameters:
    ///   - isBatched: a `FileBatch` brings it to the disk with what comes into it; else it is there when this returns, also
    ///     after a power cut.
    ///   - followsLink: whether a link to such a folder will do, where the path is the operator's own choice.
    package static func createFolder(
        _ path: String,
        isBatched: Bool = false,
        followsLink: Bool = false
    ) throws(FileError) {
        let (above, _) = split(path)
        if above != "/", above != ".", !exists(above) { try createParents(above) }
        if unsafe mkdir(path, 0o700) == 0 {
            if isBatched { return }
            do throws(SystemError) {
                return try synchroniseFolder(above)
            } catch {
                throw FileError(path: above, problem: .system(error))
            }
        }
        guard errno == EEXIST else { throw FileError(path: path, problem: .system(.last("mkdir"))) }
        try requireOwn(folder: path, followsLink: followsLink)
    }

    /// Fails where there is no folder, or one that others than root and the running user own or may write.
    package static func requireOwn(folder path: String, followsLink: Bool = false) throws(FileError) {
        var status = stat()
        guard unsafe fstatat(AT_FDCWD, path, &status, followsLink ? 0 : AT_SYMLINK_NOFOLLOW) == 0 else {
            throw FileError(path: path, problem: .system(.last("stat")))
        }
        guard status.st_mode & S_IFMT != S_IFLNK else { throw FileError(path: path, problem: .link) }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw FileError(path: path, problem: .system(SystemError("mkdir", ENOTDIR)))
        }
        guard status.st_uid == 0 || status.st_uid == geteuid() else {
            throw FileError(path: path, problem: .foreignOwner(status.st_uid))
        }
        let mode = status.st_mode & 0o7777
        guard mode & 0o022 == 0 else {
            // The advice is the mode that it would have been made with.
            throw FileError(path: path, problem: .tooOpen(mode: mode, excess: 0o077))
        }
    }

    /// Fails where a file or folder, or what a link there leads to, belongs to others than root and the running user. One that
    /// is not there, or cannot be looked at, is nobody's.
    package static func requireOwner(_ path: String) throws(FileError) {
        var status = stat()
        guard unsafe stat(path, &status) == 0, status.st_uid != 0, status.st_uid != geteuid() else { return }
        throw FileError(path: path, problem: .foreignOwner(status.st_uid))
    }

    /// Whether this user, and nobody else, owns a file or folder.
    package static func isOwn(_ path: String) -> Bool {
        var status = stat()
        return unsafe stat(path, &status) == 0 && status.st_uid == geteuid()
    }

    private static func createParents(_ path: String) throws(FileError) {
        let (above, _) = split(path)
        if above != "/", above != ".", !exists(above) { try createParents(above) }
        guard unsafe mkdir(path, 0o755) == 0 || errno == EEXIST else {
            throw FileError(path: path, problem: .system(.last("mkdir")))
        }
    }

    /// Whether there is a file or folder, also one that may not be read.
    package static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

    /// Fails when this user could not make `path` a folder and write in it: says of which folder above it the
    /// right is missing.
    package static func requireWritable(folder path: String) throws(FileError) {
        guard unsafe access(path, W_OK | X_OK) != 0 else { return }
        let failure = SystemError.last("access")
        let (above, _) = split(path)
        guard failure.code == ENOENT, above != path else { throw FileError(path: path, problem: .system(failure)) }
        try requireWritable(folder: above)
    }

    /// Fails when this user may not both read and write a file that is there. Opens nothing.
    package static func requireUsable(_ path: String) throws(FileError) {
        guard unsafe access(path, R_OK | W_OK) != 0 else { return }
        throw FileError(path: path, problem: .system(.last("access")))
    }

    /// Bytes that this user may still write on the file system of a folder, and how many files and folders may still be made there;
    /// quotas are not looked at.
    package static func room(in path: String) throws(FileError) -> (bytes: Int, files: Int) {
        var status = statvfs()
        guard retrying({ unsafe statvfs(path, &status) }) == 0 else {
            throw FileError(path: path, problem: .system(.last("statvfs")))
        }
        let blocks = geteuid() == 0 ? status.f_bfree : status.f_bavail
        let files = geteuid() == 0 ? status.f_ffree : status.f_favail
        return (
            Int(clamping: blocks.multipliedReportingOverflow(by: status.f_frsize).partialValue),
            // Some file systems have no bound, and say 0 of all.
            status.f_files == 0 ? .max : Int(clamping: files)
        )
    }

    /// Whether there is a symbolic link in this place, wherever it leads.
    package static func isLink(_ path: String) -> Bool {
        var status = stat()
        return unsafe lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
    }

    /// Removes a file for certain, also after a power cut; one that is not there is no error.
    package static func delete(_ path: String) throws(FileError) {
        do throws(SystemError) {
            guard unsafe unlink(path) == 0 else {
                if errno == ENOENT { return }
                throw .last("unlink")
            }
            try synchroniseFolder(split(path).folder)
        } catch {
            throw FileError(path: path, problem: .system(error))
        }
    }

    /// Gives a file another name in its folder, for certain; one that has that name is not replaced.
    package static func move(_ path: String, to other: String) throws(FileError) {
        do throws(SystemError) {
            guard unsafe renameat2(AT_FDCWD, path, AT_FDCWD, other, UInt32(RENAME_NOREPLACE)) == 0 else {
                throw .last("rename")
            }
            try synchroniseFolder(split(path).folder)
        } catch {
            throw FileError(path: path, problem: .system(error))
        }
    }

    /// Removes a file, where that can be done; one that is not there is no error.
    package static func remove(_ path: String) {
        _ = unsafe unlink(path)
    }

    internal static func writeAll(_ bytes: Span<UInt8>, to file: Int32) throws(SystemError) {
        var written = 0
        while written < bytes.count {
            // Sound: the rest of the span is read, of which there are that many bytes.
            let count = unsafe bytes.withUnsafeBytes { buffer in
                retrying {
                    unsafe write(file, buffer.baseAddress?.advanced(by: written), buffer.count - written)
                }
            }
            guard count > 0 else { throw .last("write") }
            written += count
        }
    }

    internal static func synchroniseFolder(_ path: String) throws(SystemError) {
        let raw = retrying { unsafe Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        guard raw >= 0 else { throw .last("open") }
        let folder = FileDescriptor(owning: raw)
        guard fsync(folder.raw) == 0 else { throw .last("fsync") }
    }

    internal static func split(_ path: String) -> (folder: String, name: String) {
        guard let slash = path.lastIndex(of: "/") else { return (".", path) }
        let folder = path[..<slash]
        return (folder.isEmpty ? "/" : String(folder), String(path[path.index(after: slash)...]))
    }
}
