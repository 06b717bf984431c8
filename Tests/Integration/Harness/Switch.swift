import Synchronization

/// Something that a test turns on and off under a server's feet.
final class Switch: Sendable {
    private let state: Atomic<Bool>

    init(_ on: Bool) {
        state = Atomic(on)
    }

    var isOn: Bool { state.load(ordering: .acquiring) }

    func turn(on: Bool) { state.store(on, ordering: .releasing) }
}
