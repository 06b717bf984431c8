import Foundation
import Testing

/// A running gateway whose certificates come of age; nobody gives it a command.
@Suite("Certificates that are due while the gateway runs", .longest, .timeLimit(.minutes(10)))
struct RenewalByAgeTests: OneCertificate {
    let scene: OneCertificateScene

    init() throws { scene = try OneCertificateScene() }

    @Test("the internal CA issues the next one when a third of the life is left, and clients get it")
    func internalCA() throws {
        let clock = try FakeClock(in: directory)
        let first = try start("issuer: internal", environment: clock.environment)
        let old = try shown
        try first.stop()
        let (entries, list) = try directory.listed()
        let text = try #require(entries.first?["next_try"] as? String, "\(list)")
        let due = try #require(ISO8601DateFormatter().date(from: text), "\(text)")
        let untilDue = Int(due.timeIntervalSinceNow)
        #expect(untilDue > 30 * 86_400)
        // An hour before, it is not due yet.
        try clock.set(seconds: untilDue - 3_600)
        let site = try start("issuer: internal", environment: clock.environment)
        #expect(try shown == old && !site.log.contains("certificate web: issued"), "\(site.log)")
        try clock.set(seconds: untilDue + 5)
        try eventually("another is served; \(site.log)", within: .seconds(120)) {
            site.log.contains("certificate web: served, as a handshake showed")
        }
        #expect(try shown != old)
        #expect(try String(contentsOfFile: directory.path("store/web/current"), encoding: .utf8) == "2\n")
    }

    @Test("an ACME server is asked for the next one when half of a short life is over, and clients get it")
    func acme() throws {
        var options = Pebble.Options()
        options.settings = "\"certificateValidityPeriod\": 100,"
        let pebble = try Pebble(options, in: directory)
        let acme = "acme: \"\(pebble.url)\", trust: pebble.crt, \(try pebble.hook())"
        let site = try start("issuer: { \(acme) }")
        func issued() -> Int { site.log.components(separatedBy: "certificate web: issued by \(pebble.url)").count - 1 }
        func looked() -> Int {
            site.log.components(separatedBy: "certificate web: served, as a handshake showed").count - 1
        }
        try eventually("the first is served; \(site.log) \(pebble.log)", within: .seconds(120)) {
            issued() == 1 && looked() == 1
        }
        let first = try shown
        // The gateway looks each minute at what is due.
        try eventually("the second is served; \(site.log) \(pebble.log)", within: .seconds(240)) {
            issued() == 2 && looked() == 2
        }
        let second = try shown
        #expect(first != second && !second.isEmpty)
        #expect(try certs("audit").output.components(separatedBy: "web issued, generation").count - 1 == 2)
    }
}
