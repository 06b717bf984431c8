import Glibc

/// The names in a folder.
package enum FileListing {
    /// All of them but `.` and `..`, in no order; none when the folder cannot be read.
    package static func names(in folder: String) -> [String] {
        guard let stream = unsafe opendir(folder) else { return [] }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        // Sound: an entry is valid until the next call for the same stream, and is copied before.
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// Whether this user must not look into a folder, if there is one: that is not told either.
    package static func isDenied(_ folder: String) -> Bool {
        unsafe access(folder, R_OK | X_OK) != 0 && errno == EACCES
    }
}

extension FileReading {
    /// When the file was last changed, in seconds since 1970.
    package static func modified(_ path: String) throws(FileError) -> Int64 {
        var status = Glibc.stat()
        guard unsafe stat(path, &status) == 0 else { throw FileError(path: path, problem: .system(.last("stat"))) }
        return Int64(status.st_mtim.tv_sec)
    }
}
