import Firewall
import Site
import Testing

@Suite("Open sockets")
struct OpenSocketsTests {
    private static let title =
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"

    private static func line(_ own: String, _ peer: String, _ state: String) -> String {
        "   0: \(own) \(peer) \(state) 00000000:00000000 00:00000000 00000000     0        0 20 1 0 100 0 0 10 0\n"
    }

    @Test("whoever has a socket that listens on the port was connected to")
    func directions() throws {
        let (mapped, peer) = ("0000000000000000FFFF00000100000A", "0000000000000000FFFF00000900000A")
        let none = String(repeating: "0", count: 32)
        let (six, other) = ("B80D0120000000000000000001000000", "B80D0120000000000000000009000000")
        let tables = [
            Self.title + Self.line("0100000A:0016", "00000000:0000", "0A")
                + Self.line("0100000A:0016", "0900000A:C001", "01") + Self.line("0100000A:A001", "0900000A:0CEA", "08")
                // Refused, and half open.
                + Self.line("0100000A:A002", "0900000A:0CEA", "06") + Self.line("0100000A:0016", "0900000A:C003", "03"),
            Self.title + Self.line("\(none):01BB", "\(none):0000", "0A")
                + Self.line("\(mapped):01BB", "\(peer):C002", "05") + Self.line("\(six):A003", "\(other):01BB", "04"),
        ]
        let (own, far) = (try #require(IPAddress("2001:db8::1")), try #require(IPAddress("2001:db8::9")))
        let expected: Set = [
            TrackedConnection(from: .v4(0x0A00_0009), to: .v4(0x0A00_0001), .tcp, sourcePort: 0xC001, detail: 22),
            TrackedConnection(from: .v4(0x0A00_0001), to: .v4(0x0A00_0009), .tcp, sourcePort: 0xA001, detail: 3306),
            TrackedConnection(from: .v4(0x0A00_0009), to: .v4(0x0A00_0001), .tcp, sourcePort: 0xC002, detail: 443),
            TrackedConnection(from: own, to: far, .tcp, sourcePort: 0xA003, detail: 443),
        ]
        let found = OpenSockets.connections(tables.map { Array($0.utf8) })
        #expect(Set(found) == expected && found.count == expected.count, "\(found)")
    }

    @Test("a port that is known to have been connected to counts like one on which somebody listens still")
    func served() {
        let tables = [
            Self.title + Self.line("0100000A:08AE", "00000000:0000", "0A")
                + Self.line("0100000A:0016", "0900000A:C001", "01") + Self.line("0100000A:A001", "0900000A:0016", "01")
        ]
        let session = TrackedConnection(
            from: .v4(0x0A00_0009),
            to: .v4(0x0A00_0001),
            .tcp,
            sourcePort: 0xC001,
            detail: 22
        )
        let own = TrackedConnection(
            from: .v4(0x0A00_0001),
            to: .v4(0x0A00_0009),
            .tcp,
            sourcePort: 0xA001,
            detail: 22
        )
        let found = OpenSockets.connections(tables.map { Array($0.utf8) }, serving: 22)
        #expect(found == [session, own], "\(found)")
    }

    @Test("who listens for this machine alone is no way in")
    func listening() {
        let none = String(repeating: "0", count: 32)
        let lines = [
            Self.line("0100000A:0016", "0900000A:C001", "01"), Self.line("0100007F:0050", "00000000:0000", "0A"),
            Self.line("\(none):08AE", "\(none):0000", "0A"), Self.line("0100000A:01BB", "00000000:0000", "0A"),
        ]
        let tables = lines.map { Array((Self.title + $0).utf8) }
        let heard = [22, 80, 443, 2222].filter { OpenSockets.listen(on: $0, among: tables) }
        #expect(heard == [443, 2222])
        #expect(!OpenSockets.listen(on: 2222, among: [tables[0]]))
    }

    @Test("a connection that SSH_CONNECTION tells of is among them or not, whoever seems to have begun it")
    func held() throws {
        let tables = [Self.line("0100000A:0016", "0900000A:C001", "01")]
        let listening = Self.line("0100000A:0016", "00000000:0000", "0A")
        for text in tables + [tables[0] + listening] {
            let open = OpenSockets.connections([Array(text.utf8)])
            for (connection, isOpen) in [
                ("10.0.0.9 49153 10.0.0.1 22", true), ("10.0.0.8 49153 10.0.0.1 22", false),
                ("10.0.0.9 49153 10.0.0.2 22", false), ("10.0.0.9 49153 10.0.0.1 23", false),
            ] {
                let access = try #require(AdministratorCheck.Access(sshConnection: connection))
                #expect(OpenSockets.hold(access, among: open) == isOpen, "\(connection)")
            }
        }
    }

    @Test("what is no such table holds none, cut anywhere")
    func garbage() {
        let whole = Self.title + Self.line("0100000A:0016", "0900000A:C001", "01") + "a b:c d e f\n 1: :: :: 01 x\n"
        for count in 0...whole.utf8.count {
            #expect(OpenSockets.connections([Array(whole.utf8.prefix(count))]).count <= 1)
        }
        #expect(OpenSockets.connections([]).isEmpty)
    }
}
