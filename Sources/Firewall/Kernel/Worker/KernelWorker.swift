import Glibc
import Linux

/// The worker's own process: one task after another, each with its reply, until it is told to end.
package enum KernelWorker {
    /// Call it on the main thread before any other exists: a user namespace is given to single threads only.
    ///
    /// - Parameter parent: the process that asks; the worker ends with it.
    /// - Returns: the exit status.
    package static func run(parent: Int32) -> Int32 {
        guard ParentDeath.deliver(signal: SIGKILL, parent: parent) else { return 1 }
        // By which `policy watch` and `ps` know it: it was started as `exe`.
        Thread.nameCurrent("gatehouse")
        MemoryLimit.set(bytes: KernelConvention.memory)
        Allocator.keepFreedMemory()
        do {
            let socket = MessageSocket(owning: try InheritedDescriptor.take(KernelConvention.socket))
            var isElsewhere = false
            while let (task, text) = try request(socket) {
                // What is asked of the machine's rules is not to be answered by those of a network that was left.
                guard task == .hold || !isElsewhere else { return 1 }
                isElsewhere = task == .hold
                let (word, payload) = answer(task, text)
                let memory = try SealedMemory.create(name: "gatehouse-reply", payload)
                try socket.send(Array(word.rawValue.utf8).span, descriptors: [memory.raw], within: 10_000)
            }
            return 0
        } catch {
            StandardError.write("gatehouse: firewall worker: \(error)\n")
            return 1
        }
    }

    /// The next task with its text; nil when there is none any more.
    private static func request(_ socket: borrowing MessageSocket) throws -> (KernelTask, String)? {
        guard let message = try socket.receive(within: -1),
            let task = KernelTask(rawValue: String(decoding: message.bytes, as: UTF8.self))
        else { return nil }
        var descriptors = message.takeDescriptors()
        guard let memory = descriptors.takeFirst() else { return nil }
        let bytes = try SealedMemory.read(memory.raw, limit: KernelConvention.longestRequest)
        return (task, String(decoding: bytes, as: UTF8.self))
    }

    private static func answer(_ task: KernelTask, _ text: String) -> (KernelConvention.Word, [UInt8]) {
        do throws(KernelFailure) {
            return (.done, try perform(task, text))
        } catch {
            switch error {
            case .refused(let problems) where problems.isDenied: return (.unavailable, Array(denied.utf8))
            case .refused(let problems) where problems.isTooLong: return (.unavailable, Array(tooLong(for: task).utf8))
            case .refused(let problems): return (.refused, Array(problems.coded.utf8))
            case .unavailable(let why), .underway(let why): return (.unavailable, Array(why.utf8))
            }
        }
    }

    private static let denied =
        "the kernel does not let this user at the firewall's rules (CAP_NET_ADMIN): run it as root"

    /// Who may send longer ones has CAP_NET_ADMIN in the first user namespace (SO_SNDBUFFORCE), as root of a container
    /// has not. What is to come into force goes as one message or not at all.
    private static func tooLong(for task: KernelTask) -> String {
        guard task == .load else {
            return "the kernel takes no message as long as this from this user: run it as root"
        }
        return "the ruleset is too large for one transaction here, and nothing changed: run it where CAP_NET_ADMIN is "
            + "of the machine's own user namespace, not a container's, or raise net.core.wmem_max there"
    }

    private static func perform(_ task: KernelTask, _ text: String) throws(KernelFailure) -> [UInt8] {
        if task == .hold { return try ScratchNetwork.hold(text) }
        do throws(RulesetProblems) {
            let library = try NFTables()
            guard task != .load else {
                try library.load(text)
                return []
            }
            guard let listing = RulesetListing(command: text) else {
                throw RulesetProblems("no listing: \(text.prefix(80))")
            }
            return try library.list(listing, json: task == .json)
        } catch {
            throw .refused(error)
        }
    }
}
