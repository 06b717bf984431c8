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

    @Test("a log goes through a link that root or this user made where nobody else could have, and through no other")
    func linkedLog() throws {
        let home = "/tmp/gatehouse-log-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        try FileWriting.createFolder(home)
        defer { FileWriting.removeFolder(home, first: "link") }
        let (link, log) = ("\(home)/link", "\(home)/log")
        #expect(unsafe symlink(log, link) == 0)
        func reaches() throws {
            let file = try FileWriting.openForAppending(link)
            #expect(FileWriting.append([1].span, to: file.raw) == 1)
            try FileWriting.requireAppendable(link)
        }
        func isRefused() {
            let error = #expect(throws: SystemError.self) { _ = try FileWriting.openForAppending(link) }
            #expect(error?.code == ELOOP)
            let said = #expect(throws: FileError.self) { try FileWriting.requireAppendable(link) }
            #expect(said?.problem == .foreignLink)
        }
        try reaches()
        #expect(unsafe chmod(home, 0o770) == 0)
        try reaches()
        for mode: mode_t in [0o777, 0o1777] {
            #expect(unsafe chmod(home, mode) == 0)
            isRefused()
        }
        #expect(unsafe chmod(home, 0o700) == 0)
        if geteuid() == 0 {
            #expect(unsafe lchown(link, 65_534, 65_534) == 0)
            isRefused()
        }
        #expect(try FileReading.read(log, limit: 10) == [1, 1])
        // What is no link is written to wherever it is.
        #expect(unsafe chmod(home, 0o1777) == 0)
        _ = try FileWriting.openForAppending(log)
    }
}
