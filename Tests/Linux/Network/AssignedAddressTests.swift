import Testing

@testable import Linux

@Suite("Addresses as the kernel lists them")
struct AssignedAddressTests {
    private static func message(flags: UInt8 = 0, length: UInt8 = 24, _ attributes: [UInt8]) -> NetlinkMessage {
        NetlinkMessage(type: 20, flags: 0, body: ([2, length, flags, 0, 7, 0, 0, 0] + attributes)[...])
    }

    private static func read(_ message: NetlinkMessage) -> AssignedAddress? { AssignedAddress(message, [7: "eth0"]) }

    private static let own = NetlinkMessage.attribute(2, [10, 0, 0, 2])

    /// The preferred lifetime is half of the valid one.
    private static let lifetime = NetlinkMessage.attribute(
        6,
        NetlinkMessage.bytes(UInt32(1_800)) + NetlinkMessage.bytes(UInt32(3_600)) + [UInt8](repeating: 0, count: 8)
    )

    @Test("loopback has none for a time alone")
    func loopback() {
        #expect(AssignedAddress.all().allSatisfy { $0.interface != "lo" || $0.seconds == nil })
    }

    @Test("one is read with its lifetime, which is none where it stays; of a link with a peer it is the own one")
    func reading() throws {
        let peer = NetlinkMessage.attribute(1, [10, 0, 0, 1])
        let one = try #require(Self.read(Self.message(peer + Self.own + Self.lifetime)))
        #expect(one == Self.read(Self.message(Self.own + Self.lifetime + peer)))
        #expect(one.interface == "eth0" && one.address == [10, 0, 0, 2] && one.prefixLength == 24)
        #expect(one.seconds == 3_600)
        #expect(Self.read(Self.message(peer + Self.lifetime))?.address == [10, 0, 0, 1])
        let permanent = try #require(Self.read(Self.message(flags: 0x80, Self.own + Self.lifetime)))
        #expect(permanent.seconds == nil && permanent.address == [10, 0, 0, 2])
        #expect(AssignedAddress(Self.message(Self.own + Self.lifetime), [8: "eth1"]) == nil)
        let whole = Self.message(Self.own + Self.lifetime)
        for length in 0..<(8 + 8 + Self.lifetime.count) {
            let short = NetlinkMessage(type: 20, flags: 0, body: whole.body.prefix(length))
            #expect(Self.read(short) == nil, "\(length)")
        }
    }

    @Test("one that is tentative, that somebody else has, or that is deprecated is not spoken from; a temporary one is")
    func silence() {
        func isSpokenFrom(_ flags: UInt8) -> Bool? {
            Self.read(Self.message(flags: flags, Self.own + Self.lifetime))?.isSpokenFrom
        }
        for flags: UInt8 in [0, 0x80, 0x01, 0x81] { #expect(isSpokenFrom(flags) == true, "\(flags)") }
        for flags: UInt8 in [0x40, 0x48, 0x20, 0xA0, 0x21] { #expect(isSpokenFrom(flags) == false, "\(flags)") }
    }
}
