import Glibc
import Linux

/// A worker process that waits for tasks. It ends with this object, and with the thread that started it; after a task
/// that throws `unavailable` it may be gone, and is not to be asked again.
final class KernelConnection: Sendable {
    private let child: ChildProcess
    private let socket: MessageSocket
    private let seconds: Int32

    /// - Parameter seconds: how long a task may take.
    init(_ child: consuming ChildProcess, _ socket: consuming MessageSocket, seconds: Int32) {
        self.child = child
        self.socket = socket
        self.seconds = seconds
    }

    deinit {
        try? socket.send(Array(KernelConvention.end.utf8).span, within: 0)
        guard child.wait(milliseconds: 2_000) == nil else { return }
        child.signal(SIGKILL)
        _ = child.wait(milliseconds: 2_000)
    }

    /// Whether the process has ended before its time.
    var hasEnded: Bool { child.hasEnded }

    /// Has a task done.
    ///
    /// - Parameter text: the ruleset, or the listing's command.
    /// - Returns: what was printed.
    func run(_ task: KernelTask, _ text: String) throws(KernelFailure) -> [UInt8] {
        let bytes = Array(text.utf8)
        guard bytes.count <= KernelConvention.longestRequest else {
            throw .unavailable(
                "the ruleset has \(bytes.count) bytes, more than \(KernelConvention.longestRequest): have fewer lines and "
                    + "addresses for this host"
            )
        }
        do throws(SystemError) {
            let request = try SealedMemory.create(name: "gatehouse-ruleset", bytes)
            let word = Array(task.rawValue.utf8)
            try socket.send(word.span, descriptors: [request.raw], within: seconds * 1000)
        } catch {
            throw .unavailable("the worker process cannot be asked: \(error)")
        }
        return try answer(task)
    }

    /// How long a worker that was ended may take for it, in milliseconds: the kernel finishes a transaction that it is in.
    private static let patience: Int32 = 300_000

    private func answer(_ task: KernelTask) throws(KernelFailure) -> [UInt8] {
        let reply: ReceivedMessage?
        do throws(SystemError) {
            reply = try socket.receive(within: seconds * 1000)
        } catch {
            let end = child.wait(milliseconds: 2_000).map { "\($0)" } ?? "gave no answer"
            child.signal(SIGKILL)
            throw .unavailable(
                "the worker process \(end); a ruleset of a newer nft can crash libnftables: update that, or remove the tables of "
                    + "the newer one"
            )
        }
        guard let reply else {
            child.signal(SIGKILL)
            // Whoever asks what the kernel holds now must not ask before a load that is under way has come to its end.
            guard task != .load || child.wait(milliseconds: Self.patience) != nil else {
                throw .underway(
                    "the worker process gave no answer within \(seconds) s and does not end: what it loads may come into "
                        + "force later"
                )
            }
            throw .unavailable(
                "the worker process gave no answer within \(seconds) s and was ended: try again when the machine is less busy"
            )
        }
        let word = KernelConvention.Word(rawValue: String(decoding: reply.bytes, as: UTF8.self))
        var descriptors = reply.takeDescriptors()
        guard let word, let memory = descriptors.takeFirst() else {
            throw .unavailable("the worker process answered something unknown: please report it")
        }
        let payload: [UInt8]
        do throws(SystemError) {
            payload = try SealedMemory.read(memory.raw, limit: KernelConvention.longestReply)
        } catch {
            throw .unavailable("what the worker process answered cannot be read: \(error)")
        }
        switch word {
        case .done: return payload
        case .refused: throw .refused(RulesetProblems(coded: String(decoding: payload, as: UTF8.self)))
        case .unavailable: throw .unavailable(String(decoding: payload, as: UTF8.self))
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
