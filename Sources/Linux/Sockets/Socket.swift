import CLinux
import Glibc

/// What a read or write on a non-blocking socket came to.
package enum Transfer: Equatable, Sendable {
    case bytes(Int)
    case wouldBlock
    /// The peer has ended its side (reads only).
    case endOfStream
    /// The errno of a connection that is lost.
    case failed(Int32)
}

/// A connection taken from a listener's queue.
package struct Accepted: ~Copyable {
    private let socket: FileDescriptor
    package let peer: SocketAddress

    fileprivate init(socket: consuming FileDescriptor, peer: SocketAddress) {
        self.socket = socket
        self.peer = peer
    }

    /// Hands the connection itself over.
    package consuming func takeSocket() -> FileDescriptor { socket }
}

/// Calls on TCP sockets, all non-blocking and close-on-exec.
package enum Socket {
    /// A listening socket, with SO_REUSEPORT so that each worker has its own queue.
    ///
    /// An IPv6 listener takes IPv6 alone (IPV6_V6ONLY): IPv4 has a socket of its own.
    package static func listen(on address: SocketAddress, backlog: Int32) throws(SystemError) -> FileDescriptor {
        let socket = try make(isIPv6: address.isIPv6)
        try set(socket.raw, SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR")
        try set(socket.raw, SOL_SOCKET, SO_REUSEPORT, 1, "SO_REUSEPORT")
        if address.isIPv6 { try set(socket.raw, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 1, "IPV6_V6ONLY") }
        guard unsafe address.withSocketAddress({ unsafe Glibc.bind(socket.raw, .init(__sockaddr__: $0), $1) }) == 0
        else {
            throw .last("bind")
        }
        guard Glibc.listen(socket.raw, backlog) == 0 else { throw .last("listen") }
        return socket
    }

    /// Whether a process listens at `address`, also one of the same user: SO_REUSEPORT, which `listen` sets,
    /// would let the two share the port in silence.
    package static func isTaken(_ address: SocketAddress) -> Bool {
        address.port != 0 && bindProblem(address)?.code == EADDRINUSE
    }

    /// What would keep this process from listening at `address`; nil for nothing. Takes no connection from whoever
    /// listens there.
    package static func bindProblem(_ address: SocketAddress) -> SystemError? {
        do throws(SystemError) {
            let probe = try make(isIPv6: address.isIPv6)
            // With SO_REUSEADDR, connections of the past do not hold the port, and listeners do.
            try set(probe.raw, SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR")
            if address.isIPv6 { try set(probe.raw, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 1, "IPV6_V6ONLY") }
            let code = unsafe address.withSocketAddress { unsafe Glibc.bind(probe.raw, .init(__sockaddr__: $0), $1) }
            return code == 0 ? nil : .last("bind")
        } catch {
            return error
        }
    }

    /// Takes one connection from a listener's queue; nil when the queue is empty.
    ///
    /// What befell a connection before it was taken (ECONNABORTED and the network errors of accept(2))
    /// is passed over.
    package static func accept(_ listener: Int32) throws(SystemError) -> Accepted? {
        let flags = Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        while true {
            var storage = sockaddr_storage()
            var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
            // Sound: the storage is large enough for every family, and its size is passed.
            let raw = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe accept4(listener, .init(__sockaddr__: $0), &length, flags)
                }
            }
            if raw >= 0 {
                let socket = FileDescriptor(owning: raw)
                guard let peer = SocketAddress(storage) else { continue }
                return Accepted(socket: socket, peer: peer)
            }
            switch errno {
            case EAGAIN: return nil
            case EMFILE, ENFILE, ENOBUFS, ENOMEM, EBADF, EINVAL, ENOTSOCK, EOPNOTSUPP, EFAULT, EPERM:
                throw .last("accept4")
            default: continue
            }
        }
    }

    /// Begins a connection; it is made, or has failed, when the socket becomes writable.
    package static func connect(to address: SocketAddress) throws(SystemError) -> FileDescriptor {
        let socket = try make(isIPv6: address.isIPv6)
        try set(socket.raw, Int32(IPPROTO_TCP), TCP_NODELAY, 1, "TCP_NODELAY")
        let code = unsafe address.withSocketAddress { unsafe Glibc.connect(socket.raw, .init(__sockaddr__: $0), $1) }
        guard code == 0 || errno == EINPROGRESS else { throw .last("connect") }
        return socket
    }

    /// The error that a socket holds, and clears it: 0 when a connection was made.
    package static func pendingError(_ fd: Int32) -> Int32 {
        var code: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        guard unsafe getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &length) == 0 else { return errno }
        return code
    }

    /// Whether a write failed on a connection whose peer had ended its side in order, before it refused what came after:
    /// the kernel then says EPIPE, and ECONNRESET where bytes of the peer may be lost (tcp_reset in net/ipv4/tcp_input.c).
    package static func followsEnd(_ code: Int32) -> Bool { code == EPIPE }

    /// The address that a socket is bound to here.
    package static func localAddress(_ fd: Int32) -> SocketAddress? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let code = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe getsockname(fd, .init(__sockaddr__: $0), &length)
            }
        }
        return code == 0 ? SocketAddress(storage) : nil
    }

    /// Whether connections can be accepted from a socket.
    package static func isListening(_ fd: Int32) -> Bool {
        var value: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        return unsafe getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &length) == 0 && value != 0
    }

    /// What the kernel calls a socket (SO_COOKIE): the same through every descriptor for it.
    package static func cookie(_ fd: Int32) -> UInt64? {
        var cookie: UInt64 = 0
        var length = socklen_t(MemoryLayout<UInt64>.size)
        // 57 is SO_COOKIE, which glibc's headers leave to the kernel's.
        return unsafe getsockopt(fd, SOL_SOCKET, 57, &cookie, &length) == 0 ? cookie : nil
    }

    /// Has accept on an inherited listener return at once when nothing waits.
    package static func setNonBlocking(_ fd: Int32) {
        _ = fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK)
    }

    /// Sends small segments at once (TCP_NODELAY): the gateway writes whole messages.
    package static func setNoDelay(_ fd: Int32) {
        var on: Int32 = 1
        _ = unsafe setsockopt(fd, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    }

    /// Makes close send a reset, for a message that must not look complete.
    package static func setResetOnClose(_ fd: Int32) {
        var option = linger(l_onoff: 1, l_linger: 0)
        _ = unsafe setsockopt(fd, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    }

    /// Ends the sending side; the peer reads an end of stream.
    package static func shutdownWrite(_ fd: Int32) {
        _ = shutdown(fd, Int32(SHUT_WR))
    }

    /// Bytes in a socket's send queue: what is not sent yet, and what the peer has not acknowledged (SIOCOUTQ, tcp(7)).
    package static func untaken(_ fd: Int32) -> Int {
        var count: Int32 = 0
        // 0x5411 is SIOCOUTQ, which glibc's headers leave to the kernel's.
        return unsafe ioctl(fd, 0x5411, &count) == 0 ? Int(count) : 0
    }

    /// Whether nothing has come that was not read: no byte, no end, no error. Takes nothing out of the socket.
    package static func isSilent(_ fd: Int32) -> Bool {
        var byte: UInt8 = 0
        while true {
            // Sound: the kernel writes one byte at most.
            let count = unsafe recv(fd, &byte, 1, Int32(MSG_PEEK | MSG_DONTWAIT))
            if count >= 0 || errno != EINTR { return count < 0 && errno == EAGAIN }
        }
    }

    @unsafe @inline(never)
    package static func receive(_ fd: Int32, into room: UnsafeMutableRawBufferPointer) -> Transfer {
        while true {
            let count = unsafe recv(fd, room.baseAddress, room.count, 0)
            if count > 0 { return .bytes(count) }
            if count == 0 { return .endOfStream }
            switch errno {
            case EAGAIN: return .wouldBlock
            case EINTR: continue
            default: return .failed(errno)
            }
        }
    }

    /// - Parameter more: whether more follows at once, so that a partial segment may wait (MSG_MORE).
    @unsafe @inline(never)
    package static func send(_ fd: Int32, _ bytes: UnsafeRawBufferPointer, more: Bool) -> Transfer {
        let flags = Int32(MSG_NOSIGNAL) | (more ? Int32(MSG_MORE) : 0)
        while true {
            let count = unsafe Glibc.send(fd, bytes.baseAddress, bytes.count, flags)
            if count >= 0 { return .bytes(count) }
            switch errno {
            case EAGAIN: return .wouldBlock
            case EINTR: continue
            default: return .failed(errno)
            }
        }
    }

    private static func make(isIPv6: Bool) throws(SystemError) -> FileDescriptor {
        let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let raw = socket(isIPv6 ? AF_INET6 : AF_INET, type, 0)
        guard raw >= 0 else { throw .last("socket") }
        return FileDescriptor(owning: raw)
    }

    private static func set(
        _ fd: Int32,
        _ level: Int32,
        _ option: Int32,
        _ value: Int32,
        _ name: String
    ) throws(SystemError) {
        var value = value
        guard unsafe setsockopt(fd, level, option, &value, socklen_t(MemoryLayout<Int32>.size)) == 0 else {
            throw .last("setsockopt(\(name))")
        }
    }
}
