import CLinux
import Glibc
import Linux
import Testing

@Suite("Messages with descriptors")
struct MessageSocketTests {
    @Test("messages keep their boundaries")
    func boundaries() throws {
        let pair = try MessageSocket.pair()
        let theirs = MessageSocket(owning: try pair.theirs.duplicate())
        for size in [1, 2, 1000, MessageSocket.longestMessage] {
            let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0) }
            try pair.ours.send(bytes.span, within: 60_000)
            #expect(try theirs.receive(within: 60_000)?.bytes == bytes)
        }
        let none = try theirs.receive(within: 0) == nil
        #expect(none)
    }

    @Test("descriptors arrive in order and open the same files", arguments: [1, 16, MessageSocket.mostDescriptors])
    func descriptors(count: Int) throws {
        let pair = try MessageSocket.pair()
        let theirs = MessageSocket(owning: try pair.theirs.duplicate())
        let memory = try (0..<count).map { try SealedMemory.create(name: "test", [UInt8($0)]).release() }
        defer { for number in memory { close(number) } }
        try pair.ours.send([1].span, descriptors: memory, within: 60_000)
        guard let received = try theirs.receive(within: 60_000) else {
            Issue.record("nothing came")
            return
        }
        var list = received.takeDescriptors()
        #expect(list.count == count)
        for index in 0..<count {
            guard let descriptor = list.takeFirst() else { break }
            #expect(try SealedMemory.read(descriptor.raw, limit: 1) == [UInt8(index)])
            #expect(fcntl(descriptor.raw, F_GETFD) == FD_CLOEXEC)
        }
        let empty = list.takeFirst() == nil
        #expect(empty)
    }

    @Test("a peer that reads nothing does not hold the sender up, and a peer that is gone is told")
    func bounded() throws {
        let pair = try MessageSocket.pair()
        let large = [UInt8](repeating: 1, count: MessageSocket.longestMessage)
        let error = #expect(throws: SystemError.self) {
            for _ in 0..<1000 { try pair.ours.send(large.span, within: 1) }
        }
        #expect(error?.code == EAGAIN)

        let end: SystemError? = try {
            // The other end is closed here, once.
            let ours = try MessageSocket.pair().takeOurs()
            do throws(SystemError) {
                try ours.send([1].span, within: 60_000)
                return nil
            } catch { return error }
        }()
        #expect(end?.code == EPIPE)
    }

    @Test("what is no socket is left where it is", arguments: ["file", "folder", "link"])
    func otherFiles(kind: String) throws {
        let path = "/tmp/gatehouse-test-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        switch kind {
        case "file": close(unsafe open(path, O_CREAT | O_WRONLY, 0o600))
        case "folder": _ = unsafe mkdir(path, 0o700)
        default: _ = unsafe symlink("/nowhere", path)
        }
        defer { _ = unsafe remove(path) }
        var before = stat()
        #expect(unsafe lstat(path, &before) == 0)
        #expect(throws: SystemError.self) { _ = try UnixSocket.listen(at: path) }
        var after = stat()
        #expect(unsafe lstat(path, &after) == 0 && after.st_ino == before.st_ino && after.st_mode == before.st_mode)
    }

    @Test("a listener that a killed process left is replaced, a living one is not")
    func stale() throws {
        let path = "/tmp/gatehouse-test-\(getpid())-\(UInt64.random(in: 0 ... .max)).sock"
        defer { unsafe unlink(path) }
        let first = try UnixSocket.listen(at: path)
        var status = stat()
        #expect(unsafe stat(path, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)
        #expect(throws: SystemError("bind(\(path))", EADDRINUSE)) { _ = try UnixSocket.listen(at: path) }
        close(first.release())
        let second = try UnixSocket.listen(at: path)
        let client = try UnixSocket.connect(to: path)
        let server = try UnixSocket.accept(second.raw)
        #expect(try UnixSocket.peer(of: client.raw).user == geteuid())
        let accepted = server != nil
        #expect(accepted)
    }
}
