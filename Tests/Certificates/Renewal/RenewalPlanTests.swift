import Certificates
import Foundation
import OpenSSL
import Site
import Testing

/// What is kept of the tries at a certificate, and of its CA's advice.
@Suite("A renewal plan") struct RenewalPlanTests {
    private static let now: Int64 = 1_790_000_000
    private static let life: Int64 = 90 * 86_400

    private func information(_ window: ClosedRange<Int64>, retry: String = "3600") throws -> RenewalInformation {
        let body = """
            { "suggestedWindow": { "start": "\(UTC.text(window.lowerBound))", "end": "\(UTC.text(window.upperBound))" },
              "explanationURL": "https://ca.test/why" }
            """
        let answer = ACMEResponse(status: 200, fields: ["retry-after": retry], body: Array(body.utf8))
        return try #require(RenewalInformation(answer, now: Self.now))
    }

    private var origin: RenewalPlan.Origin {
        RenewalPlan.Origin(fingerprint: "ab", directory: "https://ca.test/dir", account: "https://ca.test/me")
    }

    @Test("all of it outlives the process")
    func outlives() throws {
        let scratch = try Scratch()
        let store = CertificateStore(folder: scratch.path)
        var plan = RenewalPlan()
        plan.succeed(origin, life: Self.life, at: Self.now)
        plan.hold("https://ca.test/dir", until: Self.now + 5)
        plan.take(try information(Self.now...Self.now + 100), at: Self.now) { $0.upperBound - 7 }
        plan.fail("a reason", pause: 9_999, at: Self.now)
        #expect(plan.next == Self.now + 9_999 && plan.nextQuestion == Self.now + 3600)
        #expect(store.plan(of: "web") == RenewalPlan())
        store.keep(plan, of: "web")
        #expect(store.plan(of: "web") == plan)
        #expect(try scratch.mode("plans/web") == 0o600)
        // What an older version kept, and what is damaged.
        try scratch.write("plans/web", "{\"failures\":2,\"next\":7,\"problem\":\"x\"}")
        #expect(store.plan(of: "web").failures == 2 && store.plan(of: "web").origin == nil)
        try scratch.write("plans/web", "{\"failures\":")
        #expect(store.plan(of: "web") == RenewalPlan())
    }

    @Test("where some of those before came from outlives the process, too, and counts again when one is gone back to")
    func recalls() throws {
        let scratch = try Scratch()
        let store = CertificateStore(folder: scratch.path)
        var plan = RenewalPlan()
        func origin(_ number: Int) -> RenewalPlan.Origin {
            .init(
                fingerprint: "\(number)",
                directory: "https://ca.test/\(number)",
                account: "me",
                chain: "Root",
                profile: "short"
            )
        }
        for number in 0..<9 { plan.succeed(origin(number), life: Self.life, isAsked: true, at: Self.now) }
        store.keep(plan, of: "web")
        #expect(store.plan(of: "web") == plan)
        plan = store.plan(of: "web")
        // The second is too long ago.
        for (fingerprint, number) in [("6", 6), ("8", 8), ("1", 8)] {
            plan.recall(fingerprint)
            #expect(plan.origin == origin(number))
        }
        plan.startOver()
        #expect(plan.origin == nil)
        plan.recall("8")
        #expect(plan.origin == origin(8))
    }

    @Test("what a clock that was a year ahead has left holds nobody up; a CA's month, and a clock some minutes off, do")
    func corrected() {
        func plan(at moment: Int64) -> RenewalPlan {
            var plan = RenewalPlan()
            for _ in 0..<2 { plan.succeed(origin, life: Self.life, at: moment) }
            for _ in 0..<4 { plan.fail("x", wishing: "a", at: moment) }
            plan.hold("https://ca.test/dir", until: moment + 30 * 86_400)
            plan.askAgain(at: moment + 86_400)
            return plan
        }
        for ahead in [0, 600] as [Int64] {
            let before = plan(at: Self.now + ahead)
            var after = before
            after.correct(at: Self.now)
            #expect(after == before)
        }
        var wrong = plan(at: Self.now + 366 * 86_400)
        wrong.correct(at: Self.now)
        #expect(wrong.next == Self.now && wrong.nextQuestion == Self.now && wrong.held.isEmpty)
        #expect(wrong.failures == 4 && wrong.patience == Self.now + 60)
        // A year's pause that a CA asked for is one of 30 days.
        var limited = RenewalPlan()
        limited.hold("https://ca.test/dir", until: Self.now + 30 * 86_400)
        limited.fail("x", wishing: "a", pause: 30 * 86_400, at: Self.now)
        limited.correct(at: Self.now)
        #expect(limited.next == Self.now + 30 * 86_400)
    }

    @Test("a plan that cannot be written counts all the same, until somebody else writes one")
    func unwritten() throws {
        let scratch = try Scratch()
        let store = CertificateStore(folder: scratch.path)
        try scratch.write("plans", "a file where the folder should be")
        var plan = RenewalPlan()
        plan.fail("x", at: Self.now)
        store.keep(plan, of: "web")
        #expect(store.plan(of: "web") == plan && store.plan(of: "other") == RenewalPlan())
        #expect(CertificateStore(folder: scratch.path).plan(of: "web") == plan)
        try FileManager.default.removeItem(atPath: scratch.path + "/plans")
        try FileManager.default.createDirectory(atPath: scratch.path + "/plans", withIntermediateDirectories: false)
        try scratch.write("plans/web", "{\"failures\":7}")
        #expect(store.plan(of: "web").failures == 7)
        store.keep(plan, of: "web")
        #expect(store.plan(of: "web") == plan)
    }

    @Test("a moment is drawn once for a window, and again when the window has left it behind")
    func draws() throws {
        var plan = RenewalPlan()
        plan.take(try information(Self.now...Self.now + 100), at: Self.now) { _ in Self.now + 50 }
        plan.take(try information(Self.now + 40...Self.now + 60), at: Self.now) { _ in Self.now + 41 }
        #expect(plan.advice?.moment == Self.now + 50)
        plan.take(try information(Self.now - 90...Self.now - 10), at: Self.now) { _ in Self.now - 20 }
        #expect(plan.advice?.moment == Self.now - 20 && plan.advice?.explanation == "https://ca.test/why")
    }

    @Test("success forgets failures, waits and advice; success without all names goes on counting")
    func succeeds() throws {
        var plan = RenewalPlan()
        for _ in 0..<3 { plan.fail("x", at: Self.now) }
        plan.take(try information(Self.now...Self.now + 100), at: Self.now) { $0.lowerBound }
        var partial = plan
        partial.succeed(origin, life: Self.life, but: "bad.test is missing", wishing: "a", at: Self.now)
        #expect(partial.failures == 4 && partial.next == Self.now + 82_800 && partial.problem == "bad.test is missing")
        #expect(partial.origin == origin && partial.advice == nil)
        plan.succeed(origin, life: Self.life, at: Self.now)
        #expect(plan.failures == 0 && plan.next == 0 && plan.advice == nil && plan.origin == origin)
    }

    @Test("what ends soon is tried again the sooner, but not before its CA wants to be asked")
    func endsSoon() {
        let replaced = RenewalSchedule(validity: Self.now - 64_800...Self.now + 21_600, fingerprint: "00")
        var plan = RenewalPlan()
        for _ in 0..<4 { plan.fail("x", wishing: "a", replacing: replaced, at: Self.now) }
        #expect(plan.next == Self.now + 5_400)
        plan.begin(wishing: "a", replacing: replaced, at: Self.now + 30_000)
        #expect(plan.next == Self.now + 33_600)
        plan.fail("busy", wishing: "a", pause: 9_999, replacing: replaced, at: Self.now)
        #expect(plan.next == Self.now + 9_999)
        plan.succeed(origin, life: 86_400, but: "a name", wishing: "a", replacing: replaced, at: Self.now)
        #expect(plan.failures == 7 && plan.next == Self.now + 5_400)
    }

    @Test("a CA that wants each certificate replaced at once waits 1, 10 and 100 minutes between orders, then 23 hours")
    func patience() throws {
        let scratch = try Scratch()
        let store = CertificateStore(folder: scratch.path)
        var plan = RenewalPlan()
        var now = Self.now
        var pauses: [Int64] = []
        for _ in 0..<6 {
            plan.succeed(origin, life: Self.life, at: now)
            store.keep(plan, of: "web")
            #expect(store.plan(of: "web") == plan)
            pauses.append(max(0, plan.patience - now))
            now = max(now, plan.patience)
        }
        #expect(pauses == [0, 60, 600, 6_000, 82_800, 82_800])
        plan.succeed(origin, life: Self.life, at: now + Self.life / 2)
        #expect(plan.hurries == 0 && plan.patience == 0)
        // What an operator asks for says nothing of a CA's advice, nor of the clock.
        for _ in 0..<2 { plan.succeed(origin, life: Self.life, isAsked: true, at: now + Self.life / 2 + 1) }
        #expect(plan.hurries == 0 && plan.patience == 0)
    }

    @Test("failures for something else than the site file asks for hold nobody up; a CA's wish to be left alone stays")
    func anotherWish() {
        var plan = RenewalPlan()
        plan.hold("https://old.test", until: Self.now + 100)
        for _ in 0..<4 { plan.fail("x", wishing: "a mistyped name", at: Self.now) }
        plan.consider("a mistyped name")
        #expect(plan.failures == 4 && plan.next == Self.now + 82_800)
        plan.consider("a name")
        #expect(plan.failures == 0 && plan.next == 0 && plan.problem.isEmpty)
        #expect(plan.held["https://old.test"] == Self.now + 100)
        plan.wait("as it said before", wishing: "a name", until: Self.now + 100)
        plan.consider("another name")
        #expect(plan.next == 0 && plan.problem.isEmpty)
        // What clients refused, or an operator went back to, has a pause of its own.
        plan.refuse("refused", wishing: "a name", at: Self.now)
        plan.consider("another name")
        #expect(plan.failures == 1 && plan.next == Self.now + 60)
    }

    @Test("a rest is over where a standby takes the place of what was to rest; tries that failed count on")
    func substitute() {
        let origin = RenewalPlan.Origin(fingerprint: "00", directory: "substitute", account: "")
        var plan = RenewalPlan()
        plan.rest("wrong chain", wishing: "a name", until: Self.now + 86_400)
        plan.substitute(origin)
        #expect(plan.next == 0 && plan.problem.isEmpty && plan.origin == origin)
        plan.fail("the CA is busy", wishing: "a name", at: Self.now)
        plan.substitute(origin)
        #expect(plan.failures == 1 && plan.next == Self.now + 60 && plan.problem == "the CA is busy")
    }

    @Test("two gateways that ask for different things, which both fail, have the pauses of their own tries")
    func wishesInTurn() throws {
        let scratch = try Scratch()
        let store = CertificateStore(folder: scratch.path)
        var tries = [0, 0]
        for minute in 0..<120 {
            let now = Self.now + Int64(minute) * 60
            for gateway in 0..<2 {
                let wish = "wish \(gateway)"
                var plan = store.plan(of: "web")
                plan.consider(wish)
                if plan.next <= now {
                    plan.fail("the CA of \(wish) is busy", wishing: wish, at: now)
                    tries[gateway] += 1
                }
                #expect(plan.failures == tries[gateway] && plan.problem == "the CA of \(wish) is busy")
                store.keep(plan, of: "web")
                #expect(store.plan(of: "web") == plan)
            }
        }
        #expect(tries == [4, 4], "at once, and after 1, 10 and 100 minutes")
    }

    @Test("to change the CA is no hurry")
    func anotherIssuer() {
        var plan = RenewalPlan()
        func succeed(_ directory: String) {
            plan.succeed(.init(fingerprint: "a", directory: directory, account: ""), life: 1_000, at: Self.now)
        }
        succeed("https://old.test")
        plan.consider(servers: ["https://new.test"])
        succeed("https://new.test")
        #expect(plan.hurries == 0)
        plan.consider(servers: ["https://new.test"])
        succeed("https://new.test")
        #expect(plan.hurries == 1)
    }

    @Test("advice counts before the rule of the third, unless it leaves no time for other tries")
    func advised() {
        let day: Int64 = 86_400
        let schedule = RenewalSchedule(validity: 0...90 * day, fingerprint: "00000000")
        #expect(schedule.due(advised: nil) == schedule.due)
        #expect(schedule.due(advised: 5 * day) == 5 * day)
        #expect(schedule.due(advised: 80 * day) == 80 * day)
        #expect(schedule.due(advised: 82 * day) == schedule.due)
        #expect(schedule.due(advised: .max) == schedule.due)
    }
}
