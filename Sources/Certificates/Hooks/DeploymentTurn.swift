import Linux

/// The turn of a certificate's program on one host: a lock that the program inherits, and that tells of it. Where who began it is
/// gone, as after a restart, it holds until the program has ended and what that has started.
package final class DeploymentTurn: Sendable {
    /// A program that runs, as the lock's file tells.
    private struct Run {
        /// Until when it may: milliseconds of the clock that nobody sets.
        let deadline: UInt64
        /// Which it is, where that is known.
        let process: (identifier: Int32, beginning: UInt64)?

        init?(_ text: String) {
            let words = text.split(separator: " ")
            guard let deadline = words.first.flatMap({ UInt64($0) }) else { return nil }
            self.deadline = deadline
            guard words.count == 3, let identifier = Int32(words[1]), let beginning = UInt64(words[2]) else {
                process = nil
                return
            }
            process = (identifier, beginning)
        }
    }

    /// Milliseconds after its deadline for whoever began a program to end it, and for its end.
    private static let grace: UInt64 = 3_000
    /// Milliseconds between two looks at who has the turn.
    private static let step = 500

    private let lock: FileLock
    /// Milliseconds that the run may take.
    private let limit: UInt64

    private init(_ lock: consuming FileLock, within limit: UInt64) {
        self.lock = lock
        self.limit = limit
        // What is there tells of the run before.
        self.lock.sign("\(Self.now + limit)")
    }

    private static var now: UInt64 { Clock.monotonicNanoseconds / 1_000_000 }

    /// Waits until no other run has the turn. One that goes on after its deadline, which nobody has ended, is ended.
    ///
    /// - Parameters:
    ///   - path: the lock's file.
    ///   - limit: milliseconds that the run may take.
    ///   - tell: told once which run is waited for.
    internal static func wait(
        at path: String,
        within limit: UInt64,
        tell: (String) -> Void
    ) throws(FileError) -> DeploymentTurn {
        if let turn = try take(path, limit, within: step) { return turn }
        let start = now
        var isTold = false
        while true {
            let run = run(at: path)
            if !isTold {
                tell(run?.process.map { "process \($0.identifier)" } ?? "a process that is not known")
                isTold = true
            }
            let end = run?.deadline ?? start + limit
            if now > end, now - end > grace {
                if let process = run?.process {
                    ChildProcess.endGroup(of: process.identifier, begun: process.beginning)
                }
                if let turn = try take(path, limit, within: Int(grace)) { return turn }
                // Of several who waited another may have the turn by now.
                guard Self.run(at: path)?.deadline == run?.deadline else { continue }
                // What the program has left behind goes on, with this lock: nobody waits for that.
                try FileWriting.delete(path)
            }
            if let turn = try take(path, limit, within: step) { return turn }
        }
    }

    /// nil when another has it for all that time.
    private static func take(
        _ path: String,
        _ limit: UInt64,
        within milliseconds: Int
    ) throws(FileError) -> DeploymentTurn? {
        do throws(FileError) {
            return DeploymentTurn(try FileLock.take(path, within: milliseconds), within: limit)
        } catch {
            guard error.isHeldByAnother else { throw error }
            return nil
        }
    }

    /// nil where nobody has written what runs.
    private static func run(at path: String) -> Run? {
        let bytes = (try? FileReading.read(path, limit: 1024, trust: .ownerOnly, followsLink: false)) ?? []
        return Run(String(decoding: bytes, as: UTF8.self))
    }

    /// For the program to inherit.
    internal var raw: Int32 { lock.raw }

    /// The program runs, as this process, and has its time from now on.
    internal func begin(as process: Int32) {
        guard let beginning = ProcessAncestry.beginning(of: process) else { return }
        lock.sign("\(Self.now + limit) \(process) \(beginning)")
    }

    /// It has ended; what it has left behind does not count.
    internal func end() {
        lock.sign("")
        lock.release()
    }
}
