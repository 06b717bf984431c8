import Foundation
import Glibc

/// systemd as process 1 over a throw-away copy of this machine, with Gatehouse installed by `make install`. It ends,
/// with all that it started, when this object is let go of. See Tests/Tools/systemd-machine.
final class SystemdMachine {
    private static let repository = #filePath.split(separator: "/").dropLast(4).reduce("") { $0 + "/" + $1 }
    private static let script = "\(repository)/Tests/Tools/systemd-machine"

    /// Why there can be none here; nil when there can.
    static let hindrance: String? = {
        guard geteuid() == 0 else { return "systemd as process 1 needs root" }
        guard FileManager.default.fileExists(atPath: "/usr/lib/systemd/systemd") else { return "systemd is missing" }
        guard let hierarchy, FileManager.default.isWritableFile(atPath: hierarchy) else {
            return "there are no cgroups of version 2 to write to"
        }
        let namespaces = ["--pid", "--fork", "--mount", "--cgroup", "--ipc", "--uts", "--net", "true"]
        let attempt = try? run("unshare", namespaces, in: TemporaryDirectory())
        return attempt?.status == 0 ? nil : "this machine gives no namespaces"
    }()

    private static let hierarchy = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].first {
        FileManager.default.fileExists(atPath: "\($0)/cgroup.controllers")
    }

    private let directory: TemporaryDirectory
    /// The `unshare` that ends when systemd does, and systemd itself.
    private let process: ChildProcess
    private let systemd: pid_t

    /// - Parameter prepare: what else is to be there when it starts, done to the folder that is laid over its root.
    init(prepare: (_ stage: String, TemporaryDirectory) throws -> Void = { _, _ in }) throws {
        let directory = try TemporaryDirectory()
        self.directory = directory
        let binary = try Gateway.releaseBinary ?? Gateway.binary
        let stage = directory.path("stage")
        let installed = try run(
            "make",
            [
                "-C", Self.repository, "install", "DESTDIR=\(stage)", "BINARY=\(binary)", "HELPER=\(binary)-outbound",
            ],
            in: directory
        )
        guard installed.status == 0 else { throw HarnessError("make install: \(installed)") }
        try prepare(stage, directory)
        try FileManager.default.createDirectory(atPath: directory.path("work"), withIntermediateDirectories: false)
        try directory.write("", to: "kernel-messages")
        process = try ChildProcess(Self.script, [directory.path("work"), stage], in: directory, name: "machine")
        var first: pid_t?
        try eventually("there is a process 1", within: .seconds(180)) { [process] in
            // The shell that becomes `unshare` has short-lived children of its own.
            if ProcessFacts(identifier: process.identifier)["Name"] == "unshare" { first = process.children.first }
            return first != nil || process.poll() != nil
        }
        guard let first else { throw HarnessError("there is no process 1: \(process.standardError)") }
        systemd = first
        try eventually("systemd is up", within: .seconds(180)) {
            try command("systemctl is-system-running").output == "running\n"
        }
        try succeed("systemctl start systemd-journald")
    }

    deinit {
        let group = Self.hierarchy.map { "\($0)/gatehouse-test-\(process.identifier)" } ?? ""
        if process.poll() == nil { kill(systemd, SIGKILL) }
        _ = try? process.wait()
        // Deepest first, and once nobody is in them any more.
        try? eventually("its cgroups are gone", within: .seconds(5)) {
            let inner = FileManager.default.enumerator(atPath: group)?.compactMap { $0 as? String } ?? []
            // Sound: C strings that live through the call. A file, which a cgroup is full of, is not removed by it.
            for name in inner.sorted(by: { $0.count > $1.count }) { unsafe rmdir("\(group)/\(name)") }
            return unsafe rmdir(group) == 0 || errno == ENOENT
        }
    }

    /// Runs a line of the shell in it, as root.
    func command(_ line: String, input: String? = nil) throws -> ToolResult {
        // The number is systemd's as long as the one that waits for it lives.
        if let status = process.poll() {
            let messages = try String(decoding: directory.contents(of: "kernel-messages").suffix(4000), as: UTF8.self)
            let said = process.standardError + messages
            throw HarnessError("the machine is off: it ended with \(status), and said: \(said)")
        }
        return try run(
            "nsenter",
            [
                "--target", "\(systemd)", "--mount", "--pid", "--cgroup", "--ipc", "--uts", "--net", "bash", "-c",
                "cd /root && \(line)",
            ],
            in: directory,
            input: input
        )
    }

    /// The same, where a status other than 0 is an error. - Returns: what it said.
    @discardableResult
    func succeed(_ line: String) throws -> String {
        let result = try command(line)
        guard result.status == 0 else {
            let journal = try command("journalctl --no-pager --lines 40").output
            throw HarnessError("`\(line)`: \(result)\n\(journal)")
        }
        return result.output
    }

    func write(_ text: String, to path: String) throws {
        let written = try command("cat > \(path)", input: text)
        guard written.status == 0 else { throw HarnessError("cannot write \(path): \(written)") }
    }

    /// A property of the unit, as `systemctl show` tells it.
    func show(_ property: String, of unit: String = "gatehouse.service") throws -> String {
        try command("systemctl show --value --property \(property) \(unit)").output
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
