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

    /// Whether a path, of which the end need not be there, is that of a folder or of something in it, through whichever links.
    package static func leads(_ path: String, into folder: String) -> Bool {
        guard let home = real(folder), let place = try? of(path) else { return false }
        var names = place.split(separator: "/")
        while true {
            if let found = real("/" + names.joined(separator: "/")) {
                return found == home || found.hasPrefix(home + "/")
            }
            if names.popLast() == nil { return false }
        }
    }

    /// What is there, without links and `..`; nil where nothing is.
    private static func real(_ path: String) -> String? {
        // Sound: realpath allocates the string, which is copied and freed here.
        guard let found = unsafe realpath(path, nil) else { return nil }
        defer { unsafe free(found) }
        return unsafe String(cString: found)
    }
}
