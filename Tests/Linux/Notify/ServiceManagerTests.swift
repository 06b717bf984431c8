import CLinux
import Glibc
import Linux
import Testing

@Suite("The service manager")
struct ServiceManagerTests {
    @Test("states go out in one datagram, and nowhere without a manager")
    func states() throws {
        let name = "@gatehouse-notify-\(getpid())"
        let receiver = try DatagramReceiver(name)
        let manager = ServiceManager(environment: ["NOTIFY_SOCKET": name])
        try manager.notify([.ready, .status("two\nlines")])
        #expect(receiver.next() == "READY=1\nSTATUS=two lines")
        try manager.store(receiver.raw, name: "gatehouse-443")
        #expect(receiver.next() == "FDSTORE=1\nFDPOLL=0\nFDNAME=gatehouse-443")
        try ServiceManager(environment: [:]).notify([.ready])
        #expect(!ServiceManager(environment: [:]).isPresent)
    }

    @Test("descriptors for another process, or none, are not taken")
    func foreign() {
        #expect(InheritedDescriptors.take(environment: [:]).isEmpty)
        #expect(InheritedDescriptors.take(environment: ["LISTEN_PID": "1", "LISTEN_FDS": "1"]).isEmpty)
        let ours = "\(getpid())"
        for count in ["-1", "x", "0", "99999"] {
            #expect(InheritedDescriptors.take(environment: ["LISTEN_PID": ours, "LISTEN_FDS": count]).isEmpty)
        }
    }
}

/// A datagram socket with an abstract name, as a service manager has one.
private struct DatagramReceiver: ~Copyable {
    private let descriptor: FileDescriptor
    var raw: Int32 { descriptor.raw }

    init(_ name: String) throws {
        descriptor = FileDescriptor(owning: socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0))
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = [0] + Array(name.utf8.dropFirst())
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        let code = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(descriptor.raw, .init(__sockaddr__: $0), socklen_t(2 + bytes.count))
            }
        }
        guard code == 0 else { throw SystemError.last("bind") }
    }

    func next() -> String {
        var room = [UInt8](repeating: 0, count: 4096)
        let count = unsafe recv(descriptor.raw, &room, room.count, Int32(MSG_DONTWAIT))
        return String(decoding: room.prefix(max(0, count)), as: UTF8.self)
    }
}
