import Foundation
import Testing

/// Many clients of both protocols at once, and app servers that fail at random: `Tests/Tools/random-conversations.py`.
@Suite("Random conversations", .patient)
struct RandomConversationTests {
    @Test("every request ends, with the whole right answer or an error that it may have")
    func conversations() throws {
        let seed = ProcessInfo.processInfo.environment["GATEHOUSE_SEED"] ?? "\(UInt32.random(in: 0...UInt32.max))"
        print("random conversations: GATEHOUSE_SEED=\(seed)")
        let apps = [try Ports.free(), try Ports.free()]
        let front = try SecureGateway(
            apps.map { .init(port: $0) },
            pool: ["ejection: off", "retries: { budget: 100% }"]
        )
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Tools/random-conversations.py").standardizedFileURL.path
        let result = try run(
            "/usr/bin/python3",
            [script, seed, "6", "\(front.plain)", "\(front.secure)"] + apps.map { "\($0)" },
            in: front.directory,
            within: .seconds(300)
        )
        #expect(result.status == 0, "\(result.error)")
        let faults = result.output.split(separator: "\n").filter { $0.hasPrefix("FAULT") }
        #expect(faults == [], "seed \(seed)")
        #expect(result.output.contains("echo whole 200"), "\(result.output)")
    }
}
