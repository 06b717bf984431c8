/// What Package.swift declares, read from its text: `module("Name", ["A", "B"])` and the executable targets.
///
/// The text, because `swift package dump-package` would wait for the build that runs this test.
struct Manifest {
    /// Each module of ours with what it depends on: modules of ours, C modules, products of packages.
    let modules: [String: [String]]

    init(text: String) {
        var modules: [String: [String]] = [:]
        for match in text.matches(of: /\bmodule\(\s*"([^"]+)",\s*\[([^\]]*)\]/) {
            modules[String(match.1)] = Self.names(in: match.2)
        }
        for match in text.matches(of: /\.executableTarget\(\s*name:\s*"([^"]+)",\s*dependencies:\s*\[([^\]]*)\]/) {
            modules[String(match.1)] = Self.names(in: match.2)
        }
        self.modules = modules
    }

    /// The dependency names in a list; of `.product(name: "X", package: "y")` the X.
    private static func names(in list: Substring) -> [String] {
        list.replacing(/package:\s*"[^"]*"/, with: "").matches(of: /"([^"]+)"/).map { String($0.1) }
    }
}
