import Foundation
import Testing

/// The library of `Tests/Tools/signing-recorder.c`, preloaded into a gateway and all that it starts.
struct SigningRecorder {
    struct Note: Hashable {
        /// libcrypto's or libssl's.
        let function: String
        /// The name of the thread that called it.
        let thread: String

        var signs: Bool { function.hasSuffix("_sign") }
        var isWorkers: Bool { thread.hasPrefix("worker-") }
    }

    private let stem: String
    let environment: [String: String]

    init(in directory: TemporaryDirectory) throws {
        stem = directory.path("signings")
        let library = try PreloadedLibrary.make("signing-recorder", in: directory)
        environment = ["LD_PRELOAD": library, "GATEHOUSE_SIGNINGS": stem]
    }

    /// What was called in a process so far.
    func notes(of process: Int) throws -> Set<Note> {
        let bytes = try #require(FileManager.default.contents(atPath: "\(stem).\(process)"), "process \(process)")
        let used = bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
        let room = (bytes.count - 8) / 64
        try #require(used <= room, "more notes than there is room for")
        return Set(
            (0..<used).compactMap { index in
                let start = bytes.startIndex + 8 + 64 * index
                let words = String(decoding: bytes[start..<(start + 64)].prefix { $0 != 0 }, as: UTF8.self)
                let parts = words.split(separator: " ", maxSplits: 1).map(String.init)
                return parts.count == 2 ? Note(function: parts[0], thread: parts[1]) : nil
            }
        )
    }
}
