import CLinux
import Glibc

/// A Unix socket's address: a path, or with a leading `@` a name in the abstract space (unix(7)).
internal struct UnixAddress {
    private var storage = sockaddr_un()
    private var length: socklen_t = 0

    /// - Throws: ENAMETOOLONG when the path does not fit in 107 bytes; EINVAL when it is empty.
    init(_ path: String) throws(SystemError) {
        let bytes = Array(path.utf8)
        guard !bytes.isEmpty else { throw SystemError("address of a Unix socket", EINVAL) }
        guard bytes.count < 108 else { throw SystemError("address of a Unix socket (\(path))", ENAMETOOLONG) }
        storage.sun_family = sa_family_t(AF_UNIX)
        let abstract = bytes[0] == UInt8(ascii: "@")
        // Sound: the path takes 108 bytes from offset 2, and at most 107 are written.
        unsafe withUnsafeMutableBytes(of: &storage) { room in
            for (index, byte) in bytes.enumerated() {
                unsafe room.storeBytes(of: index == 0 && abstract ? 0 : byte, toByteOffset: 2 + index, as: UInt8.self)
            }
        }
        length = socklen_t(2 + bytes.count + (abstract ? 0 : 1))
    }

    func with<R>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
        // Sound: sockaddr_un begins with the members of sockaddr, and its length goes with it.
        unsafe withUnsafePointer(to: storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe body($0, length) }
        }
    }
}

/// Who is at the other end of a Unix socket, as the kernel saw it when the connection was made.
package struct PeerCredentials: Equatable, Sendable {
    package let process: Int32
    package let user: UInt32
    package let group: UInt32
}

/// Stream sockets on this machine, non-blocking and close-on-exec.
package enum UnixSocket {
    /// Listens at `path`, for the owner alone (mode 0600).
    ///
    /// A socket file that nobody listens at any more is replaced.
    /// - Throws: EADDRINUSE when another process listens there, EEXIST when what is there is no socket.
    package static func listen(at path: String) throws(SystemError) -> FileDescriptor {
        try listen(at: path, type: Int32(SOCK_STREAM.rawValue))
    }

    /// The same, with message boundaries, for `MessageSocket`.
    package static func listenForMessages(at path: String) throws(SystemError) -> FileDescriptor {
        try listen(at: path, type: Int32(SOCK_SEQPACKET.rawValue))
    }

    /// Connects to the socket at `path`.
    package static func connect(to path: String) throws(SystemError) -> FileDescriptor {
        try connect(to: path, type: Int32(SOCK_STREAM.rawValue))
    }

    /// The same, with message boundaries, for `MessageSocket`.
    package static func connectForMessages(to path: String) throws(SystemError) -> FileDescriptor {
        try connect(to: path, type: Int32(SOCK_SEQPACKET.rawValue))
    }

    /// Removes the socket's file at `path`, whoever listens there. What is no socket stays.
    package static func remove(_ path: String) {
        if isSocket(path) { _ = unsafe unlink(path) }
    }

    /// Takes one connection; nil when none waits.
    package static func accept(_ listener: Int32) throws(SystemError) -> FileDescriptor? {
        let flags = Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let raw = retrying { unsafe accept4(listener, .init(__sockaddr__: nil), nil, flags) }
        if raw >= 0 { return FileDescriptor(owning: raw) }
        guard errno == EAGAIN || errno == ECONNABORTED else { throw .last("accept4") }
        return nil
    }

    /// Who connected.
    package static func peer(of fd: Int32) throws(SystemError) -> PeerCredentials {
        var credentials = ucred()
        var length = socklen_t(MemoryLayout<ucred>.size)
        guard unsafe getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0 else {
            throw .last("getsockopt(SO_PEERCRED)")
        }
        return PeerCredentials(process: credentials.pid, user: credentials.uid, group: credentials.gid)
    }

    private static func connect(to path: String, type: Int32) throws(SystemError) -> FileDescriptor {
        let address = try UnixAddress(path)
        let socket = try make(type)
        let code = unsafe address.with { pointer, length in
            retrying { unsafe Glibc.connect(socket.raw, .init(__sockaddr__: pointer), length) }
        }
        guard code == 0 else { throw .last("connect(\(path))") }
        return socket
    }

    private static func listen(at path: String, type: Int32) throws(SystemError) -> FileDescriptor {
        let address = try UnixAddress(path)
        let socket = try make(type)
        var bound = bind(socket, address)
        if bound != 0, errno == EADDRINUSE {
            // Connecting tells a live listener from a file that a killed process left.
            guard isStale(path, type: type) else { throw SystemError("bind(\(path))", EADDRINUSE) }
            guard isSocket(path) else { throw SystemError("bind(\(path))", EEXIST) }
            _ = unsafe unlink(path)
            bound = bind(socket, address)
        }
        guard bound == 0 else { throw .last("bind(\(path))") }
        guard Glibc.listen(socket.raw, 64) == 0 else { throw .last("listen(\(path))") }
        return socket
    }

    private static func isStale(_ path: String, type: Int32) -> Bool {
        do throws(SystemError) {
            _ = try connect(to: path, type: type)
            return false
        } catch {
            return error.code == ECONNREFUSED
        }
    }

    /// Connecting is refused by files of other kinds as well, and by what a symbolic link leads to.
    private static func isSocket(_ path: String) -> Bool {
        var status = stat()
        return unsafe lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFSOCK
    }

    private static func bind(_ socket: borrowing FileDescriptor, _ address: UnixAddress) -> Int32 {
        let raw = socket.raw
        // The mode is right from the first moment: the file is made by bind under this mask.
        let before = umask(0o177)
        let code = unsafe address.with { unsafe Glibc.bind(raw, .init(__sockaddr__: $0), $1) }
        let failure = errno
        umask(before)
        errno = failure
        return code
    }

    private static func make(_ type: Int32) throws(SystemError) -> FileDescriptor {
        let flags = Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let raw = socket(AF_UNIX, type | flags, 0)
        guard raw >= 0 else { throw .last("socket(AF_UNIX)") }
        return FileDescriptor(owning: raw)
    }
}
