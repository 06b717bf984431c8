import Glibc

extension FileReading {
    /// The names in a folder, sorted by their bytes, without `.` and `..`.
    ///
    /// - Parameter limit: names; a folder that holds more is an error, EOVERFLOW.
    package static func names(inFolder path: String, limit: Int = 100_000) throws(FileError) -> [String] {
        guard let stream = unsafe opendir(path) else {
            throw FileError(path: path, problem: .system(.last("opendir")))
        }
        return unsafe try names(of: stream, path, limit: limit)
    }

    /// The names in an open folder, which is closed.
    internal static func names(
        of stream: OpaquePointer,
        _ path: String,
        limit: Int
    ) throws(FileError) -> [String] {
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = unsafe readdir(stream) else { break }
            // Sound: the kernel ends the name with a zero, and it lives until the next readdir.
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { field in
                unsafe field.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name == "." || name == ".." { continue }
            guard names.count < limit else {
                throw FileError(path: path, problem: .system(SystemError("readdir", EOVERFLOW)))
            }
            names.append(name)
        }
        guard errno == 0 else { throw FileError(path: path, problem: .system(.last("readdir"))) }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
}
