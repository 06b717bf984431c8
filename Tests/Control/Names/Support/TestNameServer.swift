import CLinux
import Glibc
import Linux
import Site
import Synchronization

/// A name server on a port of 127.0.0.1, over UDP and TCP, that answers what the test says. It ends with this object.
final class TestNameServer: Sendable {
    /// What to send for a question, one after another; nothing leaves it unanswered.
    typealias Script = @Sendable (DNSQuery) -> [[UInt8]]

    private final class Desk: Sendable {
        let script: Mutex<Script>
        let queries = Mutex<[DNSQuery]>([])
        let stopping: EventFD

        init(_ script: @escaping Script) throws {
            self.script = Mutex(script)
            stopping = try EventFD()
        }

        func answers(_ bytes: [UInt8], isTCP: Bool) -> [[UInt8]] {
            guard let query = DNSQuery(bytes, isTCP: isTCP) else { return [] }
            queries.withLock { $0.append(query) }
            return script.withLock { $0 }(query)
        }
    }

    let port: UInt16
    private let desk: Desk
    private let thread: Thread

    init(_ script: @escaping Script) throws {
        let (udp, tcp, port) = try Self.sockets()
        let desk = try Desk(script)
        self.port = port
        self.desk = desk
        thread = try Thread.start(name: "test-dns") {
            while true {
                let ready = Readiness.wait([udp, tcp, desk.stopping.raw], milliseconds: -1)
                if ready[2] { break }
                if ready[0] { Self.answerUDP(udp, desk) }
                if ready[1] { Self.answerTCP(tcp, desk) }
            }
            close(udp)
            close(tcp)
        }
    }

    deinit {
        desk.stopping.signal()
        thread.join()
    }

    var server: NameServer { NameServer(address: .v4(0x7F00_0001), port: port) }

    /// The questions that came.
    var queries: [DNSQuery] { desk.queries.withLock { $0 } }

    func answer(_ script: @escaping Script) { desk.script.withLock { $0 = script } }

    // MARK: Sockets

    /// One of UDP and one of TCP on the same port.
    private static func sockets() throws -> (udp: Int32, tcp: Int32, port: UInt16) {
        for _ in 0..<50 {
            let udp = socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            guard bind(udp, port: 0), let port = Linux.Socket.localAddress(udp)?.port else {
                throw SystemError.last("bind")
            }
            let tcp = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            if bind(tcp, port: port), listen(tcp, 64) == 0 { return (udp, tcp, port) }
            close(udp)
            close(tcp)
        }
        throw SystemError("bind", EADDRINUSE)
    }

    private static func bind(_ descriptor: Int32, port: UInt16) -> Bool {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        // Sound: a sockaddr_in begins as a sockaddr does, and its own length goes with it.
        return unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe Glibc.bind(descriptor, .init(__sockaddr__: $0), socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }

    private static func answerUDP(_ descriptor: Int32, _ desk: Desk) {
        var room = [UInt8](repeating: 0, count: 2048)
        var peer = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        // Sound, here and below: the calls get the lengths of what they are pointed to.
        unsafe withUnsafeMutablePointer(to: &peer) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                let count = unsafe recvfrom(descriptor, &room, room.count, 0, .init(__sockaddr__: address), &length)
                guard count > 0 else { return }
                for answer in desk.answers(Array(room.prefix(count)), isTCP: false) {
                    _ = unsafe sendto(descriptor, answer, answer.count, 0, .init(__sockaddr__: address), length)
                }
            }
        }
    }

    private static func answerTCP(_ listener: Int32, _ desk: Desk) {
        let descriptor = unsafe accept(listener, .init(__sockaddr__: nil), nil)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        while let head = receive(descriptor, 2), let bytes = receive(descriptor, Int(head[0]) << 8 | Int(head[1])) {
            for answer in desk.answers(bytes, isTCP: true) {
                let framed = [UInt8(answer.count >> 8), UInt8(answer.count & 255)] + answer
                var sent = 0
                while sent < framed.count {
                    let rest = Array(framed[sent...])
                    let count = unsafe send(descriptor, rest, rest.count, Int32(MSG_NOSIGNAL))
                    guard count > 0 else { return }
                    sent += count
                }
            }
        }
    }

    /// So many bytes; nil when the peer has gone or takes longer than a minute.
    private static func receive(_ descriptor: Int32, _ count: Int) -> [UInt8]? {
        var bytes: [UInt8] = []
        while bytes.count < count {
            guard Readiness.wait([descriptor], milliseconds: 60_000)[0] else { return nil }
            var room = [UInt8](repeating: 0, count: count - bytes.count)
            let got = unsafe recv(descriptor, &room, room.count, 0)
            guard got > 0 else { return nil }
            bytes += room.prefix(got)
        }
        return bytes
    }
}
