import Foundation
import Testing

/// Mixed load for as long as GATEHOUSE_SOAK_SECONDS says: every answer is right, memory stays flat and no descriptor
/// stays behind. `make test` runs it for half a minute, `make soak-gateway`, and with it CI, for five and, with
/// SOAK_SECONDS, for as long as one likes.
@Suite("Soak", .patient)
struct SoakTests {
    private static let seconds = Int(ProcessInfo.processInfo.environment["GATEHOUSE_SOAK_SECONDS"] ?? "") ?? 30
    private static let roundSeconds = min(60, max(3, seconds / 15))
    /// In rounds: free lists, tables and the allocator's arenas grow to what the load needs, and no further.
    private static let warmUp = 3
    /// KiB of all processes that may come on top after the warm-up. What a round leaves behind shows in each of them:
    /// the shortest soak has three after the warm-up, of thousands of requests and hundreds of connections each.
    private static let slack = 2048

    @Test("memory is flat, descriptors go back, every answer is right")
    func mixedLoad() throws {
        let seed =
            ProcessInfo.processInfo.environment["GATEHOUSE_SOAK_SEED"].flatMap(UInt64.init) ?? .random(in: 0 ... .max)
        print("soak: \(Self.seconds) s in rounds of \(Self.roundSeconds) s, GATEHOUSE_SOAK_SEED=\(seed)")
        let load = try SoakLoad(seed: seed, binary: Gateway.releaseBinary)
        let started = ContinuousClock.now
        // A few more for checks of app servers that are under way, and for files that are open for a moment.
        let atRest = load.descriptors + 6
        var memory: [Int] = []
        repeat {
            try load.run(seconds: Self.roundSeconds)
            try eventually("descriptors come back to \(atRest), \(load.openDescriptors)", within: .seconds(120)) {
                load.descriptors <= atRest
            }
            try load.awaitNothingInUse()
            memory.append(try load.memoryAtRest())
            print(
                "round \(memory.count): \(load.holdings), \(load.descriptors) descriptors at rest; so far "
                    + load.journal.tally
            )
            #expect(load.journal.faults == [], "\(load.failures)")
        } while load.journal.faults.isEmpty
            && (memory.count < 2 * Self.warmUp || ContinuousClock.now - started < .seconds(Self.seconds))

        let warm = memory.prefix(Self.warmUp).max() ?? 0
        // The least of the last three, so that one moment of one process is no leak.
        let last = memory.suffix(Self.warmUp).min() ?? 0
        #expect(last <= warm + Self.slack, "KiB after each round: \(memory)")
        print("soak of mixed load: KiB at rest after each round: \(memory); \(load.journal.tally)")
        #expect(load.logSize > 0)
        #expect(load.gateway.process.poll() == nil, "\(load.gateway.log.suffix(2000))")
    }
}
