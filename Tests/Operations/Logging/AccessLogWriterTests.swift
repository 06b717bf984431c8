import Bytes
import Engine
import FoundationEssentials
import Glibc
import Linux
import Operations
import Testing

@Suite("The access log's writer")
struct AccessLogWriterTests {
    private let folder: String
    private let ring: LogRing

    init() throws {
        folder =
            "\(FileManager.default.temporaryDirectory.path)/gatehouse-log-\(getpid())-\(UInt32.random(in: 0...(.max)))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let size = 1 << 16
        ring = LogRing(try SharedMapping(name: "log", words: LogRing.words(size: size)), first: 0, size: size)
    }

    private func put(_ line: String) {
        let bytes = Array("\(line)\n".utf8)
        let isTaken = ring.write(bytes.span)
        #expect(isTaken)
    }

    private func text(_ name: String) -> String {
        (try? String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)) ?? ""
    }

    @Test("the file is made for owner and group alone, and taken up where it is again after a rotation")
    func rotation() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let writer = AccessLogWriter(rings: [ring], path: "\(folder)/access.log")
        let thread = try writer.start()
        put("one")
        #expect(eventually { text("access.log") == "one\n" })
        let attributes = try FileManager.default.attributesOfItem(atPath: "\(folder)/access.log")
        let mode = try #require(attributes[.posixPermissions] as? Int)
        #expect(mode & 0o137 == 0 && mode & 0o600 == 0o600, "mode \(String(mode, radix: 8))")
        try FileManager.default.moveItem(atPath: "\(folder)/access.log", toPath: "\(folder)/access.log.1")
        put("two")
        #expect(eventually { text("access.log.1") == "one\ntwo\n" })
        writer.reopen()
        #expect(eventually { FileManager.default.fileExists(atPath: "\(folder)/access.log") })
        put("three")
        #expect(eventually { text("access.log") == "three\n" })
        writer.stop()
        thread.join()
        #expect(writer.linesLost == 0)
    }

    @Test("what cannot be opened again does not end the log")
    func failedReopening() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let writer = AccessLogWriter(rings: [ring], path: "\(folder)/access.log")
        let thread = try writer.start()
        try FileManager.default.moveItem(atPath: "\(folder)/access.log", toPath: "\(folder)/access.log.1")
        try FileManager.default.createDirectory(atPath: "\(folder)/access.log", withIntermediateDirectories: false)
        writer.reopen()
        put("still here")
        #expect(eventually { text("access.log.1") == "still here\n" })
        writer.stop()
        thread.join()
    }

    @Test("a full disk loses lines and counts them; stopping still ends the thread")
    func fullDisk() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let writer = AccessLogWriter(rings: [ring], path: "/dev/full")
        let thread = try writer.start()
        for number in 0..<7 { put("line \(number)") }
        #expect(eventually { writer.linesLost == 7 })
        writer.stop()
        thread.join()
    }

    @Test("lines that take several writes arrive whole and in order")
    func manyLines() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let file = LogFile(try FileWriting.openForAppending("\(folder)/access.log"))
        let lines = ByteBuffer(capacity: 1 << 10)
        var expected = ""
        for number in 0..<4000 { expected += "\(number):\(String(repeating: "x", count: 90))\n" }
        lines.append(string: expected)
        #expect(file.write(lines) == 0)
        #expect(lines.isEmpty)
        #expect(text("access.log") == expected)
    }

    @Test("a line that was cut gets its end before the next one")
    func cutLine() throws {
        let fifo = "\(folder)/fifo"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        // Sound: the path is read during the calls.
        #expect(unsafe mkfifo(fifo, 0o600) == 0)
        let reader = FileDescriptor(owning: unsafe open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC))
        let file = LogFile(FileDescriptor(owning: unsafe open(fifo, O_WRONLY | O_NONBLOCK | O_CLOEXEC)))
        let lines = ByteBuffer(capacity: 1 << 20)
        let count = 3000
        for number in 0..<count { lines.append(string: "\(number):\(String(repeating: "x", count: 90))\n") }
        let lost = file.write(lines)
        #expect(lost > 0 && lost < UInt64(count), "a pipe holds some of it")
        let first = drain(reader.raw)
        lines.append(string: "after\n")
        #expect(file.write(lines) == 0)
        let second = drain(reader.raw)
        let whole = (first + second).split(separator: "\n")
        #expect(first.hasSuffix("\n") || second.hasPrefix("\n"))
        #expect(whole.last == "after")
        let kept = first.split(separator: "\n", omittingEmptySubsequences: false).count - 1
        #expect(UInt64(kept) + lost == UInt64(count))
    }

    private func drain(_ descriptor: Int32) -> String {
        var bytes: [UInt8] = []
        var room = [UInt8](repeating: 0, count: 65536)
        // Sound: the kernel writes at most the array's size.
        while case let count = unsafe read(descriptor, &room, room.count), count > 0 { bytes += room[..<count] }
        return String(decoding: bytes, as: UTF8.self)
    }
}
