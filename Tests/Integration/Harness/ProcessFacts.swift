import Foundation

/// What /proc says of a process.
struct ProcessFacts {
    let identifier: Int32

    /// The fields of `/proc/PID/status`.
    private var status: [String: String] {
        let text = String(
            decoding: FileManager.default.contents(atPath: "/proc/\(identifier)/status") ?? Data(),
            as: UTF8.self
        )
        let pairs = text.split(separator: "\n").compactMap { line -> (String, String)? in
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { return nil }
            return (String(parts[0]), parts[1].trimmingCharacters(in: .whitespaces))
        }
        return Dictionary(pairs, uniquingKeysWith: { first, _ in first })
    }

    subscript(_ field: String) -> String? { status[field] }

    /// Resident memory that no file stands behind, in KiB.
    var anonymousMemory: Int {
        status["RssAnon"]?.split(separator: " ").first.flatMap { Int($0) } ?? 0
    }

    /// Open descriptors. Reading them needs the rights of root or of the process's own user.
    var descriptorCount: Int {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(identifier)/fd").count) ?? 0
    }

    /// What each of them leads to, as in `socket:[1234]`.
    var openFiles: [String] {
        let folder = "/proc/\(identifier)/fd"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.compactMap { try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\($0)") }
    }
}
