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

    private static func parent(of process: Int32) -> Int32? {
        guard let bytes = try? FileReading.readStream("/proc/\(process)/stat", limit: 4096) else { return nil }
        // pid (comm) state ppid …: comm may hold anything, so what follows its last parenthesis is read.
        let words = String(decoding: bytes, as: UTF8.self).split(separator: ")").last?.split(separator: " ") ?? []
        return words.count > 1 ? Int32(words[1]) : nil
    }
}
