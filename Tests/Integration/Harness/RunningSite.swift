import Foundation
import Glibc

/// The built binary, serving the text of a site file as it stands. It is killed, with all that it started, when this
/// object is let go of.
final class RunningSite {
    let directory: TemporaryDirectory
    let process: ChildProcess
    private let file: String

    /// Starts the gateway and waits until it serves.
    /// - Parameters:
    ///   - file: where in the directory the site file is, or is to be written.
    ///   - binary: in place of the one that was built with the tests.
    ///   - environment: added to the one of the tests.
    init(
        _ text: String? = nil,
        in directory: TemporaryDirectory,
        file: String = "site.yaml",
        binary: String? = nil,
        environment: [String: String] = [:]
    ) throws {
        self.directory = directory
        self.file = file
        if let text { try directory.write(text, to: file) }
        let process = try ChildProcess(
            try binary ?? Gateway.binary,
            ["serve", "--site", directory.path(file), "--workers", "2", "--socket", directory.path("admin.sock")],
            in: directory,
            name: directory.uniqueName("gatehouse"),
            environment: environment
        )
        self.process = process
        try eventually("the gateway serves") {
            if let status = process.poll() { throw HarnessError("it ended with \(status): \(process.standardError)") }
            return process.standardError.contains("gatehouse: ready")
        }
    }

    /// What it said on standard error.
    var log: String { process.standardError }

    func stop() throws {
        process.send(SIGTERM)
        try process.wait()
    }

    /// Runs a command of the same binary against this gateway's admin socket.
    func command(_ arguments: String...) throws -> ToolResult {
        try run(try Gateway.binary, arguments + ["--socket", directory.path("admin.sock")], in: directory)
    }
}
