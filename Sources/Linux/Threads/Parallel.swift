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
        let work = Work(items, body)
        // Work on rules is recursive: as much room as the main thread has.
        let threads = (1..<max(1, min(threads, items.count))).compactMap { index in
            try? Thread.start(name: "parallel \(index)", stackSize: 8 << 20) { work.run() }
        }
        work.run()
        for thread in threads { thread.join() }
        return work.results
    }
}

private final class Work<Item: Sendable, Result: Sendable>: Sendable {
    private let items: [Item]
    private let body: @Sendable (Item) -> Result
    private let next = Atomic(0)
    private let done: Mutex<[Result?]>

    init(_ items: [Item], _ body: @escaping @Sendable (Item) -> Result) {
        self.items = items
        self.body = body
        done = Mutex(Array(repeating: nil, count: items.count))
    }

    func run() {
        while true {
            let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
            guard index < items.count else { return }
            let result = body(items[index])
            done.withLock { $0[index] = result }
        }
    }

    /// Complete when every `run` has ended.
    var results: [Result] { done.withLock { $0.compactMap(\.self) } }
}
