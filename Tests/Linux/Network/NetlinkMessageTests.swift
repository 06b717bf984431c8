import Testing

@testable import Linux

@Suite("Netlink messages")
struct NetlinkMessageTests {
    /// A message of nf_tables about a table `odd` with the handle 258, and what stands behind it.
    private static let sample: [UInt8] =
        [40, 0, 0, 0, 0x00, 0x0A, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0] + [2, 0, 0, 0] + [8, 0, 1, 0] + Array("odd\0".utf8)
        + [12, 0, 4, 0x40, 0, 0, 0, 0, 0, 0, 1, 2]
        + [16, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]

    @Test("headers and attributes are taken apart")
    func reads() throws {
        let messages = NetlinkMessage.all(in: Self.sample[...])
        try #require(messages.map(\.type) == [0x0A00, 3])
        #expect(messages[0].family == 2 && messages[1].family == 0)
        #expect(messages[0].attributes.text(1) == "odd")
        #expect(messages[0].attributes.number(4) == 258)
        #expect(messages[0].attributes.text(9) == nil)
    }

    @Test("what is cut short is left out, wherever it is cut")
    func cut() {
        for length in Self.sample.indices {
            let messages = NetlinkMessage.all(in: Self.sample[..<length])
            #expect(messages.count == (length < 40 ? 0 : 1), "\(length)")
        }
    }

    @Test("no bytes trap")
    func random() {
        let seed = UInt64.random(in: 1...UInt64.max)
        StandardError.write("random netlink messages: seed \(seed)\n")
        var state = seed
        func next() -> UInt8 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(state >> 56)
        }
        for round in 0..<5_000 {
            var bytes = Self.sample
            for _ in 0..<(1 + round % 8) { bytes[Int(next()) % bytes.count] = next() }
            for message in NetlinkMessage.all(in: bytes[...]) {
                for attribute in message.attributes.all {
                    #expect(attribute.value.count <= bytes.count, "seed \(seed)")
                    _ = (message.attributes.text(attribute.kind), message.attributes.number(attribute.kind))
                    _ = message.attributes.nested(attribute.kind)?.all.count
                    _ = (message.attributes.machineNumber(attribute.kind), Route.nextHops(attribute.value))
                }
            }
        }
    }
}
