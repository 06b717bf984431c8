import Foundation
import Testing

/// A gateway whose machine's clock is a year off, while it runs or from its start on. Its clients' clocks are right.
@Suite("A clock that is a year off and comes back", .patient, .timeLimit(.minutes(5)))
struct ClockTests: OneCertificate {
    let scene: OneCertificateScene
    private let clock: FakeClock
    private let metrics: Metrics

    init() throws {
        scene = try OneCertificateScene()
        clock = try FakeClock(in: scene.directory)
        metrics = try Metrics()
    }

    private func start() throws -> RunningSite {
        try start("issuer: internal", metrics.setting, environment: clock.environment)
    }

    private func answer() throws -> String { try directory.answer(at: port) }

    private func shown() throws -> String { try directory.shown(at: port, "-fingerprint -sha256") }

    @Test("while it runs: it is told, and what is served stays", arguments: [366, -366])
    func jump(days: Int) throws {
        let site = try start()
        let before = try shown()
        #expect(try answer() == "app-01", "\(site.log)")
        try clock.set(days: days)
        let words = "THE CLOCK HAS JUMPED 366 days \(days > 0 ? "ahead" : "back") and is not believed"
        try eventually("it is told; \(site.log)") { site.log.contains(words) }
        let list = try certs("list")
        #expect(list.status == 1 && list.error.contains(words), "\(list)")
        #expect(abs(try metrics.value("gatehouse_clock_jump_seconds")) > 365 * 86_400)
        #expect(try site.command("status").output.contains(words))
        // What is looked at meanwhile is looked at by the clock that is believed.
        let asked = try certs("renew")
        #expect(try answer() == "app-01" && shown() == before, "\(asked) \(site.log)")
        try clock.set(days: 0)
        try eventually("that it is back is told; \(site.log)") { site.log.contains("the clock is believed") }
        #expect(try answer() == "app-01" && shown() == before, "\(site.log)")
        let after = try certs("list")
        #expect(after.status == 0, "\(after) \(site.log)")
        #expect(try metrics.value("gatehouse_clock_jump_seconds") == 0)
        #expect(!site.log.contains("issued by the internal CA (the stored"), "\(site.log)")
    }

    @Test("and an operator vouches for it: what is made then is good by either clock")
    func vouched() throws {
        let site = try start()
        try clock.set(days: 366)
        try eventually("it is told; \(site.log)") { site.log.contains("THE CLOCK HAS JUMPED") }
        let reload = try site.command("reload")
        #expect(reload.status == 0 && site.log.contains("the clock is believed"), "\(reload) \(site.log)")
        #expect(try answer() == "app-01", "\(site.log)")
        let there = try shown()
        try clock.set(days: 0)
        try eventually("it is told; \(site.log)") { site.log.contains("366 days back") }
        #expect(try site.command("reload").status == 0)
        #expect(try answer() == "app-01" && shown() == there, "\(site.log)")
    }

    @Test("from its start on: what is made is good by either clock", arguments: [366, -366])
    func atStart(days: Int) throws {
        let first = try start()
        #expect(try answer() == "app-01")
        try first.stop()
        try clock.set(days: days)
        let site = try start()
        #expect(site.log.contains("THE CLOCK IS BEHIND") == (days < 0), "\(site.log)")
        #expect(try answer() == "app-01", "\(site.log)")
        let there = try shown()
        try clock.set(days: 0)
        let look = try certs("verify")
        #expect(look.status == 0, "\(look)")
        #expect(try answer() == "app-01" && shown() == there, "\(site.log)")
        // It was wrong, and was set: nobody has to vouch for that.
        #expect(try site.command("reload").status == 0)
        #expect(try answer() == "app-01" && shown() == there, "\(site.log)")
        #expect(!site.log.contains("THE CLOCK HAS JUMPED"), "\(site.log)")
    }
}
