import Synchronization

/// The same work for each item of a list, on several threads.
package enum Parallel {
    /// Does `body` for every item; the results are in the order of the items.
    ///
    /// The calling thread works, too: where no other can be started, it does everything.
    ///
    /// - Parameter threads: at most so many; as many as there are cores when left out.
    package static func map<Item: Sendable, Result: Sendable>(
        _ items: [Item],
        threads: Int = Thread.availableCores,
        _ body: @escaping @Sendable (Item) -> Result
    ) -> [Result] {
        map(items, threads: threads, with: {}) { _, item in body(item) }
    }

    /// The same, with something on each thread that all items there have at hand: what is costly to make is made once
    /// for each thread.
    ///
    /// - Parameter tool: makes it, on the thread that it is for.
    package static func map<Item: Sendable, Tool, Result: Sendable>(
        _ items: [Item],
        threads: Int = Thread.availableCores,
        with tool: @escaping @Sendable () -> Tool,
        _ body: @escaping @Sendable (Tool, Item) -> Result
    ) -> [Result] {
        let work = Work(items, tool, body)
        // Work on rules is recursive: as much room as the main thread has.
        let threads = (1..<max(1, min(threads, items.count))).compactMap { index in
            try? Thread.start(name: "parallel \(index)", stackSize: 8 << 20) { work.run() }
        }
        work.run()
        for thread in threads { thread.join() }
        return work.results
    }
}

private final class Work<Item: Sendable, Tool, Result: Sendable>: Sendable {
    private let items: [Item]
    private let tool: @Sendable () -> Tool
    private let body: @Sendable (Tool, Item) -> Result
    private let next = Atomic(0)
    private let done: Mutex<[Result?]>

    init(
        _ items: [Item],
        _ tool: @escaping @Sendable () -> Tool,
        _ body: @escaping @Sendable (Tool, Item) -> Result
    ) {
        self.items = items
        self.tool = tool
        self.body = body
        done = Mutex(Array(repeating: nil, count: items.count))
    }

    func run() {
        let tool = tool()
        while true {
            let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
            guard index < items.count else { return }
            let result = body(tool, items[index])
            done.withLock { $0[index] = result }
        }
    }

    /// Complete when every `run` has ended.
    var results: [Result] { done.withLock { $0.compactMap(\.self) } }
}
