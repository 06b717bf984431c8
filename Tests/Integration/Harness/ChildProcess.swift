import Foundation
import Synchronization

/// A program that the tests started. It runs in a process group of its own, which dies with this object, as do its
/// children in groups of their own, so that nothing it started is left behind either.
final class ChildProcess {
    /// From its fork until its program begins a child has a copy of every descriptor of the tests. A socket that is closed
    /// meanwhile would go on listening.
    static let forking = Mutex(())

    let identifier: pid_t
    private let outputPath: String
    private let errorPath: String
    private var status: Int32?

    /// - Parameters:
    ///   - program: a path, or a name that PATH resolves.
    ///   - directory: where its output is kept, in `NAME.out` and `NAME.err`.
    ///   - environment: added to the one of the tests.
    init(
        _ program: String,
        _ arguments: [String],
        in directory: TemporaryDirectory,
        name: String,
        environment: [String: String] = [:],
        input: String = "/dev/null"
    ) throws {
        outputPath = directory.path("\(name).out")
        errorPath = directory.path("\(name).err")
        let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }

        // Sound: libc's own objects, initialised and destroyed here, and copies of the strings that live through the call.
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
        for (descriptor, path) in [(Int32(1), outputPath), (2, errorPath)] {
            unsafe posix_spawn_file_actions_addopen(&actions, descriptor, path, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        }
        unsafe posix_spawn_file_actions_addclosefrom_np(&actions, 3)
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        unsafe sigemptyset(&none)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK))

        let argv = unsafe ([program] + arguments).map { unsafe strdup($0) } + [nil]
        let envp = unsafe variables.map { unsafe strdup("\($0)=\($1)") } + [nil]
        defer { unsafe (argv + envp).forEach { unsafe free($0) } }
        var pid: pid_t = 0
        var result: Int32 = 0
        Self.forking.withLock { _ in
            result = unsafe posix_spawnp(&pid, program, &actions, &attributes, argv, envp)
        }
        guard result == 0 else {
            throw HarnessError("cannot start \(program): errno \(result); `make test` installs what is missing")
        }
        identifier = pid
    }

    deinit {
        if status != nil {
            // Its number may be another process's by now. As long as it is nobody's, the rest of its group is its own.
            if kill(identifier, 0) != 0 { kill(-identifier, SIGKILL) }
            return
        }
        // It stands still first, so that it starts no other child in place of those that are killed.
        kill(identifier, SIGSTOP)
        try? eventually("it stands still", within: .seconds(60)) {
            ["T", "Z", nil].contains(ProcessFacts(identifier: identifier)["State"]?.first)
        }
        for child in children { kill(child, SIGKILL) }
        kill(-identifier, SIGKILL)
        var ignored: Int32 = 0
        unsafe waitpid(identifier, &ignored, 0)
    }

    /// Everything written so far.
    var standardOutput: String { contents(of: outputPath) }
    var standardError: String { contents(of: errorPath) }

    /// The exit status, or 128 and the signal's number; nil while it runs.
    func poll() -> Int32? {
        if let status { return status }
        var raw: Int32 = 0
        guard unsafe waitpid(identifier, &raw, WNOHANG) == identifier else { return nil }
        let signal = raw & 0x7f
        status = signal == 0 ? (raw >> 8) & 0xff : 128 + signal
        return status
    }

    /// Waits for the end.
    @discardableResult
    func wait(within limit: Duration = .seconds(120)) throws -> Int32 {
        try eventually("process \(identifier) ends; it said: \(standardError.suffix(2000))", within: limit) {
            poll() != nil
        }
        return status ?? -1
    }

    func send(_ signal: Int32) {
        guard poll() == nil else { return }
        kill(identifier, signal)
    }

    /// The processes that this one started and that still run.
    var children: [pid_t] {
        guard poll() == nil else { return [] }
        let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return all.compactMap(pid_t.init).filter { pid in
            // pid (comm) state ppid …: comm may hold anything, so read from its closing parenthesis.
            let stat = contents(of: "/proc/\(pid)/stat")
            let words = stat.split(separator: ")").last?.split(separator: " ") ?? []
            return words.count > 1 && words[1] == "\(identifier)" && words[0] != "Z"
        }
    }

    private func contents(of path: String) -> String {
        String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    }
}

/// What a tool said that ran to its end.
struct ToolResult {
    let status: Int32
    let output: String
    let error: String
}

/// Runs a tool to its end.
/// - Throws: when it cannot be started or does not end within `limit`; a status other than 0 is a result.
func run(
    _ program: String,
    _ arguments: [String],
    in directory: TemporaryDirectory,
    input: String? = nil,
    environment: [String: String] = [:],
    within limit: Duration = .seconds(120)
) throws -> ToolResult {
    let name = directory.uniqueName(program.split(separator: "/").last.map(String.init) ?? "tool")
    var inputPath = "/dev/null"
    if let input {
        inputPath = directory.path("\(name).in")
        try directory.write(input, to: "\(name).in")
    }
    let process = try ChildProcess(
        program,
        arguments,
        in: directory,
        name: name,
        environment: environment,
        input: inputPath
    )
    let status = try process.wait(within: limit)
    return ToolResult(status: status, output: process.standardOutput, error: process.standardError)
}

/// Runs a Python program of the tests with Debian's interpreter, which is the one that has Debian's modules.
func python(
    _ source: String,
    _ arguments: [String] = [],
    in directory: TemporaryDirectory,
    within limit: Duration = .seconds(120)
) throws -> ToolResult {
    let name = directory.uniqueName("script") + ".py"
    try directory.write(source, to: name)
    return try run("/usr/bin/python3", [directory.path(name)] + arguments, in: directory, within: limit)
}
