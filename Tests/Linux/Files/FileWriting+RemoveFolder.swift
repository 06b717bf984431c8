import Linux

extension FileWriting {
    /// Removes a folder by its path; see `OpenFolder.removeFolder`.
    internal static func removeFolder(_ path: String, first: String) {
        guard let slash = path.lastIndex(of: "/"), let above = try? OpenFolder(String(path[..<slash])) else { return }
        above.removeFolder(String(path[path.index(after: slash)...]), first: first)
    }
}
