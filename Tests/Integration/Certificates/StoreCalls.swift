import Foundation

/// The system calls of a command by which it changes the store, in order, as strace tells and counts them: each kind and each
/// thread by itself, so that the command is given no second thread, and does all on its first.
struct StoreCalls {
    struct Call {
        let kind: String
        /// Which of its kind it is, from 1 on.
        var number: Int
    }

    /// From the first that the store sees on.
    let calls: [Call]

    /// The kinds of calls that a command changes the store by; `openat` with those that only read.
    static let kinds = ["fchmod", "fsync", "ftruncate", "mkdir", "openat", "rename", "unlink", "unlinkat", "write"]

    /// Others by which files could be changed.
    private static let others = [
        "chmod", "chown", "copy_file_range", "creat", "fallocate", "fchmodat", "fchown", "fchownat", "fdatasync",
        "link", "linkat", "mkdirat", "open", "pwrite64", "pwritev", "renameat", "renameat2", "rmdir",
        "sendfile", "symlink", "symlinkat", "syncfs", "truncate", "utimensat", "writev",
    ]

    /// - Parameter command: runs the command under a prefix, to a good end.
    /// - Throws: also when the command changes files by a call that is not one of `kinds`: nothing would be killed there.
    init(in directory: TemporaryDirectory, of command: ([String]) throws -> ToolResult) throws {
        let file = directory.path("trace")
        // What strace is not told to trace it changes nothing of either: without the last two there would be more threads.
        let traced = (Self.kinds + Self.others + ["clone", "clone3"]).map { "?" + $0 }.joined(separator: ",")
        let result = try command(Self.strace(["-e", "trace=\(traced)"], into: file))
        guard result.status == 0 else { throw HarnessError("strace: \(result)") }
        let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
        guard lines.contains(where: { $0.contains("store/.lock") }) else {
            throw HarnessError("the store is not locked: \(lines)")
        }
        var counts: [Substring: Int] = [:]
        var calls: [Call] = []
        for line in lines {
            // After the thread's number.
            let text = line.drop { $0.isNumber || $0 == " " }
            guard let end = text.firstIndex(of: "("), !text.hasPrefix("clone") else { continue }
            let kind = text[..<end]
            counts[kind, default: 0] += 1
            // What it tells its user is no change of the store.
            let isOutput = text.hasPrefix("write(1,") || text.hasPrefix("write(2,")
            guard !calls.isEmpty || text.contains("store/.lock"), !isOutput else { continue }
            calls.append(Call(kind: String(kind), number: counts[kind, default: 0]))
        }
        if let stranger = calls.first(where: { !Self.kinds.contains($0.kind) }) {
            throw HarnessError("it changes files by \(stranger.kind), too: \(lines)")
        }
        self.calls = calls
    }

    private static func strace(_ options: [String], into file: String = "/dev/null") -> [String] {
        ["strace", "-f", "-qq", "-o", file, "-e", "inject=clone,clone3:error=EAGAIN"] + options
    }

    /// The arguments of strace that kill the command at a call.
    static func kill(at call: Call) -> [String] {
        strace(["-e", "inject=\(call.kind):signal=SIGKILL:when=\(call.number)"])
    }

    /// The same that have every call of these kinds fail for lack of room, from one of `calls` on.
    func full(_ kinds: [String], from place: Int) -> [String] {
        let injections = kinds.flatMap { kind in
            let before = calls[..<place].last { $0.kind == kind }?.number
            let first = calls[place...].first { $0.kind == kind }?.number
            return ["-e", "inject=\(kind):error=ENOSPC:when=\(first ?? (before ?? 0) + 1)+"]
        }
        return Self.strace(injections)
    }
}
