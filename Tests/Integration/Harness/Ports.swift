import Glibc
import Synchronization

/// Ports of 127.0.0.1 that nobody listens on, each handed out once: a server that is away for a while comes back to a
/// port that nobody else has got meanwhile.
///
/// They lie below the kernel's ephemeral range, so that no outgoing connection takes one before its server is up. Runs at
/// the same time on one machine have blocks of their own, each locked by a file as long as its run lasts; a run whose
/// block is used up takes another.
enum Ports {
    private static let size: UInt16 = 1_250
    private static let blocks = stride(from: UInt16(17_500), to: 32_500, by: Int(size))

    /// What is left of the block that was locked last.
    private static let rest = Mutex<Range<UInt16>>(0..<0)

    static func free() throws -> UInt16 {
        try rest.withLock { rest in
            while true {
                guard let port = rest.popFirst() else {
                    rest = try claim()
                    continue
                }
                if isFree(port) { return port }
            }
        }
    }

    /// The first block that no run has, and this one has not had. The lock's descriptor stays open until this process ends.
    private static func claim() throws -> Range<UInt16> {
        for block in blocks {
            let path = "/tmp/gatehouse-tests-\(geteuid())-\(block).lock"
            let file = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
            guard file >= 0 else { continue }
            if flock(file, LOCK_EX | LOCK_NB) == 0 { return block..<block + size }
            close(file)
        }
        throw HarnessError("the ports from 17500 to 32499 are used up by the runs of tests on this machine")
    }

    private static func isFree(_ port: UInt16) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
        defer { close(descriptor) }
        // A child that another thread forks meanwhile has a copy of this socket until its program begins. With this it
        // is in nobody's way.
        var on: Int32 = 1
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, 4)
        return unsafe Socket.withAddress(port) { address, length in unsafe bind(descriptor, address, length) == 0 }
    }
}
