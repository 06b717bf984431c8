package import Gateway
package import Snapshot

/// What a data plane is told of a configuration, as bytes in sealed memory. Keys travel apart (`GatewayKeys`).
package struct GatewaySnapshot: Codable, Sendable {
    package var plan: Plan
    /// The addresses of each of the plan's listeners, by its id.
    package var addresses: [Int: [ListenerID]]
    /// The shape of the shared memory, which says how many workers there are.
    package var shape: GatewayMemory.Shape
    /// Which pool and which server has which place in that memory: not the data plane's matter, but that of the
    /// next control process, which learns it from here.
    package var slots: PlanCompiler.Slots
    /// When the keys of session tickets rotate next, in monotonic milliseconds: also for the next control process,
    /// lest upgrades put it off for ever.
    package var rotation: UInt64
    /// When the gateway was started: microseconds since 1970. Each control process tells the next.
    package var started: UInt64

    package init(
        plan: Plan,
        addresses: [Int: [ListenerID]],
        shape: GatewayMemory.Shape,
        slots: PlanCompiler.Slots,
        rotation: UInt64,
        started: UInt64
    ) {
        self.started = started
        self.plan = plan
        self.addresses = addresses
        self.shape = shape
        self.slots = slots
        self.rotation = rotation
    }

    package func encoded() throws(SnapshotError) -> [UInt8] { try SnapshotCodec.encode(self) }

    package init(encoded bytes: [UInt8]) throws(SnapshotError) {
        self = try SnapshotCodec.decode(Self.self, from: bytes)
    }
}
