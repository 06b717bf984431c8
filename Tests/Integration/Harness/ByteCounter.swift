import Synchronization

/// A sum that a script adds to and a test reads.
final class ByteCounter: Sendable {
    private let sum = Atomic(0)

    var value: Int { sum.load(ordering: .acquiring) }

    func add(_ count: Int) { sum.add(count, ordering: .releasing) }
}
