import Glibc
import Linux
import Testing

@Suite("Writing files")
struct FileWritingTests {
    /// Certificates are ordered by several threads at a time, and all of them keep one account.
    @Test("threads that replace one file at a time do not get into each other's way, and leave one whole")
    func manyThreads() throws {
        let folder = "/tmp/gatehouse-writing-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        try FileWriting.createFolder(folder)
        defer { FileWriting.removeFolder(folder, first: "account") }
        let path = "\(folder)/account"
        let failures = Parallel.map(Array(UInt8(0)..<8), threads: 8) { writer in
            (0..<100).count { _ in
                let bytes = [UInt8](repeating: writer, count: 10_000)
                do {
                    try FileWriting.replace(path, with: bytes.span, mode: 0o600)
                    return false
                } catch {
                    return true
                }
            }
        }
        #expect(failures == Array(repeating: 0, count: 8))
        let held = try FileReading.read(path, limit: 20_000)
        #expect(held.count == 10_000 && Set(held).count == 1)
    }

    @Test("a folder is removed with the files and links in it, and nothing that a link leads to")
    func removal() throws {
        let home = "/tmp/gatehouse-removing-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        try FileWriting.createFolder("\(home)/victim")
        defer {
            FileWriting.removeFolder("\(home)/victim", first: "kept")
            FileWriting.removeFolder(home, first: "link")
        }
        try FileWriting.replace("\(home)/victim/kept", with: [1].span, mode: 0o600)
        #expect(unsafe symlink("\(home)/victim", "\(home)/link") == 0)
        FileWriting.removeFolder("\(home)/link", first: "kept")
        #expect(try FileReading.names(inFolder: home) == ["link", "victim"])
        #expect(try FileReading.names(inFolder: "\(home)/victim") == ["kept"])

        try FileWriting.createFolder("\(home)/gone")
        try FileWriting.replace("\(home)/gone/key", with: [1].span, mode: 0o600)
        #expect(unsafe symlink("\(home)/victim/kept", "\(home)/gone/file") == 0)
        #expect(unsafe symlink("\(home)/victim", "\(home)/gone/folder") == 0)
        FileWriting.removeFolder("\(home)/gone", first: "key")
        #expect(!FileWriting.exists("\(home)/gone"))
        #expect(try FileReading.names(inFolder: "\(home)/victim") == ["kept"])
        // One that was made beforehand is not written into.
        #expect(throws: FileError.self) { try FileWriting.createFolder("\(home)/link") }
        try FileWriting.createFolder("\(home)/link", followsLink: true)
    }
}
