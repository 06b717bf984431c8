import Bytes
package import Engine
package import Linux
import Synchronization

/// Takes the workers' lines out of their rings and appends them to a file or to standard output.
///
/// Runs on a thread of its own: a slow disk delays it alone, and what the rings then cannot hold is
/// dropped and counted by the workers.
package final class AccessLogWriter: Sendable {
    private let rings: [LogRing]
    private let path: String?
    private let isStopping = Atomic(false)
    private let wantsReopening = Atomic(false)

    /// Milliseconds between two looks at rings that were empty.
    private static let pause = 20

    /// - Parameter path: nil for standard output.
    package init(rings: [LogRing], path: String?) {
        self.rings = rings
        self.path = path
    }

    /// Opens the file and starts the thread.
    package func start() throws(SystemError) -> Thread {
        let file = try open()
        let descriptor = file.release()
        return try Thread.start(name: "access-log") { [self] in run(FileDescriptor(owning: descriptor)) }
    }

    /// Has the file opened again, after others have moved it away. Any thread.
    package func reopen() { wantsReopening.store(true, ordering: .relaxed) }

    /// Has the thread write what is there and end. Any thread.
    package func stop() { isStopping.store(true, ordering: .releasing) }

    private func open() throws(SystemError) -> FileDescriptor {
        guard let path else { return try FileDescriptor.standardOutput() }
        return try FileWriting.openForAppending(path)
    }

    private func run(_ first: consuming FileDescriptor) {
        var file = first
        let buffer = ByteBuffer(capacity: 1 << 18)
        while true {
            let isLast = isStopping.load(ordering: .acquiring)
            if wantsReopening.exchange(false, ordering: .relaxed), let fresh = try? open() { file = fresh }
            var count = 0
            for ring in rings { count += ring.drain(into: buffer) }
            write(buffer, to: file.raw)
            if isLast { return }
            if count == 0 { Thread.pause(milliseconds: Self.pause) }
        }
    }

    /// Writes all of it; what the disk does not take is lost, and the next lines are tried again.
    private func write(_ buffer: ByteBuffer, to file: Int32) {
        while !buffer.isEmpty {
            guard let count = FileWriting.append(buffer.readable, to: file) else { break }
            buffer.consume(count)
        }
        buffer.clear()
    }
}
