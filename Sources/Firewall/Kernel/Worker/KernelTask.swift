/// What a worker process is asked to do with the kernel's rules.
package enum KernelTask: String, Sendable, CaseIterable {
    /// Load the text into a new network of the worker's own, and print what that network then holds, as JSON. From then
    /// on the worker does nothing else.
    case hold
    /// Load the text into this process's network.
    case load
    /// Print a listing of this process's network as JSON.
    case json
    /// Print a listing of this process's network as text.
    case text
}

/// How the two processes speak: a request is one message, the task's word with sealed memory, and so is the reply. One
/// request follows the reply to the other, until the worker is told to end.
enum KernelConvention {
    /// Where the worker finds the socket.
    static let socket: Int32 = 3
    /// What the worker is told when there is nothing more to do.
    static let end = "end"
    /// Bytes of a request: a ruleset of a hundred thousand addresses has 3 MB.
    static let longestRequest = 64 << 20
    /// Bytes of a reply: the JSON of a ruleset is about ten times as long as its text.
    static let longestReply = 512 << 20
    /// Bytes of address space that a worker may use: 100,000 intervals in a set take 153 MB.
    static let memory: UInt64 = 4 << 30

    /// The first word of a reply, which says what the memory beside it holds.
    enum Word: String {
        /// It was done; what was printed.
        case done
        /// nftables refused; problems, one a line, as `LINE MESSAGE` with line 0 for none.
        case refused
        /// It could not be tried; why.
        case unavailable
    }
}

/// Why a task was not done.
package enum KernelFailure: Error, Sendable, Equatable, CustomStringConvertible {
    /// nftables refuses what it was given. Nothing changed.
    case refused(RulesetProblems)
    /// The machine lacks what the task needs: a right, namespaces, memory; says what to do.
    case unavailable(String)
    /// A load whose worker cannot be ended: it may come into force later, and until then nothing else can be loaded.
    case underway(String)

    package var description: String {
        switch self {
        case .refused(let problems): "\(problems)"
        case .unavailable(let why), .underway(let why): why
        }
    }
}
