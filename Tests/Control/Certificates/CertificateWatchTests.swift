import Control
import Foundation
import Linux
import Testing

@Suite("Files of certificates that somebody else changes")
struct CertificateWatchTests {
    /// Files as they are.
    private func present(_ files: String...) -> [String: FileStamp?] {
        Dictionary(uniqueKeysWithValues: files.map { ($0, FileStamp($0)) })
    }

    @Test("a change counts when it has stayed for one more look; what is always whole counts at once")
    func settles() throws {
        let folder = FileManager.default.temporaryDirectory.path + "/gatehouse-watch-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder + "/answers", withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        func write(_ text: String, _ name: String) throws {
            try text.write(toFile: "\(folder)/\(name)", atomically: false, encoding: .utf8)
        }
        try write("one", "live.crt")
        try write("one", "other.crt")
        var watch = CertificateWatch()
        watch.look(
            at: present("\(folder)/live.crt", "\(folder)/other.crt", "\(folder)/answers"),
            urgent: ["\(folder)/answers"]
        )
        var looks: [Set<String>] = []
        looks.append(watch.settledChange())
        try write("another", "live.crt")
        looks.append(watch.settledChange())
        looks.append(watch.settledChange())
        looks.append(watch.settledChange())
        #expect(looks == [[], [], ["\(folder)/live.crt"], []])
        try write("token", "answers/token")
        let seen = watch.settledChange()
        #expect(seen == ["\(folder)/answers"])
    }

    @Test("a file that keeps changing keeps no other from being noticed")
    func restless() throws {
        let folder = FileManager.default.temporaryDirectory.path + "/gatehouse-watch-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (quiet, restless) = ("\(folder)/quiet.crt", "\(folder)/restless.crt")
        var watch = CertificateWatch()
        watch.look(at: present(quiet, restless))
        try "one".write(toFile: quiet, atomically: false, encoding: .utf8)
        var looks: [Set<String>] = []
        for turn in 1...4 {
            try String(repeating: "x", count: turn).write(toFile: restless, atomically: false, encoding: .utf8)
            looks.append(watch.settledChange())
        }
        looks.append(watch.settledChange())
        #expect(looks == [[], [quiet], [], [], [restless]])
    }

    @Test("what changed after it was read and before it was watched is noticed, also when others change meanwhile")
    func known() throws {
        let file = FileManager.default.temporaryDirectory.path + "/gatehouse-watch-\(UUID().uuidString).crt"
        try "one".write(toFile: file, atomically: false, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: file) }
        let read = FileStamp(file)
        try "another".write(toFile: file, atomically: false, encoding: .utf8)
        var watch = CertificateWatch()
        var looks: [Set<String>] = []
        for _ in 0..<2 {
            watch.look(at: [file: read])
            looks.append(watch.settledChange())
        }
        #expect(looks == [[], [file]])
    }

    @Test("files that are written anew in place are others where size and time stay, as tools that copy leave them")
    func sameTime() throws {
        let file = FileManager.default.temporaryDirectory.path + "/gatehouse-watch-\(UUID().uuidString).crt"
        defer { try? FileManager.default.removeItem(atPath: file) }
        try "one".write(toFile: file, atomically: false, encoding: .utf8)
        let time = Date(timeIntervalSince1970: 1_000_000_000)
        try FileManager.default.setAttributes([.modificationDate: time], ofItemAtPath: file)
        let read = FileStamp(file)
        // Until the file system's clock has gone on.
        let end = ContinuousClock.now + .seconds(60)
        repeat {
            let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: file))
            try handle.write(contentsOf: Data("two".utf8))
            try handle.close()
            try FileManager.default.setAttributes([.modificationDate: time], ofItemAtPath: file)
        } while FileStamp(file) == read && ContinuousClock.now < end
        #expect(FileStamp(file) != read)
    }
}
