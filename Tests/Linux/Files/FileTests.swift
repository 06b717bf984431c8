import CLinux
import Glibc
import Linux
import Testing

@Suite("Files")
struct FileTests {
    private let folder = "/tmp/gatehouse-files-\(getpid())-\(UInt64.random(in: 0 ... .max))"

    @Test("a file is replaced whole, with its mode, and read with a bound")
    func roundTrip() throws {
        try FileWriting.createFolder(folder)
        let path = "\(folder)/key.pem"
        try FileWriting.replace(path, with: Array("first".utf8).span, mode: 0o600)
        try FileWriting.replace(path, with: Array("second".utf8).span, mode: 0o600)
        #expect(try FileReading.read(path, limit: 6, trust: .ownerOnly) == Array("second".utf8))
        #expect(throws: FileError(path: path, problem: .tooLarge(limit: 5))) {
            try FileReading.read(path, limit: 5)
        }
        let secret = try FileReading.readSecret(path, limit: 100)
        #expect(secret.count == 6 && secret.bytes[5] == UInt8(ascii: "d"))
        unsafe chmod(path, 0o644)
        #expect(throws: FileError(path: path, problem: .tooOpen(mode: 0o644, excess: 0o027))) {
            _ = try FileReading.readSecret(path, limit: 100)
        }
        #expect(try FileReading.read(path, limit: 100, trust: .ownerWrites).count == 6)
        unsafe unlink(path)
        unsafe rmdir(folder)
    }

    @Test("what is no regular file is refused at once, a pipe without a writer too")
    func special() throws {
        try FileWriting.createFolder(folder)
        let path = "\(folder)/pipe"
        unsafe mkfifo(path, 0o600)
        #expect(throws: FileError(path: path, problem: .notRegular)) { try FileReading.read(path, limit: 100) }
        #expect(throws: FileError(path: folder, problem: .notRegular)) { try FileReading.read(folder, limit: 100) }
        #expect(throws: FileError(path: "\(folder)/none", problem: .system(SystemError("open", ENOENT)))) {
            try FileReading.read("\(folder)/none", limit: 100)
        }
        unsafe unlink(path)
        unsafe rmdir(folder)
    }

    @Test("a folder is made with those above it, for its owner alone; one that others write to is refused")
    func folders() throws {
        let inner = "\(folder)/a/b"
        try FileWriting.createFolder(inner)
        try FileWriting.createFolder(inner)
        var status = stat()
        #expect(unsafe stat(inner, &status) == 0 && status.st_mode & 0o7777 == 0o700)
        unsafe chmod(inner, 0o777)
        #expect(throws: FileError(path: inner, problem: .tooOpen(mode: 0o777, excess: 0o077))) {
            try FileWriting.createFolder(inner)
        }
        for path in [inner, "\(folder)/a", folder] { unsafe rmdir(path) }
    }

    @Test("whether a lock is held is asked without making its file")
    func lock() throws {
        let path = "\(folder)-lock"
        #expect(!FileLock.isHeld(path) && !FileWriting.exists(path))
        let lock = try FileLock.take(path, within: 0)
        #expect(FileLock.isHeld(path))
        withExtendedLifetime(lock) {}
        unsafe unlink(path)
    }

    @Test("a path is made one from the root on")
    func absolute() throws {
        #expect(try AbsolutePath.of("/a/../b") == "/a/../b")
        let path = try AbsolutePath.of("a")
        #expect(path.hasPrefix("/") && path.hasSuffix("/a"))
    }

    @Test("users are looked up by name")
    func users() {
        #expect(UserAccount.named("root")?.identifier == 0)
        #expect(UserAccount.named("no-such-user-here") == nil)
    }
}
