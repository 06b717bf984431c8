import CLinux
import Control
import Glibc
import Linux
import Synchronization
import Testing

@Suite("Listening sockets")
struct ListenerSetTests {
    /// A port of 127.0.0.1 that was free a moment ago.
    static func freeAddress() throws -> SocketAddress {
        try last.withLock { last in
            for _ in 0..<1_000 {
                last = last == 17_499 ? 10_000 : last + 1
                let address = SocketAddress(ipv4: 0x7F00_0001, port: last)
                if (try? Socket.listen(on: address, backlog: 1)) != nil { return address }
            }
            throw SystemError("no free port from 10000 to 17499", EADDRINUSE)
        }
    }

    /// The port that was handed out last: each is handed out once. They lie below the kernel's ephemeral range, so that
    /// no outgoing connection takes one before it is listened on, and below those of the integration tests.
    private static let last = Mutex(UInt16.random(in: 10_000..<17_499))

    @Test("an update keeps what stays, binds what is new, and lets go of the rest")
    func updates() throws {
        let first = try Self.freeAddress()
        let second = try Self.freeAddress()
        let one = try ListenerSet(socketsPerAddress: 2).updated(for: [ListenerRequest(address: first)])
        #expect(one.groups[ListenerID(first)]?.count == 2)
        let two = try one.updated(for: [ListenerRequest(address: first), ListenerRequest(address: second)])
        #expect(two.groups[ListenerID(first)]?.map(\.raw) == one.groups[ListenerID(first)]?.map(\.raw))
        #expect(two.groups.count == 2)
        let three = try two.updated(for: [ListenerRequest(address: second)])
        #expect(three.groups.keys.sorted() == [ListenerID(second)])
    }

    @Test("a port that is taken is an error that says what to do, and changes nothing")
    func taken() throws {
        let address = try Self.freeAddress()
        let blocker = FileDescriptor(owning: socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0))
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        name.sin_port = address.port.bigEndian
        let code = unsafe withUnsafePointer(to: &name) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(blocker.raw, .init(__sockaddr__: $0), socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        #expect(code == 0 && listen(blocker.raw, 1) == 0)
        let error = #expect(throws: ListenerError.self) {
            try ListenerSet(socketsPerAddress: 1).updated(for: [ListenerRequest(address: address)])
        }
        #expect(error?.cause.code == EADDRINUSE)
        #expect(error?.description.contains("ss -ltnp 'sport = :\(address.port)'") == true)
    }

    @Test("sockets of the service manager are found again under their address")
    func adopted() throws {
        let address = try Self.freeAddress()
        let inherited = ListeningSocket(owning: try Socket.listen(on: address, backlog: 1))
        var set = ListenerSet(socketsPerAddress: 4)
        set.adopt([inherited])
        let updated = try set.updated(for: [ListenerRequest(address: address)])
        #expect(updated.groups[ListenerID(address)]?.map(\.raw) == [inherited.raw])
    }

    @Test("a socket that the service manager hands over twice is one, and what does not listen is none")
    func inheritedTwice() throws {
        let address = try Self.freeAddress()
        let socket = ListeningSocket(owning: try Socket.listen(on: address, backlog: 1))
        let again = ListeningSocket(owning: try socket.duplicate())
        let other = ListeningSocket(owning: try Socket.listen(on: address, backlog: 1))
        let client = ListeningSocket(owning: try Socket.connect(to: address))
        var set = ListenerSet(socketsPerAddress: 2)
        set.adopt([socket, again, other, client])
        #expect(set.groups.values.map { $0.map(\.raw) } == [[socket.raw, other.raw]])
    }
}
