package import Engine
package import Gateway
import Glibc
package import Linux

/// The memory that control and data planes share: counters and health, and each worker's ring of log lines.
///
/// Control makes it. It outlives every data plane, however that ends, and goes from one control process to the
/// next, so that counts go on and no line is lost that a worker has written.
package final class GatewayMemory: Sendable {
    /// How large it is. Memory of another shape cannot be gone on with.
    package struct Shape: Codable, Equatable, Sendable {
        package var layout: SharedState.Layout
        /// Bytes of each ring, a power of two.
        package var ringSize: Int

        package init(layout: SharedState.Layout, ringSize: Int = 1 << 20) {
            self.layout = layout
            self.ringSize = ringSize
        }

        fileprivate var rings: Int { layout.berths * layout.workers }
        fileprivate var words: Int { layout.words + rings * LogRing.words(size: ringSize) }
    }

    /// Its name among a data plane's segments.
    package static let segmentName = "gateway"

    package let shape: Shape
    private let mapping: SharedMapping

    /// New memory, all zero: only pages that are written to are taken from the machine.
    package init(_ shape: Shape) throws(SystemError) {
        self.shape = shape
        mapping = try SharedMapping(name: "gatehouse", words: shape.words)
        SharedState.sign(mapping)
    }

    /// Memory that another process made.
    ///
    /// - Throws: EINVAL when it has another shape, or when a build made it whose words mean something else.
    package init(_ segment: SharedSegment, _ shape: Shape) throws(SystemError) {
        self.shape = shape
        mapping = try SharedMapping(adopting: try segment.duplicate(), words: shape.words)
        guard SharedState.isSigned(mapping) else {
            throw SystemError("use of memory that another version made", EINVAL)
        }
    }

    /// The memory that an earlier control process left, where it can be gone on with, else new memory.
    ///
    /// - Parameters:
    ///   - shape: what it left; nil when that is not known.
    ///   - wanted: what is needed: as many workers and berths, and at least as much room.
    ///   - fresh: how much room new memory has.
    /// - Returns: the memory, and why it is new; nil when it is the earlier one.
    package static func take(
        _ segment: SharedSegment?,
        _ shape: Shape?,
        wanted: Shape,
        fresh: Shape
    ) throws(SystemError) -> (memory: GatewayMemory, loss: String?) {
        let loss: String
        if let segment, let shape {
            let (held, needed) = (shape.layout, wanted.layout)
            if held.workers != needed.workers {
                loss = "there are \(needed.workers) workers now, and were \(held.workers)"
            } else if held.pools < needed.pools || held.servers < needed.servers {
                loss = "it has no room for \(needed.pools) pools and \(needed.servers) servers"
            } else if held.berths == needed.berths, let memory = try? GatewayMemory(segment, shape) {
                return (memory, nil)
            } else {
                loss = "another version of the program laid it out"
            }
        } else {
            loss = "its shape is not known"
        }
        return (try GatewayMemory(fresh), loss)
    }

    /// To be handed to a data plane or to the next control process.
    package func segment() throws(SystemError) -> SharedSegment {
        SharedSegment(name: Self.segmentName, owning: try mapping.descriptor.duplicate())
    }

    /// What the data plane in `berth` counts, and what all share.
    package func state(berth: Int) -> SharedState {
        SharedState(region: mapping, layout: shape.layout, berth: berth)
    }

    /// The rings of the data plane in `berth`, one for each worker.
    package func rings(berth: Int) -> [LogRing] {
        (0..<shape.layout.workers).map { ring(berth * shape.layout.workers + $0) }
    }

    /// The rings of all berths, for the one who reads them.
    package var allRings: [LogRing] { (0..<shape.rings).map(ring) }

    private func ring(_ index: Int) -> LogRing {
        LogRing(
            mapping,
            first: shape.layout.words + index * LogRing.words(size: shape.ringSize),
            size: shape.ringSize
        )
    }

    /// Makes `berth` ready for the next data plane, after the process that was there has ended.
    package func vacate(berth: Int) {
        state(berth: berth).vacate()
        for ring in rings(berth: berth) { ring.repair() }
    }
}
