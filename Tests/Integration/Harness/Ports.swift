import Glibc
import Synchronization

/// Ports of 127.0.0.1 that nobody listens on, each handed out once.
///
/// They lie below the kernel's ephemeral range, so that no outgoing connection takes one before its server is up. Runs at
/// the same time on one machine each have a block of their own, which is locked by a file as long as the run lasts.
enum Ports {
    private static let size: UInt16 = 2_500
    private static let blocks: [UInt16] = [17_500, 20_000, 22_500, 25_000, 27_500, 30_000]

    /// The block of this run, and the port that was handed out last.
    private static let block = claim()
    private static let last = Mutex<UInt16>(block)

    static func free() throws -> UInt16 {
        try last.withLock { last in
            for _ in 0..<size {
                last = last == block + size - 1 ? block : last + 1
                if isFree(last) { return last }
            }
            throw HarnessError("no free port from \(block) to \(block + size - 1)")
        }
    }

    /// The first block that no other run has. The lock's descriptor stays open until this process ends; the seventh run at
    /// a time shares a block with another.
    private static func claim() -> UInt16 {
        for block in blocks {
            let path = "/tmp/gatehouse-tests-\(geteuid())-\(block).lock"
            let file = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
            guard file >= 0 else { continue }
            if flock(file, LOCK_EX | LOCK_NB) == 0 { return block }
            close(file)
        }
        return blocks[Int(getpid()) % blocks.count]
    }

    private static func isFree(_ port: UInt16) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
        defer { close(descriptor) }
        return unsafe Socket.withAddress(port) { address, length in unsafe bind(descriptor, address, length) == 0 }
    }
}
