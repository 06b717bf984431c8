import Glibc

extension FileReading {
    /// The names in a folder, sorted by their bytes, without `.` and `..`.
    ///
    /// - Parameter limit: names; a folder that holds more is an error, EOVERFLOW.
    package static func names(inFolder path: String, limit: Int = 100_000) throws(FileError) -> [String] {
        guard let stream = unsafe opendir(path) else {
            throw FileError(path: path, problem: .system(.last("opendir")))
        }
        return unsafe try entries(of: stream, path, limit: limit).map(\.name)
    }

    /// What is in an open folder, which is closed; nil for the kind where its file system does not tell.
    internal static func entries(
        of stream: OpaquePointer,
        _ path: String,
        limit: Int
    ) throws(FileError) -> [(name: String, kind: OpenFolder.Kind?)] {
        defer { unsafe closedir(stream) }
        var entries: [(name: String, kind: OpenFolder.Kind?)] = []
        while true {
            errno = 0
            guard let entry = unsafe readdir(stream) else { break }
            // Sound: the kernel ends the name with a zero, and it lives until the next readdir.
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { field in
                unsafe field.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name == "." || name == ".." { continue }
            guard entries.count < limit else {
                throw FileError(path: path, problem: .system(SystemError("readdir", EOVERFLOW)))
            }
            let kind: OpenFolder.Kind? =
                switch unsafe Int(entry.pointee.d_type) {
                case DT_DIR: .folder
                case DT_LNK: .link
                case DT_UNKNOWN: nil
                default: .other
                }
            entries.append((name, kind))
        }
        guard errno == 0 else { throw FileError(path: path, problem: .system(.last("readdir"))) }
        return entries.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }
}
