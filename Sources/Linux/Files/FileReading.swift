import CLinux
import Glibc

/// Whole files read with a bound, after a look at whose they are.
package enum FileReading {
    /// Whom a file may belong to and who else may touch it.
    package enum Trust: Sendable {
        /// Whoever can be read.
        case anyone
        /// Owned by root or by the running user, written by nobody else.
        case ownerWrites
        /// Owned likewise, and read by nobody else but its group.
        case ownerAndGroupRead
        /// Owned likewise, and touched by nobody else.
        case ownerOnly

        fileprivate var forbidden: UInt32 {
            switch self {
            case .anyone: 0
            case .ownerWrites: 0o022
            case .ownerAndGroupRead: 0o027
            case .ownerOnly: 0o077
            }
        }
    }

    /// Reads a regular file.
    ///
    /// - Parameters:
    ///   - limit: bytes; a larger file is refused without being read.
    ///   - followsLink: whether a symbolic link in its own place will do.
    package static func read(
        _ path: String,
        limit: Int,
        trust: Trust = .anyone,
        followsLink: Bool = true
    ) throws(FileError) -> [UInt8] {
        let file = try open(path, followsLink: followsLink)
        return try bytes(atMost: inspect(file.raw, path, limit: limit, trust: trust), from: file.raw, path)
    }

    /// Reads a regular file that is open, from where it stands.
    ///
    /// - Parameter limit: bytes; a larger file is refused without being read.
    package static func read(_ file: borrowing FileDescriptor, limit: Int) throws(FileError) -> [UInt8] {
        let raw = file.raw
        let path = "descriptor \(raw)"
        let size = try inspect(raw, path, limit: limit, trust: .anyone)
        var failure: FileError?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: size) { room, count in
            do throws(FileError) {
                count = unsafe try fill(UnsafeMutableRawBufferPointer(room), from: raw, path)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// Opens a file for another process to read.
    package static func openToHandOver(_ path: String) throws(FileError) -> FileDescriptor { try open(path) }

    /// Reads what tells no size before it is read, such as the files of /proc; at most `limit` bytes.
    package static func readStream(_ path: String, limit: Int) throws(FileError) -> [UInt8] {
        let file = try open(path)
        return try bytes(atMost: limit, from: file.raw, path)
    }

    /// Reads a secret, such as a private key, without a copy that is not wiped.
    package static func readSecret(
        _ path: String,
        limit: Int,
        trust: Trust = .ownerAndGroupRead,
        followsLink: Bool = true
    ) throws(FileError) -> SecretBytes {
        let file = try open(path, followsLink: followsLink)
        let size = try inspect(file.raw, path, limit: limit, trust: trust)
        let secret: SecretBytes
        do {
            secret = try SecretBytes(count: size)
        } catch {
            throw FileError(path: path, problem: .system(error))
        }
        let count = unsafe try fill(secret.memory, from: file.raw, path)
        guard count == size else { throw FileError(path: path, problem: .system(SystemError("read", EIO))) }
        return secret
    }

    /// Fails where there is no regular file, or one that the wrong people own or may touch. Opens nothing, and follows no
    /// link.
    package static func requireTrust(_ path: String, _ trust: Trust) throws(FileError) {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { throw FileError(path: path, problem: .system(.last("lstat"))) }
        guard status.st_mode & S_IFMT != S_IFLNK else { throw FileError(path: path, problem: .link) }
        try require(trust, of: status, path)
    }

    /// Fails where there is no program that this user may run, or one that others than its owner may write.
    package static func requireProgram(_ path: String) throws(FileError) {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { throw FileError(path: path, problem: .system(.last("stat"))) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw FileError(path: path, problem: .notRegular) }
        guard unsafe access(path, X_OK) == 0 else { throw FileError(path: path, problem: .system(.last("access"))) }
        let mode = status.st_mode & 0o7777
        guard mode & 0o022 == 0 else { throw FileError(path: path, problem: .tooOpen(mode: mode, excess: 0o022)) }
    }

    private static func open(_ path: String, followsLink: Bool = true) throws(FileError) -> FileDescriptor {
        // O_NONBLOCK: opening a named pipe must not wait for a writer.
        let flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | (followsLink ? 0 : O_NOFOLLOW)
        let raw = retrying { unsafe Glibc.open(path, flags) }
        guard raw >= 0 else {
            let failure = SystemError.last("open")
            if !followsLink, failure.code == ELOOP { throw FileError(path: path, problem: .link) }
            throw FileError(path: path, problem: .system(failure))
        }
        return FileDescriptor(owning: raw)
    }

    /// The size of an open file that may be read.
    internal static func inspect(
        _ raw: Int32,
        _ path: String,
        limit: Int,
        trust: Trust
    ) throws(FileError) -> Int {
        var status = stat()
        guard unsafe fstat(raw, &status) == 0 else { throw FileError(path: path, problem: .system(.last("fstat"))) }
        try require(trust, of: status, path)
        guard status.st_size <= limit else { throw FileError(path: path, problem: .tooLarge(limit: limit)) }
        return Int(status.st_size)
    }

    /// Fails where that is no regular file, or one that the wrong people own or may touch.
    private static func require(_ trust: Trust, of status: stat, _ path: String) throws(FileError) {
        guard status.st_mode & S_IFMT == S_IFREG else { throw FileError(path: path, problem: .notRegular) }
        if trust.forbidden == 0 { return }
        guard status.st_uid == 0 || status.st_uid == geteuid() else {
            throw FileError(path: path, problem: .foreignOwner(status.st_uid))
        }
        let mode = status.st_mode & 0o7777
        guard mode & trust.forbidden == 0 else {
            throw FileError(path: path, problem: .tooOpen(mode: mode, excess: trust.forbidden))
        }
    }

    internal static func bytes(atMost limit: Int, from file: Int32, _ path: String) throws(FileError) -> [UInt8] {
        var failure: FileError?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: limit) { room, count in
            do throws(FileError) {
                count = unsafe try fill(UnsafeMutableRawBufferPointer(room), from: file, path)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// Fills `room` as far as the file reaches.
    private static func fill(
        _ room: UnsafeMutableRawBufferPointer,
        from file: Int32,
        _ path: String
    ) throws(FileError) -> Int {
        var count = 0
        while count < room.count {
            // Sound: the rest of the room has that many bytes.
            let got = retrying {
                unsafe Glibc.read(file, room.baseAddress?.advanced(by: count), room.count - count)
            }
            guard got >= 0 else { throw FileError(path: path, problem: .system(.last("read"))) }
            if got == 0 { break }
            count += got
        }
        return count
    }
}
