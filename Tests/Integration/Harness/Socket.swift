import Glibc
import Synchronization

/// A TCP connection over 127.0.0.1 with blocking calls, each of which ends by a deadline.
///
/// Used by one thread at a time. Closed when let go of.
final class Socket: @unchecked Sendable {
    enum Failure: Error {
        case timedOut
        /// Closed with RST, or written to after the other side had gone.
        case reset
        case system(String, Int32)
    }

    private var descriptor: Int32

    init(adopting descriptor: Int32) {
        self.descriptor = descriptor
    }

    /// - Parameter receiveBuffer: in bytes; a small one makes a client that reads slowly be felt at once.
    static func connect(to port: UInt16, from source: String? = nil, receiveBuffer: Int32? = nil) throws -> Socket {
        let socket = Socket(adopting: Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0))
        if var size = receiveBuffer {
            unsafe setsockopt(socket.descriptor, SOL_SOCKET, SO_RCVBUF, &size, 4)
        }
        if let source {
            let bound = unsafe withAddress(0, source) { address, length in
                unsafe bind(socket.descriptor, address, length)
            }
            guard bound == 0 else { throw Failure.system("bind", errno) }
        }
        let result = unsafe withAddress(port) { address, length in
            unsafe Glibc.connect(socket.descriptor, address, length)
        }
        guard result == 0 else { throw Failure.system("connect", errno) }
        var on: Int32 = 1
        unsafe setsockopt(socket.descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, 4)
        return socket
    }

    /// Asks for a connection and does not wait for it.
    static func begin(to port: UInt16) -> Socket {
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | O_CLOEXEC
        let socket = Socket(adopting: Glibc.socket(AF_INET, type, 0))
        _ = unsafe withAddress(port) { address, length in unsafe Glibc.connect(socket.descriptor, address, length) }
        return socket
    }

    deinit { close() }

    /// Bytes that are there, waiting for the first; empty at the end of the stream.
    func read(atMost limit: Int = 65_536, by deadline: Deadline) throws -> [UInt8] {
        while true {
            try wait(for: Int16(POLLIN), by: deadline)
            let bytes = unsafe [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
                count = unsafe max(-1, recv(descriptor, buffer.baseAddress, limit, Int32(MSG_DONTWAIT)))
                if count < 0 {
                    failure = errno
                    count = 0
                } else {
                    failure = 0
                }
            }
            switch failure {
            case 0: return bytes
            case EAGAIN, EINTR: continue
            case ECONNRESET, EPIPE: throw Failure.reset
            default: throw Failure.system("recv", failure)
            }
        }
    }

    /// errno of the last recv; 0 when it went well.
    private var failure: Int32 = 0

    func write(_ text: String, by deadline: Deadline = Deadline(.seconds(60))) throws {
        try write(Array(text.utf8), by: deadline)
    }

    func write(_ bytes: [UInt8], by deadline: Deadline = Deadline(.seconds(60))) throws {
        var sent = 0
        while sent < bytes.count {
            try wait(for: Int16(POLLOUT), by: deadline)
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe send(
                    descriptor,
                    buffer.baseAddress! + sent,
                    buffer.count - sent,
                    Int32(MSG_NOSIGNAL | MSG_DONTWAIT)
                )
            }
            if count >= 0 {
                sent += count
            } else if errno == ECONNRESET || errno == EPIPE {
                throw Failure.reset
            } else if errno != EAGAIN && errno != EINTR {
                throw Failure.system("send", errno)
            }
        }
    }

    /// Waits for the next connection of a listening socket; nil when the deadline passes.
    func accept(by deadline: Deadline) throws -> Socket? {
        do { try wait(for: Int16(POLLIN), by: deadline) } catch Failure.timedOut { return nil }
        let accepted = unsafe accept4(descriptor, .init(__sockaddr__: nil), nil, Int32(O_CLOEXEC))
        guard accepted >= 0 else { throw Failure.system("accept", errno) }
        var on: Int32 = 1
        unsafe setsockopt(accepted, Int32(IPPROTO_TCP), TCP_NODELAY, &on, 4)
        return Socket(adopting: accepted)
    }

    /// - Parameter backlog: connections that may wait; the kernel holds one more.
    static func listen(on port: UInt16, of host: String = "127.0.0.1", backlog: Int32 = 128) throws -> Socket {
        let socket = Socket(adopting: Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0))
        var on: Int32 = 1
        unsafe setsockopt(socket.descriptor, SOL_SOCKET, SO_REUSEADDR, &on, 4)
        let bound = unsafe withAddress(port, host) { address, length in
            unsafe bind(socket.descriptor, address, length)
        }
        guard bound == 0, Glibc.listen(socket.descriptor, backlog) == 0 else {
            throw Failure.system("listen on \(port)", errno)
        }
        return socket
    }

    /// No more bytes from this side; the other may go on.
    func endWriting() {
        shutdown(descriptor, Int32(SHUT_WR))
    }

    func close() {
        guard descriptor >= 0 else { return }
        ChildProcess.forking.withLock { _ in _ = Glibc.close(descriptor) }
        descriptor = -1
    }

    /// Closes with RST in place of FIN.
    func abort() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<linger>.size))
        close()
    }

    /// Returns when there is something to read, and leaves it unread.
    func awaitInput(by deadline: Deadline = Deadline(.seconds(60))) throws {
        try wait(for: Int16(POLLIN), by: deadline)
    }

    private func wait(for events: Int16, by deadline: Deadline) throws {
        while true {
            var entry = pollfd(fd: descriptor, events: events, revents: 0)
            let ready = unsafe poll(&entry, 1, deadline.milliseconds)
            if ready > 0 { return }
            if ready == 0 { throw Failure.timedOut }
            if errno != EINTR { throw Failure.system("poll", errno) }
        }
    }

    static func withAddress<Result>(
        _ port: UInt16,
        _ host: String = "127.0.0.1",
        _ body: (__CONST_SOCKADDR_ARG, socklen_t) -> Result
    ) -> Result {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = unsafe inet_addr(host)
        return unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                unsafe body(.init(__sockaddr__: generic), socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}
