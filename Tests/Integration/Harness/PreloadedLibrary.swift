import Foundation

/// A library of `Tests/Tools`, which programs load before their own when they are started with `LD_PRELOAD`.
enum PreloadedLibrary {
    private static let tools = #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" } + "/Tools"

    /// Makes it in a directory.
    ///
    /// - Parameter name: that of its source, without `.c`.
    /// - Returns: its path.
    static func make(_ name: String, in directory: TemporaryDirectory) throws -> String {
        let library = directory.path("\(name).so")
        // The toolchain's own compiler; there is no Swift without it.
        let built = try run("clang", ["-shared", "-fPIC", "-O2", "-o", library, "\(tools)/\(name).c"], in: directory)
        guard built.status == 0 else { throw HarnessError("\(built)") }
        return library
    }
}
