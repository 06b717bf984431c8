import Control
import Foundation
import Testing

@Suite("Files of certificates that somebody else changes")
struct CertificateWatchTests {
    @Test("a change counts when it has stayed for one more look; what is always whole counts at once")
    func settles() throws {
        let folder = FileManager.default.temporaryDirectory.path + "/gatehouse-watch-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder + "/answers", withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        func write(_ text: String, _ name: String) throws {
            try text.write(toFile: "\(folder)/\(name)", atomically: false, encoding: .utf8)
        }
        try write("one", "live.crt")
        var watch = CertificateWatch()
        watch.look(at: ["\(folder)/live.crt", "\(folder)/answers"], urgent: ["\(folder)/answers"])
        var looks: [Bool] = []
        looks.append(watch.hasSettledChange())
        try write("another", "live.crt")
        looks.append(watch.hasSettledChange())
        looks.append(watch.hasSettledChange())
        looks.append(watch.hasSettledChange())
        #expect(looks == [false, false, true, false])
        try write("token", "answers/token")
        let isSeen = watch.hasSettledChange()
        #expect(isSeen)
    }
}
