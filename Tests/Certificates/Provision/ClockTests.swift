import Certificates
import Foundation
import OpenSSL
import Site
import Testing

/// What the internal CA makes by a clock that differs from what the store's history tells is good by both.
@Suite("Certificates that are made by a clock in doubt")
struct ClockTests {
    private static let day: Int64 = 86_400
    private let now = Int64(Date().timeIntervalSince1970)
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func settings(_ names: [String] = ["foobar.com"]) -> CertificateSettings {
        CertificateSettings(name: "web", names: names.map { .exact($0) }, issuer: .internal)
    }

    /// Another name is wanted: whatever the clock says, another certificate is needed.
    private var wanted: CertificateSettings { settings(["foobar.com", "www.foobar.com"]) }

    @Test("good by either clock where it may be ahead, and not due by either at once", arguments: [2, 60, 366, 390])
    func ahead(days: Int64) throws {
        _ = try scratch.provider(at: now).provide(settings())
        let other = now + days * Self.day
        let made = try scratch.provider(at: other).provide(wanted)
        #expect(made.notes.count == 1, "\(made.notes)")
        for moment in [now, other] {
            try made.bundles[0].requireValid(at: moment)
            try made.bundles[0].requireValid(at: moment + 30 * Self.day)
            let again = try scratch.provider(at: moment + 1).provide(wanted)
            #expect(again.notes.isEmpty, "\(again.notes)")
        }
    }

    @Test("good by either clock where it may be behind; what is there stays", arguments: [-2, -60, -366, -15_000])
    func behind(days: Int64) throws {
        let first = try scratch.provider(at: now).provide(settings())
        let other = now + days * Self.day
        let kept = try scratch.provider(at: other, isStart: true).provide(settings())
        #expect(kept.notes.isEmpty && kept.bundles[0].leaf.der == first.bundles[0].leaf.der, "\(kept.notes)")
        // A running gateway takes no certificate of the future for good because somebody's clock has written of it.
        let running = try scratch.provider(at: other).provide(settings())
        #expect(running.notes.count == 1 && running.bundles[0].leaf.validity.contains(other), "\(running.notes)")
    }

    @Test("what is made where it may be behind is good by either clock", arguments: [-2, -60, -366, -15_000])
    func behindAndWanting(days: Int64) throws {
        _ = try scratch.provider(at: now).provide(settings())
        let other = now + days * Self.day
        let made = try scratch.provider(at: other, isStart: true).provide(wanted)
        #expect(made.notes.count == 1, "\(made.notes)")
        try made.bundles[0].requireValid(at: now)
        try made.bundles[0].requireValid(at: now + 46 * Self.day)
        #expect(made.bundles[0].leaf.validity.contains(other))
    }

    @Test("also many at a time")
    func together() throws {
        let all = (1...3).map { number in
            CertificateSettings(name: "n\(number)", names: [.exact("n\(number).foobar.com")], issuer: .internal)
        }
        _ = try scratch.provider(at: now).provide(settings())
        let made = scratch.provider(at: now + 366 * Self.day).provideTogether(all) { _, _ in }
        #expect(made.count == 3)
        for entry in made.values { try entry.bundles[0].requireValid(at: now) }
    }

    @Test("a renewal when it is due begins when it is made, and lives as long as always")
    func onTime() throws {
        let first = try scratch.provider(at: now).provide(settings())
        let due = try #require(first.renewal)
        let second = try scratch.provider(at: due + 3600).provide(settings())
        let validity = second.bundles[0].leaf.validity
        #expect(validity.upperBound == due + 3600 + InternalCA.leafLifetime)
        #expect(validity.upperBound - validity.lowerBound == 47 * Self.day - 1)
    }

    @Test("a start tells of a clock that is behind, and of no other")
    func told() throws {
        #expect(scratch.provider(at: now).beginClock() == nil)
        _ = try scratch.provider(at: now).provide(settings())
        #expect(scratch.provider(at: now + 100 * Self.day).beginClock() == nil)
        #expect(scratch.provider(at: now - 3600).beginClock() == nil)
        let words = scratch.provider(at: now - 2 * Self.day).beginClock()
        #expect(words?.hasPrefix("THE CLOCK IS BEHIND") == true && words?.contains("audit.log") == true)
    }
}
