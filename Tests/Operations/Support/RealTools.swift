import Glibc
import Linux

/// A program of the machine, where it is installed.
enum RealTool {
    /// Its path; nil when the machine lacks it.
    static func path(_ name: String) -> String? {
        (Environment.value("PATH") ?? "/usr/bin:/bin").split(separator: ":")
            .map { "\($0)/\(name)" }
            // Sound: the path is read during the call.
            .first { unsafe access($0, X_OK) == 0 }
    }
}
