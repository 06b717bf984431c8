import CLinux
import Glibc

/// Talks to the service manager that started this process (sd_notify(3)): does nothing when there is none.
package struct ServiceManager: Sendable {
    /// What can be said.
    package enum State: Equatable, Sendable {
        case ready
        case reloading
        /// What is under way is not done yet, and says something again within so many milliseconds (EXTEND_TIMEOUT_USEC).
        case busy(within: Int)
        /// It ends within so many milliseconds, whatever the unit says of it (EXTEND_TIMEOUT_USEC).
        case stopping(within: Int)
        /// One line for people: what `systemctl status` shows.
        case status(String)
        /// Gives back a descriptor that was stored.
        case removeStored(name: String)

        fileprivate var text: String {
            switch self {
            case .ready: "READY=1"
            case .reloading: "RELOADING=1\nMONOTONIC_USEC=\(Clock.monotonicNanoseconds / 1000)"
            case .busy(let milliseconds): "EXTEND_TIMEOUT_USEC=\(UInt64(max(0, milliseconds)) * 1000)"
            case .stopping(let milliseconds): "STOPPING=1\nEXTEND_TIMEOUT_USEC=\(UInt64(max(0, milliseconds)) * 1000)"
            case .status(let line): "STATUS=\(line.replacingLineBreaks)"
            case .removeStored(let name): "FDSTOREREMOVE=1\nFDNAME=\(name)"
            }
        }
    }

    private let path: String?

    /// - Parameter environment: the process' environment; NOTIFY_SOCKET says where to talk to.
    package init(environment: [String: String]) {
        path = environment["NOTIFY_SOCKET"]
    }

    package var isPresent: Bool { path != nil }

    /// Says one or more things in one message.
    ///
    /// - Throws: what sendmsg(2) says; the caller need not care.
    package func notify(_ states: [State]) throws(SystemError) {
        try send(states.map(\.text).joined(separator: "\n"), descriptors: [])
    }

    /// Leaves a copy of a descriptor with the manager, which hands it to the next process of this service.
    ///
    /// - Parameter name: comes back with it; without colon, at most 255 ASCII characters.
    package func store(_ descriptor: Int32, name: String) throws(SystemError) {
        try send("FDSTORE=1\nFDPOLL=0\nFDNAME=\(name)", descriptors: [descriptor])
    }

    private func send(_ text: String, descriptors: [Int32]) throws(SystemError) {
        guard let path else { return }
        let address = try UnixAddress(path)
        let raw = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard raw >= 0 else { throw .last("socket(AF_UNIX)") }
        let socket = FileDescriptor(owning: raw)
        let bytes = Array(text.utf8)
        guard MessageSocket.transmit(socket.raw, bytes.span, descriptors, to: address) >= 0 else {
            throw .last("sendmsg(\(path))")
        }
    }
}

extension String {
    fileprivate var replacingLineBreaks: String {
        String(map { $0.isNewline ? " " : $0 })
    }
}

/// Descriptors that the service manager handed over at start (sd_listen_fds(3)): its sockets and what was stored.
package enum InheritedDescriptors {
    /// The names and the numbers, which the caller owns from then on; empty when there are none.
    ///
    /// Call it once, before any descriptor is opened. Each gets close-on-exec.
    package static func take(environment: [String: String]) -> [(name: String, descriptor: Int32)] {
        guard environment["LISTEN_PID"].flatMap({ Int32($0) }) == getpid(),
            let count = environment["LISTEN_FDS"].flatMap({ Int32($0) }), count > 0, count <= 4096
        else { return [] }
        let names = (environment["LISTEN_FDNAMES"] ?? "").split(separator: ":", omittingEmptySubsequences: false)
        return (0..<count).compactMap { index in
            let number = 3 + index
            guard fcntl(number, F_SETFD, FD_CLOEXEC) == 0 else { return nil }
            return (Int(index) < names.count ? String(names[Int(index)]) : "unknown", number)
        }
    }
}
