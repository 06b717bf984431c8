import Control
import Gateway
import Linux
import Testing

/// Memory that an earlier control process left, of this version or of another.
@Suite("The memory that versions share")
struct GatewayMemoryTests {
    private func shape(workers: Int = 2, servers: Int = 8) -> GatewayMemory.Shape {
        .init(layout: .init(workers: workers, pools: 4, servers: servers, berths: 4), ringSize: 4096)
    }

    private func take(
        _ segment: SharedSegment?,
        _ left: GatewayMemory.Shape?,
        _ wanted: GatewayMemory.Shape
    ) throws -> (memory: GatewayMemory, loss: String?) {
        try GatewayMemory.take(segment, left, wanted: wanted, fresh: wanted)
    }

    @Test("of this version and with room enough it is gone on with")
    func same() throws {
        let before = try GatewayMemory(shape())
        before.state(berth: 1).store(server: 3, .requests, 4711)
        let (memory, loss) = try take(before.segment(), shape(), shape(servers: 5))
        #expect(loss == nil && memory.shape == shape())
        #expect(memory.state(berth: 0).load(server: 3, .requests) == 4711)
    }

    @Test("of another form it is left alone, whatever its words say")
    func otherForm() throws {
        let before = try GatewayMemory(shape())
        before.state(berth: 0).store(server: 3, .requests, 4711)
        before.state(berth: 0).region.add(1, 1)
        #expect(throws: SystemError.self) { try GatewayMemory(before.segment(), shape()) }
        let (memory, loss) = try take(before.segment(), shape(), shape())
        #expect(loss?.contains("another version") == true)
        #expect(memory.state(berth: 0).load(server: 3, .requests) == 0)
        #expect(before.state(berth: 0).load(server: 3, .requests) == 4711)
        // Of a version that did not sign it, or of another size than it is said to be.
        let unsigned = try GatewayMemory(shape())
        unsigned.state(berth: 0).region.store(0, 0)
        #expect(try take(unsigned.segment(), shape(), shape()).loss != nil)
        #expect(try take(before.segment(), shape(servers: 9), shape()).loss != nil)
    }

    @Test("with other workers or too little room it is new, and says why")
    func otherShape() throws {
        let before = try GatewayMemory(shape())
        #expect(try take(before.segment(), shape(), shape(workers: 3)).loss?.contains("3 workers") == true)
        #expect(try take(before.segment(), shape(), shape(servers: 9)).loss?.contains("9 servers") == true)
        #expect(try take(before.segment(), nil, shape()).loss != nil)
        #expect(try take(nil, nil, shape()).loss != nil)
    }
}
