import Control
import Linux
import Operations
import Testing

@Suite("How often the data plane was replaced")
struct DataPlaneRestartsTests {
    @Test("ends that were not meant count, with their time and the reason that is known")
    func counted() {
        var restarts = DataPlaneRestarts()
        restarts.note(.published(process: 7, generation: 1, berth: 0), at: 1)
        restarts.note(.draining(process: 6), at: 2)
        restarts.note(.drained(process: 6), at: 3)
        #expect(restarts.count == 0 && restarts.last == nil)
        restarts.note(.ended(process: 7, how: .killed(signal: 9), restartInMilliseconds: 0), at: 4)
        #expect(restarts.count == 1)
        #expect(restarts.last == .init(process: 7, time: 4, why: ProcessEnd.killed(signal: 9).description))
        restarts.note(.unresponsive(process: 8, reason: "it closed its channel"), at: 5)
        restarts.note(.ended(process: 8, how: .killed(signal: 9), restartInMilliseconds: 50), at: 6)
        #expect(restarts.last == .init(process: 8, time: 6, why: "it closed its channel"))
        restarts.note(.unresponsive(process: 9, reason: "it said nonsense"), at: 7)
        restarts.note(.ended(process: 10, how: nil, restartInMilliseconds: 0), at: 8)
        #expect(restarts.count == 3 && restarts.last?.why == "it ended")
    }
}
