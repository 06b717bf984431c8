import Glibc
import Linux

/// A host between two wires, in namespaces that go away; see Tests/Tools/packets-between-namespaces.
enum WiredHost {
    /// Whether such a host can be made here; says why not.
    static let isPossible: Bool = {
        guard geteuid() == 0, (try? end(of: ["true"], seconds: 60)) == .exited(0) else {
            print("skipped: real packets: root and namespaces for network, mounts and processes are needed")
            return false
        }
        return true
    }()

    static let tool =
        #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 } + "/Tools/packets-between-namespaces"

    /// Runs a command in namespaces that go away with it. - Returns: nil when it took longer, and was ended.
    static func end(of command: [String], seconds: Int32) throws -> ProcessEnd? {
        let start = ProcessStart(
            program: "/usr/bin/unshare",
            arguments: ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"] + command,
            environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"],
            ownGroup: false
        )
        let child = try start.run()
        let end = child.wait(milliseconds: seconds * 1_000)
        if end == nil { child.signal(SIGKILL) }
        return end
    }
}
