import Glibc
import Linux

/// A network namespace of its own, in a child: what is loaded there is gone with it.
enum ScratchNetwork {
    private static var flags: String { geteuid() == 0 ? "-n" : "-rn" }

    /// Whether this machine lets the user make one, and has nft.
    static let isAvailable = (try? run("nft list ruleset", in: "/tmp")) == true

    /// Loads each text twice into the same namespace and lists it. What went wrong, a line each.
    ///
    /// - Parameters:
    ///   - change: is loaded after the last one.
    ///   - whole: what the kernel lists after the change is compared with what it lists after this.
    static func problems(
        loading texts: [(name: String, text: String)],
        then change: String? = nil,
        asIf whole: String? = nil
    ) throws -> [String] {
        var random = SystemRandomNumberGenerator()
        let folder = "/tmp/gatehouse-scratch-network-\(getpid())-\(random.next())"
        try FileWriting.createFolder(folder)
        defer { FileWriting.removeFolder(folder, first: "script") }
        let list = "nft --stateless list table inet gatehouse"
        var script = ": >problems\n"
        for (index, entry) in texts.enumerated() {
            let file = "\(index).nft"
            try write(entry.text, "\(folder)/\(file)")
            script += step(entry.name, "nft -f \(file) && nft -f \(file) && \(list)")
        }
        if let change, let whole {
            try write(change, "\(folder)/change")
            try write(whole, "\(folder)/whole")
            script += step("change", "nft -f change && \(list) >changed.list")
            script += step("whole", "nft -f whole && \(list) >whole.list && diff changed.list whole.list")
        }
        try write(script, "\(folder)/script")
        let succeeded = try run(". ./script", in: folder)
        let found = String(decoding: try FileReading.read("\(folder)/problems", limit: 1 << 20), as: UTF8.self)
        return (succeeded ? [] : ["the script failed"]) + (found.isEmpty ? [] : [found])
    }

    /// A step whose output goes to the problems when it fails.
    private static func step(_ name: String, _ command: String) -> String {
        "{ \(command); } >output 2>&1 || { echo '\(name):'; cat output; } >>problems\n"
    }

    private static func write(_ text: String, _ path: String) throws {
        let bytes = Array(text.utf8)
        try FileWriting.replace(path, with: bytes.span, mode: 0o600)
    }

    /// Runs a line of shell in a fresh namespace; true when it ended with 0.
    static func run(_ line: String, in folder: String) throws -> Bool {
        let start = ProcessStart(
            program: "/usr/bin/unshare",
            arguments: ["unshare", flags, "sh", "-c", "cd \(folder) && \(line)"],
            environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"],
            ownGroup: false
        )
        let child = try start.run()
        return child.wait(milliseconds: 60_000) == .exited(0)
    }
}
