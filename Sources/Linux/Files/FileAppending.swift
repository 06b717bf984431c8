import Glibc

extension FileWriting {
    /// Opens a file to append to, made with mode 0640 when there is none. A pipe that nobody reads is ENXIO, where the
    /// call would wait for a reader otherwise (fifo(7)). A link in its place is followed where it is an operator's own.
    ///
    /// - Throws: ELOOP for a link that is not followed.
    package static func openForAppending(_ path: String) throws(SystemError) -> FileDescriptor {
        let flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK
        var raw = unsafe open(path, flags | O_NOFOLLOW, 0o640)
        if raw < 0, errno == ELOOP, isOwnLink(path) { raw = unsafe open(path, flags, 0o640) }
        guard raw >= 0 else { throw .last("open(\(path))") }
        return FileDescriptor(owning: raw)
    }

    /// Whether root or the running user made a symbolic link, in a folder of theirs where not everybody may put another in
    /// its place.
    private static func isOwnLink(_ path: String) -> Bool {
        // Else errno would be of the calls below.
        defer { errno = ELOOP }
        var (link, folder) = (stat(), stat())
        guard unsafe lstat(path, &link) == 0, unsafe stat(split(path).folder, &folder) == 0 else { return false }
        return [link, folder].allSatisfy { $0.st_uid == 0 || $0.st_uid == geteuid() } && folder.st_mode & S_IWOTH == 0
    }

    /// Fails when `openForAppending` would; nothing is made.
    package static func requireAppendable(_ path: String) throws(FileError) {
        func failure(_ error: SystemError) -> FileError { FileError(path: path, problem: .system(error)) }
        if isLink(path), !isOwnLink(path) { throw FileError(path: path, problem: .foreignLink) }
        var status = stat()
        guard unsafe stat(path, &status) == 0 else {
            let missing = SystemError.last("stat")
            let (folder, name) = split(path)
            guard missing.code == ENOENT, !name.isEmpty else { throw failure(missing) }
            guard unsafe access(folder, W_OK | X_OK) == 0 else { throw failure(.last("access")) }
            return
        }
        guard status.st_mode & S_IFMT != S_IFDIR else { throw failure(SystemError("open", EISDIR)) }
        guard unsafe access(path, W_OK) == 0 else { throw failure(.last("access")) }
    }

    /// Adds to the end of a file for its owner alone (made with mode 0600) and brings it to the disk. What could not be brought
    /// there is taken off again, as far as that goes. For one writer at a time.
    package static func appendDurably(_ bytes: Span<UInt8>, to path: String) throws(FileError) {
        let raw = retrying {
            unsafe open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        }
        guard raw >= 0 else { throw FileError(path: path, problem: .system(.last("open"))) }
        let file = FileDescriptor(owning: raw)
        let length = lseek(file.raw, 0, SEEK_END)
        do throws(SystemError) {
            try writeAll(bytes, to: file.raw)
            guard fsync(file.raw) == 0 else { throw .last("fsync") }
        } catch {
            if length >= 0 { _ = ftruncate(file.raw, length) }
            throw FileError(path: path, problem: .system(error))
        }
    }

    /// Bytes that a pipe takes whole when it takes any, and a socket nearly always (PIPE_BUF, pipe(7)).
    package static let pieceOfPipe = 4096

    /// Whether a write never waits for anybody's reading: that of a regular file.
    package static func neverWaits(_ file: Int32) -> Bool {
        var status = stat()
        return unsafe fstat(file, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    }

    /// Waits until `pieceOfPipe` bytes can be written at once, or a write tells what is wrong.
    /// - Returns: false when the time has passed.
    package static func awaitRoom(_ file: Int32, milliseconds: Int32) -> Bool {
        !Readiness.wait(for: [.init(file, reads: false, writes: true)], milliseconds: milliseconds).isEmpty
    }

    /// Writes as much as is taken at once.
    /// - Returns: bytes written, or nil when the file takes no more.
    package static func append(_ bytes: Span<UInt8>, to file: Int32) -> Int? {
        // Sound: the kernel reads the bytes during the call.
        let count = unsafe bytes.withUnsafeBytes { bytes in
            retrying { unsafe write(file, bytes.baseAddress, bytes.count) }
        }
        return count > 0 ? count : nil
    }
}

extension FileDescriptor {
    /// A descriptor of its own for this process's standard output.
    package static func standardOutput() throws(SystemError) -> FileDescriptor {
        let copy = fcntl(1, F_DUPFD_CLOEXEC, 3)
        guard copy >= 0 else { throw .last("fcntl(F_DUPFD_CLOEXEC)") }
        return FileDescriptor(owning: copy)
    }
}
