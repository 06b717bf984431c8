import Firewall
import Site
import Testing

@Suite("Hosts that one of two site files lacks")
struct HostDiffTests {
    private static func hosts(_ more: String, to end: String = "all") throws -> [HostIntent] {
        Intent(
            of: try site(
                """
                site: d.example
                networks: { lan: 10.0.0.0/24 }
                hosts: { a: { addresses: [10.0.0.1/24] }\(more) }
                services: { http: tcp/80 }
                firewall: { allow: [{ from: 203.0.113.0/24, to: \(end), services: http }] }

                """
            )
        ).hosts
    }

    private static let b = ", b: { addresses: [10.0.0.2/24] }"

    @Test("nothing closes at one that is gone, and at a new one opens what its lines let through")
    func goneAndNew() throws {
        let (one, two) = (try Self.hosts(""), try Self.hosts(Self.b))
        let gone = IntentDiff(from: two, to: one)
        #expect(gone.changes.isEmpty && gone.adjustments.isEmpty && gone.notes.count == 1, "\(gone)")
        #expect(gone.notes.first?.hasPrefix("`b` is no host of the new file: ") == true, "\(gone.notes)")
        let new = IntentDiff(from: one, to: two)
        #expect(new.opensAnything && new.changes.map(\.host) == ["b"] && new.changes.map(\.path) == [.input], "\(new)")
        #expect(new.changes.first?.packet.detail == 80 && new.changes.first?.omitted == 0, "\(new)")
        #expect(new.notes.count == 1 && new.notes.first?.hasPrefix("`b` is a new host: ") == true, "\(new.notes)")
        let bare = IntentDiff(from: try Self.hosts("", to: "a"), to: try Self.hosts(Self.b, to: "a"))
        #expect(bare.changes.isEmpty && !bare.opensAnything && bare.notes == new.notes, "\(bare)")
    }

    @Test("one of another name is known by its addresses")
    func renamed() throws {
        let two = try Self.hosts(Self.b)
        let called = Self.b.replacing("b:", with: "c:")
        let same = IntentDiff(from: two, to: try Self.hosts(called))
        #expect(same.changes.isEmpty && same.notes.count == 1, "\(same)")
        #expect(same.notes.first?.hasPrefix("`c` is called `b` in the old file, ") == true, "\(same.notes)")
        let moved = IntentDiff(from: two, to: try Self.hosts(called.replacing("0.2/", with: "0.3/")))
        #expect(moved.notes.count == 2 && moved.opensAnything, "\(moved)")
    }
}
