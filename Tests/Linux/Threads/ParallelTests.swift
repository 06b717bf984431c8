import Linux
import Testing

@Suite("Work on several threads")
struct ParallelTests {
    @Test("each item is done once, with the tool of its thread, and results are in the order of the items")
    func tools() {
        final class Tool {
            var uses = 0
        }
        let results = Parallel.map(Array(0..<1000), threads: 4, with: { Tool() }) { tool, item in
            tool.uses += 1
            return (item: item, use: tool.uses)
        }
        #expect(results.map(\.item) == Array(0..<1000))
        // Each tool counts from 1 on, and there are no more of them than threads.
        #expect((1...4).contains(results.count { $0.use == 1 }))
        #expect(results.map(\.use).max() ?? 0 >= 250)
    }
}
