import Glibc
import Linux

/// Starts a worker for each task: this program again, with the two descriptors that it needs and nothing else. What
/// crashes, hangs or grows in libnftables ends with the worker.
package struct KernelProcess: Sendable {
    /// The program, and the arguments that make it call `KernelWorker`; the task's word is added.
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

    /// Has a task done.
    ///
    /// - Parameter text: the ruleset, or the listing's command.
    /// - Returns: what was printed.
    func run(_ task: KernelTask, _ text: String) throws(KernelFailure) -> [UInt8] {
        let bytes = Array(text.utf8)
        guard bytes.count <= KernelConvention.longestRequest else {
            throw .unavailable("the ruleset has \(bytes.count) bytes, more than \(KernelConvention.longestRequest)")
        }
        do {
            let request = try SealedMemory.create(name: "gatehouse-ruleset", bytes)
            let pair = try MessageSocket.pair()
            let child = try ProcessStart(
                program: program,
                arguments: arguments + ["--parent", "\(getpid())", task.rawValue],
                environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C", "TZ=UTC"],
                descriptors: [
                    (request.raw, KernelConvention.request), (pair.theirs.raw, KernelConvention.reply),
                ],
                ownGroup: false
            ).run()
            return try answer(of: child, pair.takeOurs())
        } catch let failure as KernelFailure {
            throw failure
        } catch {
            throw .unavailable("the worker process cannot be started: \(error)")
        }
    }

    private func answer(of child: borrowing ChildProcess, _ socket: consuming MessageSocket) throws -> [UInt8] {
        let reply: ReceivedMessage?
        do {
            reply = try socket.receive(within: seconds * 1000)
        } catch {
            let end = child.wait(milliseconds: 2_000).map { "\($0)" } ?? "gave no answer"
            child.signal(SIGKILL)
            throw KernelFailure.unavailable("the worker process \(end); a ruleset of a newer nft can crash libnftables")
        }
        guard let reply else {
            child.signal(SIGKILL)
            _ = child.wait(milliseconds: 2_000)
            throw KernelFailure.unavailable("the worker process gave no answer within \(seconds) s and was ended")
        }
        let word = KernelConvention.Word(rawValue: String(decoding: reply.bytes, as: UTF8.self))
        var descriptors = reply.takeDescriptors()
        guard let word, let memory = descriptors.takeFirst() else {
            throw KernelFailure.unavailable("the worker process answered something unknown")
        }
        let payload = try SealedMemory.read(memory.raw, limit: KernelConvention.longestReply)
        _ = child.wait(milliseconds: 2_000)
        switch word {
        case .done: return payload
        case .refused: throw KernelFailure.refused(RulesetProblems(coded: String(decoding: payload, as: UTF8.self)))
        case .unavailable: throw KernelFailure.unavailable(String(decoding: payload, as: UTF8.self))
        }
    }
}

extension RulesetProblems {
    /// As they go from the worker to who asked it: `LINE MESSAGE`, one a line.
    var coded: String { list.map { "\($0.line ?? 0) \($0.message)" }.joined(separator: "\n") }

    init(coded text: String) {
        self.init(
            text.split(separator: "\n").map { entry in
                let parts = entry.split(separator: " ", maxSplits: 1)
                let line = parts.first.flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil }
                return RulesetProblem(line: line, message: parts.count == 2 ? String(parts[1]) : String(entry))
            }
        )
    }
}
