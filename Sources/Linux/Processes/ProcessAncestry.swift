import Glibc

/// What /proc tells of processes (proc(5)).
package enum ProcessAncestry {
    /// The value that the nearest process has for an environment variable: this one, its parent, and so on upwards.
    ///
    /// `sudo` and `su` start their command with a cleaned environment; the shell that started them still has it.
    /// - Returns: nil when none of them has it, or when their environments may not be read.
    package static func variable(_ name: String) -> String? {
        var process = getpid()
        // A chain of parents has no loops, but processes end while it is followed.
        for _ in 0..<64 where process > 0 {
            if let value = variable(name, of: process) { return value }
            guard let parent = parent(of: process) else { return nil }
            process = parent
        }
        return nil
    }

    /// The names of the processes that run in this process's network, as the kernel keeps them: 15 bytes of each. One of
    /// which the network is not told counts, unless it has ended and nobody has waited for it yet.
    package static func namesInThisNetwork() -> Set<String> {
        var names: Set<String> = []
        for process in FileListing.names(in: "/proc").compactMap({ Int32($0) }) {
            guard Namespaces.isInThisNetwork(process) ?? hasMemory(process),
                let bytes = try? FileReading.readStream("/proc/\(process)/comm", limit: 64)
            else { continue }
            names.insert(String(decoding: bytes.prefix { $0 != 0x0A }, as: UTF8.self))
        }
        return names
    }

    /// A process that has ended has no command line any more.
    private static func hasMemory(_ process: Int32) -> Bool {
        let line = try? FileReading.readStream("/proc/\(process)/cmdline", limit: 1 << 20)
        return line.map { !$0.isEmpty } ?? false
    }

    private static func variable(_ name: String, of process: Int32) -> String? {
        guard let bytes = try? FileReading.readStream("/proc/\(process)/environ", limit: 1 << 20) else { return nil }
        let start = Array("\(name)=".utf8)
        return bytes.split(separator: 0).first { $0.starts(with: start) }
            .map { String(decoding: $0.dropFirst(start.count), as: UTF8.self) }
    }

    /// When a process began, in ticks since the machine was started: with its number it is one process alone.
    ///
    /// - Returns: nil when there is none, or the kernel does not tell.
    package static func beginning(of process: Int32) -> UInt64? {
        let words = state(of: process)
        return words.count > 19 ? UInt64(words[19]) : nil
    }

    private static func parent(of process: Int32) -> Int32? {
        let words = state(of: process)
        return words.count > 1 ? Int32(words[1]) : nil
    }

    /// From its state on: pid (comm) state ppid …, where comm may hold anything, so that what follows its last parenthesis is
    /// read.
    private static func state(of process: Int32) -> [Substring] {
        guard let bytes = try? FileReading.readStream("/proc/\(process)/stat", limit: 4096) else { return [] }
        return String(decoding: bytes, as: UTF8.self).split(separator: ")").last?.split(separator: " ") ?? []
    }
}
