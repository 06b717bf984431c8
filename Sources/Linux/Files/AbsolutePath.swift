import Glibc

/// Paths that mean the same file in a process that works in another folder.
package enum AbsolutePath {
    /// The path from the root on, through the working folder where it does not begin there; `..` and links stay in it.
    ///
    /// - Throws: when the working folder was removed.
    package static func of(_ path: String) throws(FileError) -> String {
        guard !path.hasPrefix("/") else { return path }
        // Sound: getcwd allocates the string (a GNU extension), which is copied and freed here.
        guard let folder = unsafe getcwd(nil, 0) else {
            throw FileError(path: path, problem: .system(.last("getcwd")))
        }
        defer { unsafe free(folder) }
        return unsafe String(cString: folder) + "/" + path
    }
}
