import Foundation

/// The wall clock of programs that are started with it, which a test sets while they run; what counts on, whatever is set,
/// stays right. (faketime(1) cannot set it for a program of Swift's that runs: it changes the environment before the runtime
/// has found its arguments beside it.)
struct FakeClock {
    private let file: String
    let environment: [String: String]

    init(in directory: TemporaryDirectory) throws {
        file = directory.path("clock")
        let library = try PreloadedLibrary.make("wall-clock", in: directory)
        environment = ["LD_PRELOAD": library, "GATEHOUSE_CLOCK": file]
        try set(days: 0)
    }

    /// - Parameter days: how far it is ahead of the machine's.
    func set(days: Int) throws { try set(seconds: days * 86_400) }

    /// - Parameter seconds: how far it is ahead of the machine's.
    func set(seconds: Int) throws {
        // In one step: a file that is cut short says nothing of the time.
        try Data("\(seconds)\n".utf8).write(to: URL(fileURLWithPath: file), options: .atomic)
    }
}
