import Foundation

/// Other people's programs, as judges of what was made.
enum RealTools {
    /// Runs a program of PATH; its exit status and everything it said.
    static func run(_ arguments: String...) throws -> (status: Int32, output: String) { try run(arguments) }

    static func run(_ arguments: [String]) throws -> (status: Int32, output: String) {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: data, as: UTF8.self))
    }
}
