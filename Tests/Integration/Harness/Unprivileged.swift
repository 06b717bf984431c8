import Foundation

/// A user who owns nothing and may do nothing, for errors that root never sees: nobody, when the tests run as root,
/// else whoever runs them.
enum Unprivileged {
    static let isAnother = geteuid() == 0

    /// What a command line begins with to be run as that user.
    static let prefix = isAnother ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : ["env"]

    /// Runs a tool as that user; see `run`.
    static func tool(_ arguments: [String], in directory: TemporaryDirectory) throws -> ToolResult {
        let all = prefix + arguments
        return try run(all[0], Array(all.dropFirst()), in: directory)
    }

    /// Gives the directory and all in it to that user.
    static func own(_ directory: TemporaryDirectory) throws {
        if isAnother { _ = try run("chown", ["-R", "65534:65534", directory.root], in: directory) }
    }

    /// The built binary where that user can run it: a clone in somebody's home is out of its reach.
    static func binary(in directory: TemporaryDirectory) throws -> String {
        let built = try Gateway.binary
        guard try !canRun(built, in: directory) else { return built }
        let copied = try run("install", ["-m", "0755", built, directory.path("gatehouse-copy")], in: directory)
        guard copied.status == 0 else { throw HarnessError("copy of \(built): \(copied)") }
        return directory.path("gatehouse-copy")
    }

    /// Whether that user can run the binary; a clone in somebody's home may be out of its reach.
    static func canRun(_ binary: String, in directory: TemporaryDirectory) throws -> Bool {
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: directory.root)
        return try tool(["test", "-x", binary], in: directory).status == 0
    }
}
