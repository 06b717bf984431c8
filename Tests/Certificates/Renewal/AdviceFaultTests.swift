import Certificates
import Foundation
import OpenSSL
import Site
import Testing

/// A CA that is asked when it wants a certificate renewed (RFC 9773), and gives anything else as an answer. Asked for a
/// certificate and for its standby, which are one path.
@Suite("A CA's advice that is none")
struct AdviceFaultTests {
    private let now = Int64(Date().timeIntervalSince1970)
    private let scratch: Scratch
    private let ca = ScriptedCA()
    private let settings: CertificateSettings
    private let standby: CertificateSettings
    private let acme = ACMESettings(directory: ScriptedCA.base + "/dir")

    init() throws {
        scratch = try Scratch()
        var settings = CertificateSettings(name: "site", names: [.exact("foobar.com")], issuer: .internal)
        settings.standby = .acme(acme)
        self.settings = settings
        standby = try #require(settings.standbyCertificate)
    }

    private var store: CertificateStore { scratch.store }

    private var provider: CertificateProvider { scratch.provider(at: now) }

    private func outside(_ tell: @escaping (String) -> Void = { _ in }) -> CertificateProvider.Outside {
        .init(transport: { _ in ca }, publish: {}, tell: tell)
    }

    /// A standby that the CA has given.
    private func keep() throws -> Certificate {
        let bundle = try InternalCA(named: "other", now: now).issue(names: ["foobar.com"], now: now)
        try store.save(bundle, as: standby.name, reason: "", now: now)
        var plan = RenewalPlan()
        plan.succeed(
            .init(fingerprint: bundle.leaf.fingerprint, directory: acme.directory, account: "me"),
            life: 47 * Self.day,
            at: now
        )
        store.keep(plan, of: standby.name)
        return bundle.leaf
    }

    private func path(_ leaf: Certificate) throws -> String {
        "/renewal/" + (try #require(RenewalInformation.identifier(of: leaf)))
    }

    private static let day: Int64 = 86_400

    @Test("of one that was gone back to its CA is asked, too, and what it says counts")
    func goneBackTo() throws {
        let first = try keep()
        _ = try keep()
        _ = try store.rollBack(standby.name, reason: "a test", now: now)
        ca.answer(try path(first), ScriptedCA.problem("malformed", status: 404))
        #expect(provider.need(of: standby, acme, outside()) == nil)
        #expect(store.plan(of: standby.name).origin?.fingerprint != first.fingerprint)
        // At the next question.
        var plan = store.plan(of: standby.name)
        plan.askAgain(at: now)
        store.keep(plan, of: standby.name)
        let window = #"{ "suggestedWindow": { "start": "2020-01-01T00:00:00Z", "end": "2020-01-02T00:00:00Z" } }"#
        ca.answer(try path(first), ScriptedCA.json(window))
        #expect(provider.need(of: standby, acme, outside())?.hasPrefix("its CA wants it renewed") == true)
        #expect(try ca.requests(path(first)).count == 2)
        #expect(store.plan(of: standby.name).origin?.fingerprint == first.fingerprint)
    }

    @Test("what an operator went back to is replaced at once when its CA wants that before its time, and else rests")
    func rest() throws {
        let first = try keep()
        _ = try keep()
        _ = try provider.rollBack(standby, reason: "a test")
        #expect(store.plan(of: standby.name).next > now && store.plan(of: standby.name).nextQuestion <= now)
        func answer(_ start: Int64, _ end: Int64) throws {
            let window = #"{ "suggestedWindow": { "start": "\#(UTC.text(start))", "end": "\#(UTC.text(end))" } }"#
            ca.answer(try path(first), ScriptedCA.json(window))
            var plan = store.plan(of: standby.name)
            plan.askAgain(at: now)
            store.keep(plan, of: standby.name)
        }
        try answer(now + 20 * Self.day, now + 21 * Self.day)
        #expect(provider.need(of: standby, acme, outside()) == nil)
        // It has begun, and leaves time.
        try answer(now - Self.day, now + Self.day)
        #expect(provider.need(of: standby, acme, outside()) == nil)
        try answer(now - 2 * Self.day, now - Self.day)
        #expect(provider.need(of: standby, acme, outside()) == "its CA wants it renewed")
        #expect(try ca.requests(path(first)).count == 3)
    }

    @Test(
        "what is to rest, since an operator went back to it or clients refused the next, does not where it is damaged",
        arguments: [true, false]
    )
    func damagedAtRest(isOperator: Bool) throws {
        _ = try keep()
        let known = try store.load(standby.name)
        _ = try keep()
        if isOperator {
            _ = try provider.rollBack(standby, reason: "wrong chain")
        } else {
            try provider.refuse(standby, backTo: known, reason: "wrong chain")
        }
        #expect(provider.need(of: standby, acme, outside()) == nil)
        try scratch.write("certs/\(standby.name)/1/key.pem", "")
        #expect(provider.need(of: standby, acme, outside())?.contains("/1/key.pem") == true)
        var plan = store.plan(of: standby.name)
        plan.hold(acme.directory, until: now + 600)
        store.keep(plan, of: standby.name)
        #expect(provider.need(of: standby, acme, outside()) == nil, "its CA wants to be left alone")
    }

    @Test(
        "an operator who goes back while the CA is asked, or clients that refuse what it is asked about, have the last word",
        arguments: [true, false]
    )
    func overtaken(isOperator: Bool) throws {
        _ = try keep()
        let known = try store.load(standby.name)
        let fresh = try keep()
        let window = #"{ "suggestedWindow": { "start": "2020-01-01T00:00:00Z", "end": "2020-01-02T00:00:00Z" } }"#
        ca.answer(try path(fresh), ScriptedCA.json(window))
        let provider = self.provider
        let asked = InterruptedCA(ca, before: "/renewal/") { [standby] in
            if isOperator {
                _ = try provider.rollBack(standby, reason: "wrong chain")
            } else {
                try provider.refuse(standby, backTo: known, reason: "wrong chain")
            }
        }
        let world = CertificateProvider.Outside(transport: { _ in asked }, publish: {}, tell: { _ in })
        #expect(provider.need(of: standby, acme, world) == nil)
        #expect(try store.currentGeneration(of: standby.name) == 1)
        let plan = store.plan(of: standby.name)
        #expect(plan.next > now + 3_600 && plan.problem.contains("wrong chain"), "\(plan)")
        // What it said was of another one.
        #expect(plan.advice == nil && plan.nextQuestion <= now)
        #expect(provider.need(of: standby, acme, outside()) == nil)
    }

    /// What the CA answers, and after how many seconds it is asked again.
    private static let faults: [(answer: ACMEResponse, pause: ClosedRange<Int64>)] = [
        (ScriptedCA.json("garbage"), 21_600...21_600),
        (ScriptedCA.json(""), 21_600...21_600),
        (ScriptedCA.json("{ \"suggestedWindow\": { \"start\": 1, \"end\": [] } }"), 21_600...21_600),
        // It ends before it begins.
        (
            ScriptedCA.json(
                #"{ "suggestedWindow": { "start": "2020-01-02T00:00:00Z", "end": "2020-01-01T00:00:00Z" } }"#
            ), 21_600...21_600
        ),
        (ScriptedCA.problem("malformed", status: 404), 21_600...21_600),
        (ScriptedCA.problem("serverInternal", status: 500), 21_600...21_600),
        (ScriptedCA.problem("rateLimited", status: 429), 3_600...3_600),
        (ScriptedCA.problem("rateLimited", status: 429, fields: ["retry-after": "1"]), 60...60),
        (ScriptedCA.problem("rateLimited", status: 429, fields: ["retry-after": "9223372036854775807"]), day...day),
        (
            ScriptedCA.problem("busy", status: 503, fields: ["retry-after": "Fri, 31 Dec 9999 23:59:59 GMT"]),
            day...day
        ),
    ]

    @Test("it changes nothing: no order, no CA that is left alone, and another question in time", arguments: 0..<10)
    func faults(number: Int) throws {
        let fault = Self.faults[number]
        let leaf = try keep()
        ca.answer(try path(leaf), fault.answer)
        let before = Int64(Date().timeIntervalSince1970)
        #expect(provider.need(of: standby, acme, outside()) == nil)
        let after = Int64(Date().timeIntervalSince1970)
        #expect(try ca.requests(path(leaf)).count == 1)
        let plan = store.plan(of: standby.name)
        #expect(plan.failures == 0 && plan.held.isEmpty && plan.advice == nil && plan.next == 0)
        #expect((before + fault.pause.lowerBound...after + fault.pause.upperBound).contains(plan.nextQuestion))
        // Not before that.
        #expect(provider.need(of: standby, acme, outside()) == nil)
        #expect(try ca.requests(path(leaf)).count == 1)
        #expect(provider.standbyCause(standby) == nil)
    }

    @Test("what it said before counts on, and a window that has passed is a reason, whatever it says then")
    func earlier() throws {
        let leaf = try keep()
        let window = #"{ "suggestedWindow": { "start": "2020-01-01T00:00:00Z", "end": "2020-01-02T00:00:00Z" } }"#
        ca.answer(
            try path(leaf),
            ScriptedCA.json(window, fields: ["retry-after": "99999999999"]),
            ScriptedCA.json("garbage")
        )
        #expect(provider.need(of: standby, acme, outside()) == "its CA wants it renewed")
        var plan = store.plan(of: standby.name)
        #expect(plan.nextQuestion <= Int64(Date().timeIntervalSince1970) + Self.day)
        plan.askAgain(at: 0)
        store.keep(plan, of: standby.name)
        var said: [String] = []
        #expect(provider.need(of: standby, acme, outside { said.append($0) }) == "its CA wants it renewed")
        #expect(said.count == 1 && said[0].contains("does not say when to renew foobar.com"), "\(said)")
    }

    @Test("one that its CA has wanted back for a while is a reason for its standby to come in, and not before")
    func standbyCause() throws {
        var usual = CertificateSettings(name: "usual", names: [.exact("foobar.com")], issuer: .acme(acme))
        let bundle = try InternalCA(named: "other", now: now).issue(names: ["foobar.com"], now: now)
        try store.save(bundle, as: usual.name, reason: "", now: now)
        func advise(_ start: Int64, _ end: Int64) throws {
            var plan = RenewalPlan()
            plan.succeed(
                .init(fingerprint: bundle.leaf.fingerprint, directory: acme.directory, account: "me"),
                life: 47 * Self.day,
                at: now
            )
            store.keep(plan, of: usual.name)
            let window = #"{ "suggestedWindow": { "start": "\#(UTC.text(start))", "end": "\#(UTC.text(end))" } }"#
            ca.answer(try path(bundle.leaf), ScriptedCA.json(window))
            _ = provider.need(of: usual, acme, outside())
        }
        try advise(now - 2 * Self.day, now - Self.day)
        #expect(provider.standbyCause(usual) == nil, "it has none")
        usual.standby = .internal
        #expect(provider.standbyCause(usual) == "its CA has wanted it replaced since \(UTC.text(now - Self.day))")
        // Its CA still gives it time.
        try advise(now - Self.day, now + Self.day)
        #expect(provider.standbyCause(usual) == nil)
    }

    @Test("a CA that wants to be left alone for ages is left alone for a month")
    func ages() {
        for text in ["9223372036854775807", "3000000", "Fri, 31 Dec 9999 23:59:59 GMT"] {
            let answer = ACMEResponse(status: 429, fields: ["retry-after": text], body: [])
            #expect(answer.retryAfter(now: now) == 30 * Self.day)
        }
        #expect(ACMEResponse(status: 429, fields: ["retry-after": "-5"], body: []).retryAfter(now: now) == 0)
    }
}
