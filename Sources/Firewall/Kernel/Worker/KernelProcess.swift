import Glibc
import Linux

/// Starts workers: this program again, with the one descriptor that it needs and nothing else. What crashes, hangs or
/// grows in libnftables ends with the worker.
package struct KernelProcess: Sendable {
    /// The program, and the arguments that make it call `KernelWorker`.
    package let program: String
    package let arguments: [String]
    /// How long a task may take.
    package let seconds: Int32

    /// - Parameters:
    ///   - program: this program, unless a test says another.
    ///   - seconds: 10,000 rules load in half a second, 100,000 intervals in two.
    package init(
        program: String = ProcessStart.thisProgram,
        arguments: [String] = ["gatehouse", KernelProcess.argument],
        seconds: Int32 = 60
    ) {
        self.program = program
        self.arguments = arguments
        self.seconds = seconds
    }

    /// The command that calls `KernelWorker`.
    package static let argument = "firewall-worker"

    /// Has one task done by a worker of its own.
    ///
    /// - Parameter text: the ruleset, or the listing's command.
    /// - Returns: what was printed.
    func run(_ task: KernelTask, _ text: String) throws(KernelFailure) -> [UInt8] {
        try start().run(task, text)
    }

    /// Starts a worker that does one task after another.
    func start() throws(KernelFailure) -> KernelConnection {
        do throws(SystemError) {
            let pair = try MessageSocket.pair()
            let child = try ProcessStart(
                program: program,
                arguments: arguments + ["--parent", "\(getpid())"],
                // A crash in libnftables is an answer, and needs no trace on the terminal.
                environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C", "TZ=UTC", "SWIFT_BACKTRACE=enable=no"],
                descriptors: [(pair.theirs.raw, KernelConvention.socket)],
                ownGroup: false
            ).run()
            return KernelConnection(child, pair.takeOurs(), seconds: seconds)
        } catch {
            throw .unavailable(
                "the worker process cannot be started: \(error); see that memory and processes are left (`free`, `ulimit -u`)"
            )
        }
    }
}
