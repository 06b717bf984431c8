import CLinux
import Glibc

/// How a program is started: never by a bare fork, always from a program file with exactly the
/// descriptors that it needs.
package struct ProcessStart: Sendable {
    /// This very program, also when its file has been replaced meanwhile.
    package static let thisProgram = "/proc/self/exe"

    /// Where this program's file was when this was first asked for: there the next version is found. nil when the
    /// kernel does not tell.
    ///
    /// Ask early: the kernel's answer follows a file that is moved away.
    package static let thisProgramPath: String? = findThisProgram()

    private static func findThisProgram() -> String? {
        var room = [CChar](repeating: 0, count: 4096)
        // Sound: readlink writes at most as many bytes as there is room for, and no terminator.
        let count = unsafe readlink(thisProgram, &room, room.count)
        guard count > 0 else { return nil }
        let bytes = room.prefix(count).map { UInt8(bitPattern: $0) }
        guard let path = String(validating: bytes, as: UTF8.self) else { return nil }
        let mark = " (deleted)"
        return path.hasSuffix(mark) ? String(path.dropLast(mark.count)) : path
    }

    /// Where a program of that name is, or should be: in the folder of this one.
    package static func pathBesideThisProgram(_ name: String) -> String {
        let own = thisProgramPath ?? ""
        return own[..<(own.lastIndex(of: "/") ?? own.startIndex)] + "/" + name
    }

    /// The path of the program.
    package var program: String
    /// The arguments; the first is the name that `ps` shows.
    package var arguments: [String]
    /// Each as `NAME=value`; nothing is inherited.
    package var environment: [String]
    /// Descriptors the child gets: `at` is its number there, at least 3. Numbers 1 and 2 are inherited unless
    /// `output` says otherwise, 0 is /dev/null, every other one is closed.
    package var descriptors: [(raw: Int32, at: Int32)]
    /// What the child gets as standard output and error; nil for those of this process.
    package var output: Int32?
    /// Whether the child leads a process group of its own, so that a terminal's Ctrl-C does not reach it.
    package var ownGroup: Bool

    package init(
        program: String = ProcessStart.thisProgram,
        arguments: [String],
        environment: [String] = [],
        descriptors: [(raw: Int32, at: Int32)] = [],
        ownGroup: Bool = true
    ) {
        self.program = program
        self.arguments = arguments
        self.environment = environment
        self.descriptors = descriptors
        self.ownGroup = ownGroup
    }

    /// Starts the program, with every signal unblocked and at its default.
    package func run() throws(SystemError) -> ChildProcess {
        // The kernel copies one descriptor over another in turn, so a source must not bear the number
        // of an earlier target: sources are moved above all targets first.
        let top = descriptors.reduce(2) { max($0, $1.at) }
        var moved: [Int32] = []
        defer { for number in moved { _ = close(number) } }
        for entry in descriptors {
            let copy = fcntl(entry.raw, F_DUPFD_CLOEXEC, top + 1)
            guard copy >= 0 else { throw .last("fcntl(F_DUPFD_CLOEXEC)") }
            moved.append(copy)
        }

        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        // Before the others, one of whose targets may bear its number.
        if let output {
            unsafe posix_spawn_file_actions_adddup2(&actions, output, 1)
            unsafe posix_spawn_file_actions_adddup2(&actions, output, 2)
        }
        for (entry, copy) in zip(descriptors, moved) {
            unsafe posix_spawn_file_actions_adddup2(&actions, copy, entry.at)
        }
        for number in stride(from: Int32(3), to: top, by: 1) where !descriptors.contains(where: { $0.at == number }) {
            unsafe posix_spawn_file_actions_addclose(&actions, number)
        }
        unsafe posix_spawn_file_actions_addclosefrom_np(&actions, top + 1)

        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        var all = sigset_t()
        unsafe sigemptyset(&none)
        unsafe sigfillset(&all)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setsigdefault(&attributes, &all)
        var flags = Int32(POSIX_SPAWN_SETSIGMASK) | Int32(POSIX_SPAWN_SETSIGDEF)
        if ownGroup { flags |= Int32(POSIX_SPAWN_SETPGROUP) }
        unsafe posix_spawnattr_setflags(&attributes, Int16(flags))

        var identifier = pid_t()
        let code = unsafe CStrings.with(arguments) { arguments in
            unsafe CStrings.with(environment) { environment in
                unsafe posix_spawn(&identifier, program, &actions, &attributes, arguments, environment)
            }
        }
        guard code == 0 else { throw SystemError("posix_spawn(\(program))", code) }
        return try ChildProcess(identifier: identifier)
    }

    /// Replaces this program by another one, in the same process (execve(2)). Returns only when that failed.
    ///
    /// Descriptors without close-on-exec stay open under their numbers; blocked and pending signals stay so.
    package static func replace(program: String, arguments: [String], environment: [String]) -> SystemError {
        unsafe CStrings.with(arguments) { arguments in
            unsafe CStrings.with(environment) { environment in
                _ = unsafe execve(program, arguments, environment)
                return SystemError.last("execve(\(program))")
            }
        }
    }
}

/// Lists of strings as C wants them.
internal enum CStrings {
    /// Calls `body` with a list that a null pointer ends, valid during the call.
    static func with<R>(_ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> R) -> R {
        // Sound: every copy lives until after the call, and is freed once.
        var pointers: [UnsafeMutablePointer<CChar>?] = unsafe strings.map { unsafe strdup($0) }
        unsafe pointers.append(nil)
        defer { unsafe pointers.forEach { unsafe free($0) } }
        return unsafe pointers.withUnsafeBufferPointer { list in
            // It holds the null of above at least.
            guard let base = list.baseAddress else { fatalError("a list that ends with null is not empty") }
            return unsafe body(base)
        }
    }
}
