import Bytes
package import Engine
package import Linux
package import Site
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
    private let lost = Atomic<UInt64>(0)

    /// Milliseconds to the next look at rings that were empty.
    private static let idlePause = 20
    /// Milliseconds to the next look at rings that held something. A worker that shares its core waits for as long as its
    /// lines take to be written: often and little delays fewer requests, and by less, than seldom and much.
    private static let busyPause = 4
    /// Bytes of all rings from which on they are looked at again at once: so many in so short a time would soon fill one.
    private static let flood = 1 << 18

    /// - Parameter path: nil for standard output.
    package init(rings: [LogRing], path: String?) {
        self.rings = rings
        self.path = path
    }

    /// The writer that the site file asks for; nil where nothing is logged.
    package static func make(_ settings: AccessLogSettings, rings: [LogRing]) -> AccessLogWriter? {
        switch settings {
        case .off: nil
        case .standardOutput: AccessLogWriter(rings: rings, path: nil)
        case .file(let path): AccessLogWriter(rings: rings, path: path)
        }
    }

    /// Opens the file and starts the thread.
    package func start() throws(SystemError) -> Thread {
        let file = try open()
        let descriptor = file.release()
        return try Thread.start(name: "access-log") { [self] in run(FileDescriptor(owning: descriptor)) }
    }

    /// Lines that the file did not take, as on a full disk. Any thread.
    package var linesLost: UInt64 { lost.load(ordering: .relaxed) }

    /// Has the file opened again, after others have moved it away. Where that fails, the log goes on in
    /// the file that is open, and standard error says why. Any thread.
    package func reopen() { wantsReopening.store(true, ordering: .relaxed) }

    /// Has the thread write what is there and end. Any thread.
    package func stop() { isStopping.store(true, ordering: .releasing) }

    private func open() throws(SystemError) -> FileDescriptor {
        guard let path else { return try FileDescriptor.standardOutput() }
        return try FileWriting.openForAppending(path)
    }

    private func run(_ first: consuming FileDescriptor) {
        var next: Int32? = first.release()
        while let raw = next { next = write(to: FileDescriptor(owning: raw)) }
    }

    /// Writes until the file is to be opened again or the end has come, and closes it.
    /// - Returns: the file to go on with; nil at the end.
    private func write(to descriptor: consuming FileDescriptor) -> Int32? {
        let file = LogFile(descriptor)
        let buffer = ByteBuffer(capacity: 1 << 18)
        var isLosing = false
        while true {
            let isLast = isStopping.load(ordering: .acquiring)
            if wantsReopening.exchange(false, ordering: .relaxed), let fresh = openAgain() { return fresh }
            var count = 0
            for ring in rings { count += ring.drain(into: buffer) }
            if count > 0 {
                // While the reader of a pipe stops, the rings fill, and workers drop what they do not hold.
                let lost = file.write(buffer, patiently: { !isStopping.load(ordering: .relaxed) })
                note(lost, isLosing: &isLosing)
            }
            if isLast { return nil }
            if count < Self.flood { Thread.pause(milliseconds: count == 0 ? Self.idlePause : Self.busyPause) }
        }
    }

    private func openAgain() -> Int32? {
        do throws(SystemError) {
            let file = try open()
            return file.release()
        } catch {
            StandardError.log("gatehouse: the access log goes on in the old file: \(error)\n")
            return nil
        }
    }

    /// Counts what was lost, and says so once each time it begins.
    private func note(_ lines: UInt64, isLosing: inout Bool) {
        lost.wrappingAdd(lines, ordering: .relaxed)
        if lines > 0 && !isLosing {
            let name = path ?? "standard output"
            StandardError.log(
                "gatehouse: the access log loses lines: \(name) takes no more; is the disk full, or does nobody read it?\n"
            )
        }
        isLosing = lines > 0
    }
}
