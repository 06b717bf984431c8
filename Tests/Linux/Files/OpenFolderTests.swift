import Foundation
import Linux
import Testing

@Suite("An open folder")
struct OpenFolderTests {
    @Test("tells what its entries are, each by itself, in the order of their names")
    func entries() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("gatehouse-\(UUID())").path
        let manager = FileManager.default
        try manager.createDirectory(atPath: path + "/b", withIntermediateDirectories: true)
        defer { try? manager.removeItem(atPath: path) }
        #expect(manager.createFile(atPath: path + "/c", contents: Data()))
        // Wherever it leads.
        try manager.createSymbolicLink(atPath: path + "/a", withDestinationPath: "b")
        try manager.createSymbolicLink(atPath: path + "/.d", withDestinationPath: "nowhere")
        let entries = try OpenFolder(path).entries()
        #expect(entries.map(\.name) == [".d", "a", "b", "c"])
        #expect(entries.map(\.kind) == [.link, .link, .folder, .other])
        let folder = try OpenFolder(path)
        #expect(try folder.names() == entries.map(\.name))
        #expect(entries.map { folder.kind(of: $0.name) } == entries.map(\.kind))
        #expect(throws: FileError.self) { try OpenFolder(path).entries(limit: 3) }
    }
}
