import Testing

@testable import Linux

@Suite("Addresses that interfaces have for a time")
struct ExpiringAddressTests {
    private static func message(flags: UInt8 = 0, length: UInt8 = 24, _ attributes: [UInt8]) -> NetlinkMessage {
        NetlinkMessage(type: 20, flags: 0, body: ([2, length, flags, 0, 7, 0, 0, 0] + attributes)[...])
    }

    /// The preferred lifetime is half of the valid one.
    private static let lifetime = NetlinkMessage.attribute(
        6,
        NetlinkMessage.bytes(UInt32(1_800)) + NetlinkMessage.bytes(UInt32(3_600)) + [UInt8](repeating: 0, count: 8)
    )

    @Test("loopback has none")
    func loopback() {
        #expect(ExpiringAddress.all().allSatisfy { $0.interface != "lo" })
    }

    @Test("one is read with its lifetime; of a link with a peer it is the own one; one that stays is none")
    func reading() throws {
        let peer = NetlinkMessage.attribute(1, [10, 0, 0, 1])
        let own = NetlinkMessage.attribute(2, [10, 0, 0, 2])
        func read(_ message: NetlinkMessage) -> ExpiringAddress? { ExpiringAddress(message, [7: "eth0"]) }
        let one = try #require(read(Self.message(peer + own + Self.lifetime)))
        #expect(one == read(Self.message(own + Self.lifetime + peer)))
        #expect(one.interface == "eth0" && one.address == [10, 0, 0, 2] && one.prefixLength == 24)
        #expect(one.seconds == 3_600)
        #expect(read(Self.message(peer + Self.lifetime))?.address == [10, 0, 0, 1])
        #expect(read(Self.message(flags: 0x80, own + Self.lifetime)) == nil)
        #expect(ExpiringAddress(Self.message(own + Self.lifetime), [8: "eth1"]) == nil)
        let whole = Self.message(own + Self.lifetime)
        for length in 0..<(8 + 8 + Self.lifetime.count) {
            let short = NetlinkMessage(type: 20, flags: 0, body: whole.body.prefix(length))
            #expect(read(short) == nil, "\(length)")
        }
    }
}
