import CLinux
import Glibc

/// A program of somebody else's, run to its end: for so long at most, and with so much of what it says kept.
package struct ProgramRun: Sendable {
    /// What became of it.
    package enum End: Equatable, Sendable {
        case ended(ProcessEnd)
        /// It took longer than it may, and was killed with its process group.
        case late
    }

    package let end: End
    /// The last bytes of its standard output and error, in the order in which they came.
    package let output: [UInt8]

    package var isSuccess: Bool { end == .ended(.exited(0)) }

    /// Milliseconds between asking a late program to end and killing it.
    private static let grace: Int32 = 1_000

    /// The number that a descriptor has for the program that it is lent to: shells have those up to 9 for their scripts.
    private static let placeOfLent: Int32 = 10

    /// Runs a program without a shell and waits for it. Blocks its thread.
    ///
    /// - Parameters:
    ///   - command: the path of the program, then its arguments.
    ///   - environment: each as `NAME=value`; nothing else is inherited.
    ///   - milliseconds: how long it may take.
    ///   - kept: bytes of its output that are kept, the last ones; the rest is read and thrown away, so that it never
    ///     waits for us.
    ///   - lent: a descriptor that it inherits.
    ///   - begun: told its process, once it runs.
    package static func run(
        _ command: [String],
        environment: [String],
        milliseconds: UInt64,
        keeping kept: Int,
        lending lent: Int32? = nil,
        begun: (Int32) -> Void = { _ in }
    ) throws(SystemError) -> ProgramRun {
        guard let program = command.first else { throw SystemError("posix_spawn", EINVAL) }
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe2(&ends, O_CLOEXEC) == 0 else { throw .last("pipe2") }
        let source = FileDescriptor(owning: ends[0])
        let sink = FileDescriptor(owning: ends[1])
        _ = fcntl(source.raw, F_SETFL, O_NONBLOCK)
        var start = ProcessStart(program: program, arguments: command, environment: environment)
        start.output = sink.raw
        if let lent { start.descriptors = [(raw: lent, at: placeOfLent)] }
        let child = try start.run()
        begun(child.identifier)
        _ = consume sink
        var output: [UInt8] = []
        let deadline = Clock.monotonicNanoseconds / 1_000_000 + milliseconds
        while !child.hasEnded {
            let now = Clock.monotonicNanoseconds / 1_000_000
            guard now < deadline else {
                child.signalGroup(SIGTERM)
                _ = Readiness.wait([child.raw], milliseconds: grace)
                child.signalGroup(SIGKILL)
                _ = child.wait(milliseconds: -1)
                return ProgramRun(end: .late, output: take(source.raw, output, kept).bytes)
            }
            let pause = Int32(clamping: deadline - now)
            _ = Readiness.wait([child.raw, source.raw], milliseconds: pause)
            let taken = take(source.raw, output, kept)
            output = taken.bytes
            // Closed by the program, which goes on: only its end is left to wait for.
            if taken.isOver { _ = Readiness.wait([child.raw], milliseconds: pause) }
        }
        output = take(source.raw, output, kept).bytes
        return ProgramRun(end: .ended(child.wait(milliseconds: -1) ?? .exited(0)), output: output)
    }

    /// What is there to read now, after what was read before, without more than `kept` bytes.
    private static func take(_ raw: Int32, _ before: [UInt8], _ kept: Int) -> (bytes: [UInt8], isOver: Bool) {
        var bytes = before
        var room = [UInt8](repeating: 0, count: 4096)
        // A program that never stops talking must not keep this from looking at the clock.
        for _ in 0..<64 {
            // Sound: the kernel writes at most as many bytes as there is room for.
            let count = retrying { unsafe read(raw, &room, room.count) }
            guard count > 0 else { return (bytes, count == 0) }
            bytes.append(contentsOf: room[..<count])
            if bytes.count > kept { bytes.removeFirst(bytes.count - kept) }
        }
        return (bytes, false)
    }
}
