import Glibc
import Synchronization

/// Ports of 127.0.0.1 that nobody listens on, each handed out once.
///
/// They lie below the kernel's ephemeral range, so that no outgoing connection takes one before its server is up.
enum Ports {
    private static let next = Mutex<UInt16>(20_000 + UInt16(getpid() % 900) * 10)

    static func free() throws -> UInt16 {
        try next.withLock { next in
            for _ in 0..<10_000 {
                next = next >= 29_999 ? 20_000 : next + 1
                if isFree(next) { return next }
            }
            throw HarnessError("no free port between 20000 and 29999")
        }
    }

    private static func isFree(_ port: UInt16) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        return unsafe Socket.withAddress(port) { address, length in unsafe bind(descriptor, address, length) == 0 }
    }
}
