import Foundation
import Testing

/// Mixed load for as long as GATEHOUSE_SOAK_SECONDS says: every answer is right, memory stays flat and no descriptor
/// stays behind. `make soak` runs it for an hour against the release build, `make test` for seconds.
@Suite("Soak")
struct SoakTests {
    private static let seconds = Int(ProcessInfo.processInfo.environment["GATEHOUSE_SOAK_SECONDS"] ?? "") ?? 15
    private static let roundSeconds = min(60, max(3, seconds / 10))
    /// In rounds: pools, free lists and the allocator's arenas fill, and are filled for ever.
    private static let warmUp = 2

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
            try eventually("descriptors come back to \(atRest), \(load.openDescriptors)", within: .seconds(30)) {
                load.descriptors <= atRest
            }
            memory.append(load.memory)
            print(
                "round \(memory.count): \(load.memory) KiB, \(load.descriptors) descriptors at rest; so far "
                    + load.journal.tally
            )
            #expect(load.journal.faults == [], "\(load.failures)")
        } while load.journal.faults.isEmpty
            && (memory.count <= Self.warmUp + 1 || ContinuousClock.now - started < .seconds(Self.seconds))

        // What a round leaves behind shows in every one of them: a leak of a byte a request would be megabytes in an
        // hour. The allowance is for the allocator's arenas, which do not grow with the number of rounds.
        let (first, last) = (memory[min(Self.warmUp, memory.count - 1)], memory[memory.count - 1])
        #expect(last <= first + first / 10 + 4096, "KiB after each round: \(memory)")
        #expect(load.gateway.process.poll() == nil, "\(load.gateway.log.suffix(2000))")
    }
}
