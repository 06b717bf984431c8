import Certificates
import Foundation
import OpenSSL
import Site
import Testing

/// A CA gives a certificate, and this machine cannot take it.
@Suite("An order whose certificate cannot be kept")
struct OrderFaultTests {
    let now = Int64(Date().timeIntervalSince1970)
    let scratch: Scratch
    let ca = ScriptedCA()
    let acme = ACMESettings(directory: ScriptedCA.base + "/dir")
    let settings: CertificateSettings

    init() throws {
        scratch = try Scratch()
        var settings = CertificateSettings(name: "web", names: [.exact("foobar.com")], issuer: .acme(acme))
        // So that the CA of this test knows the key.
        settings.reusesKey = true
        self.settings = settings
        let before = try InternalCA(named: "other.test", now: now).issue(names: ["foobar.com"], now: now)
        try scratch.store.save(before, as: "web", reason: "a test", now: now)
        let other = try InternalCA(named: "ca.test", now: now)
        let chain = try other.issue(names: ["foobar.com"], for: before.key, now: now).chainPEM
        let place = ["location": ScriptedCA.base + "/order/1"]
        ca.openAccounts()
        ca.answer("/order", ScriptedCA.json(ScriptedCA.order("ready"), status: 201, fields: place))
        ca.answer("/finalize", ScriptedCA.json(ScriptedCA.order("valid"), fields: place))
        ca.answer("/order/1", ScriptedCA.json(ScriptedCA.order("valid"), fields: place))
        ca.answer("/certificate", ScriptedCA.json(chain))
    }

    /// - Parameters:
    ///   - act: done before the certificate is given out.
    ///   - wish: what a running gateway asks for.
    func outside(
        _ act: @escaping () throws -> Void = {},
        wish: @escaping (CertificateSettings) -> String? = { _ in nil }
    ) -> CertificateProvider.Outside {
        .init(
            transport: { _ in InterruptedCA(ca, before: "/certificate", act) },
            publish: {},
            tell: { _ in },
            wish: wish
        )
    }

    private func open(_ mode: Int) throws {
        let folder = scratch.store.folder + "/web"
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: folder)
    }

    private func order(_ outside: CertificateProvider.Outside) throws {
        _ = try scratch.provider(at: now).order(settings, acme, reason: "a test", outside)
    }

    @Test("is not made where that is seen before, and counts as a try that failed where it is seen afterwards")
    func counts() throws {
        let provider = scratch.provider(at: now)
        // Others may write there: nothing comes in.
        try open(0o777)
        #expect(throws: CertificateProblem.self) { try order(outside()) }
        #expect(ca.requests.isEmpty)
        var plan = provider.plan(of: settings, acme)
        #expect(plan.failures == 1 && plan.next >= now + 60 && plan.problem.contains("mode 777"), "\(plan)")

        try open(0o700)
        #expect(throws: CertificateProblem.self) { try order(outside { try open(0o777) }) }
        #expect(ca.requests("/order").count == 1)
        plan = provider.plan(of: settings, acme)
        #expect(plan.failures == 2 && plan.next >= now + 600, "\(plan)")
        #expect(provider.need(of: settings, acme, outside()) == nil)
        #expect(ca.requests("/order").count == 1)

        try open(0o700)
        try order(outside())
        #expect(provider.plan(of: settings, acme).failures == 0)
        #expect(try scratch.store.currentGeneration(of: "web") == 2)
    }

    @Test("a try that has begun counts until it has ended, for those who come after a process that died in it")
    func begins() throws {
        let provider = scratch.provider(at: now)
        for number in 1...3 {
            var seen: RenewalPlan?
            // What is on the disk while the CA is asked is what a start would find.
            try order(outside { [settings, acme] in seen = provider.plan(of: settings, acme) })
            let plan = try #require(seen)
            #expect(plan.failures == 1 && plan.next >= now + 60 && plan.problem.contains("has not ended"), "\(plan)")
            let ended = provider.plan(of: settings, acme)
            #expect(ended.failures == 0 && ended.next == 0, "\(number): \(ended)")
        }
    }

    @Test("one that an operator asked for counts when it has failed: nobody begins it anew where its process died")
    func asked() throws {
        let provider = scratch.provider(at: now)
        func rotate(_ outside: CertificateProvider.Outside) throws {
            _ = try provider.order(settings, acme, reason: "a test", isAsked: true, outside)
        }
        var seen: RenewalPlan?
        try rotate(outside { [settings, acme] in seen = provider.plan(of: settings, acme) })
        let plan = try #require(seen)
        #expect(plan.failures == 0 && plan.next == 0, "\(plan)")
        ca.answer("/order", ScriptedCA.problem("malformed"))
        #expect(throws: CertificateProblem.self) { try rotate(outside()) }
        #expect(provider.plan(of: settings, acme).failures == 1)
    }

    @Test("why the first CA gave none is told where another one did")
    func fallback() throws {
        var first = ACMESettings(directory: ScriptedCA.base + "/first")
        first.fallback = [acme]
        var told: [String] = []
        let world = CertificateProvider.Outside(transport: { [ca] _ in ca }, publish: {}, tell: { told.append($0) })
        let made = try scratch.provider(at: now).order(settings, first, reason: "a test", world)
        #expect(try scratch.store.load("web").leaf.der == made.leaf.der)
        let words = told.filter { $0.hasPrefix("\(first.directory) gave none: ") }
        #expect(words.count == 1 && words.allSatisfy { $0.contains("because") }, "\(told)")
        #expect(!told.contains { $0.hasPrefix("\(acme.directory) gave none") }, "\(told)")
    }

    /// Another generation, with the key that the CA of this test knows.
    private func keepAnother() throws {
        let key = try scratch.store.load("web").key
        let bundle = try InternalCA(named: "other.test", now: now).issue(names: ["foobar.com"], for: key, now: now)
        try scratch.store.save(bundle, as: "web", reason: "a test", now: now)
    }

    @Test(
        "an operator who goes back while the CA is asked, or clients that refuse one, have the last word",
        arguments: [true, false]
    )
    func overtaken(isOperator: Bool) throws {
        let provider = scratch.provider(at: now)
        let first = try scratch.store.load("web")
        try keepAnother()
        let overtaking = outside { [settings] in
            if isOperator {
                _ = try provider.rollBack(settings, reason: "wrong chain")
            } else {
                try provider.refuse(settings, backTo: first, reason: "wrong chain")
            }
        }
        do throws(CertificateProblem) {
            _ = try provider.order(settings, acme, reason: "a test", overtaking)
            Issue.record("it came into force")
        } catch {
            guard case .goneBack = error else { throw error }
        }
        #expect(try scratch.store.currentGeneration(of: "web") == 1)
        let plan = provider.plan(of: settings, acme)
        #expect(plan.next > now + 3_600 && plan.problem.contains("wrong chain"), "\(plan)")
        #expect(plan.failures == (isOperator ? 0 : 1))
        #expect(provider.need(of: settings, acme, outside()) == nil)
        // Who asks for another gets what was ordered.
        _ = try provider.order(settings, acme, reason: "a test", isAsked: true, outside())
        #expect(try scratch.store.currentGeneration(of: "web") == 3)
        #expect(ca.requests("/order").count == 1)
        #expect(provider.plan(of: settings, acme).next == 0)
    }

    @Test(
        "a reload while the CA is asked, of a file that asks for something else, keeps out what comes of the order",
        arguments: [true, false]
    )
    func reloaded(isCommand: Bool) throws {
        let provider = scratch.provider(at: now)
        var changed = settings
        changed.issuer = .internal
        var wish = settings.wish
        let wanted = changed.wish
        do throws(CertificateProblem) {
            let reloading = outside({ wish = wanted }, wish: { _ in wish })
            _ = try provider.order(settings, acme, reason: "a test", isAsked: isCommand, reloading)
            Issue.record("it came into force")
        } catch {
            #expect(error == .otherWish(name: "web", ordered: settings.wish, wanted: wanted))
        }
        #expect(try scratch.store.currentGeneration(of: "web") == 1)
        let plan = scratch.provider(at: now).plan(of: changed, acme)
        #expect(plan.failures == 0 && plan.next == 0, "what is asked for now does not wait for that: \(plan)")
        let agreed = outside(wish: { $0.wish })
        _ = try provider.order(settings, acme, reason: "a test", isAsked: isCommand, agreed)
        #expect(try scratch.store.currentGeneration(of: "web") == 2)
        #expect(ca.requests("/order").count == 1)
    }

    @Test("what an operator does after the question whether one is needed counts: it is asked again before it begins")
    func overtakenBefore() throws {
        let provider = scratch.provider(at: now)
        try keepAnother()
        func make(meanwhile act: () throws -> Void) throws -> (made: CertificateBundle?, questions: Int) {
            var questions = 0
            let made = try provider.whereNeeded(settings) { () -> String? in
                questions += 1
                guard questions == 1 else { return provider.need(of: settings, acme, outside()) }
                do { try act() } catch { Issue.record("\(error)") }
                return "it was due before"
            } make: { (reason, footing) throws(CertificateProblem) in
                try provider.order(settings, acme, reason: reason, on: footing, outside())
            }
            return (made, questions)
        }
        let afterRollback = try make { _ = try provider.rollBack(settings, reason: "wrong chain") }
        #expect(afterRollback.made == nil && afterRollback.questions == 2)
        let plan = provider.plan(of: settings, acme)
        #expect(plan.failures == 0 && plan.next > now + 3_600 && plan.problem.contains("wrong chain"), "\(plan)")
        let afterImport = try make { try keepAnother() }
        #expect(afterImport.made == nil && afterImport.questions == 2)
        #expect(ca.requests("/order").isEmpty)
        let undisturbed = try make {}
        #expect(undisturbed.made != nil && undisturbed.questions == 1)
        #expect(ca.requests("/order").count == 1)
    }

    @Test("a try that fails after an operator went back does not end the rest that he wants")
    func failsAfterRollback() throws {
        let provider = scratch.provider(at: now)
        try keepAnother()
        ca.answer("/certificate", ScriptedCA.problem("malformed", status: 404))
        let overtaking = outside { [settings] in _ = try provider.rollBack(settings, reason: "wrong chain") }
        #expect(throws: CertificateProblem.self) { try order(overtaking) }
        let plan = provider.plan(of: settings, acme)
        #expect(plan.failures == 0 && plan.next > now + 3_600 && plan.problem.contains("wrong chain"), "\(plan)")
        #expect(try scratch.store.currentGeneration(of: "web") == 1)
    }

    @Test("a name that the site file has since then is an operator's wish: no hurry, however soon, and tried at once")
    func meant() throws {
        for _ in 0..<2 { _ = try scratch.provider(at: now).order(settings, acme, reason: "due", outside()) }
        #expect(scratch.provider(at: now).plan(of: settings, acme).hurries == 1)
        let names: [HostPattern] = [.exact("foobar.com"), .exact("www.foobar.com")]
        var wider = CertificateSettings(name: "web", names: names, issuer: .acme(acme))
        wider.reusesKey = true
        let provider = scratch.provider(at: now)
        let key = try scratch.store.load("web").key
        let texts = names.map { "\($0)" }
        let both = try InternalCA(named: "ca.test", now: now).issue(names: texts, for: key, now: now)
        ca.answer("/certificate", ScriptedCA.json(both.chainPEM))
        _ = try provider.order(wider, acme, reason: "names", outside())
        #expect(provider.plan(of: wider, acme).hurries == 0)
    }

    @Test("one is not replaced early whose chain was about to end")
    func shortChain() throws {
        let (day, start) = (Int64(86_400), now - 4 * 86_400)
        func issue(
            _ role: CertificateTemplate.Role,
            _ name: String,
            days: Int64,
            for key: PrivateKey? = nil,
            by authority: Certificate.Authority?
        ) throws -> Certificate.Authority {
            let key = try key ?? PrivateKey.generate(.ecdsaP256)
            var template = CertificateTemplate(role: role, notBefore: start, notAfter: start + days * day)
            if authority == nil || days < 10 { template.commonName = name } else { template.names = [name] }
            return .init(certificate: try Certificate.issue(template, for: key, by: authority), key: key)
        }
        let key = try scratch.store.load("web").key
        let middle = try issue(.intermediate, "ends", days: 6, by: issue(.root, "Root", days: 90, by: nil))
        let leaf = try issue(.server, "foobar.com", days: 47, for: key, by: middle)
        let before = try CertificateBundle(chain: [leaf.certificate, middle.certificate], key: key)
        try scratch.store.save(before, as: "web", reason: "a test", now: now)
        var plan = RenewalPlan()
        let origin = RenewalPlan.Origin(
            fingerprint: before.leaf.fingerprint,
            directory: acme.directory,
            account: ""
        )
        plan.succeed(origin, life: 47 * day, at: start)
        scratch.store.keep(plan, of: "web")
        try order(outside())
        #expect(scratch.provider(at: now).plan(of: settings, acme).hurries == 0)
    }

    @Test("`replaces` goes to the CA and the account that gave what is replaced, and to no others")
    func replaces() throws {
        let leaf = try #require(try scratch.store.loadChain("web").first)
        for (directory, account, isTold) in [
            (acme.directory, ScriptedCA.base + "/me", true), ("https://other.test/dir", ScriptedCA.base + "/me", false),
            (acme.directory, ScriptedCA.base + "/another", false),
        ] {
            var plan = RenewalPlan()
            let current = try #require(try scratch.store.loadChain("web").first)
            let origin = RenewalPlan.Origin(fingerprint: current.fingerprint, directory: directory, account: account)
            plan.succeed(origin, life: 1, at: now - 10)
            scratch.store.keep(plan, of: "web")
            try order(outside())
            let told = ca.requests("/order").last?.payload?["replaces"]?.text
            #expect(told == (isTold ? RenewalInformation.identifier(of: current) : nil), "\(directory) \(account)")
        }
        #expect(try scratch.store.loadChain("web").first?.der != leaf.der)
    }

    @Test("a CA that is too busy is asked for no other certificate either; one that limits some names is")
    func holds() throws {
        var other = settings
        other.name = "other"
        func order(_ settings: CertificateSettings) throws {
            _ = try scratch.provider(at: now).order(settings, acme, reason: "a test", outside())
        }
        let pause = ["retry-after": "3600"]
        ca.answer("/order", ScriptedCA.problem("rateLimited", status: 429, fields: pause))
        #expect(throws: CertificateProblem.self) { try order(settings) }
        #expect(throws: CertificateProblem.self) { try order(other) }
        #expect(ca.requests("/order").count == 2)

        var third = settings
        third.name = "third"
        ca.answer("/order", ScriptedCA.problem("busy", status: 503, fields: pause))
        #expect(throws: CertificateProblem.self) { try order(third) }
        let asked = ca.requests.count
        var fourth = settings
        fourth.name = "fourth"
        #expect(throws: CertificateProblem.self) { try order(fourth) }
        #expect(ca.requests.count == asked)
        let plan = scratch.provider(at: now).plan(of: fourth, acme)
        // Nobody was asked, so that no try has failed.
        #expect(plan.failures == 0 && plan.next >= now + 3500 && plan.held[acme.directory] != nil, "\(plan)")
    }

    @Test("a CA that wants a month is left alone for a day, or a quarter of what is left of the certificate")
    func longHolds() throws {
        func held(_ settings: CertificateSettings) throws -> Int64 {
            #expect(throws: CertificateProblem.self) {
                try scratch.provider(at: now).order(settings, acme, reason: "a test", outside())
            }
            return try #require(scratch.provider(at: now).plan(of: settings, acme).held[acme.directory]) - now
        }
        let (month, day) = (["retry-after": "2592000"], Int64(86_400))
        ca.answer("/order", ScriptedCA.problem("rateLimited", status: 429, fields: month))
        let end = try #require(try scratch.store.loadChain("web").first?.validity.upperBound)
        #expect(abs(try held(settings) - (end - now) / 4) < 60)
        var other = settings
        other.name = "other"
        #expect(abs(try held(other) - day) < 60, "there is none of it yet")
        var third = settings
        third.name = "third"
        ca.answer("/order", ScriptedCA.problem("busy", status: 503, fields: month))
        #expect(abs(try held(third) - day) < 60)
    }

    @Test("answers that an order left which was broken off go with the next, a day later")
    func leftovers() throws {
        let answers = GatewayChallenge(.http, in: scratch.store, publish: {})
        for token in ["older", "younger", "fresh"] {
            try answers.present(ACMEChallenge(name: "foobar.com", token: token, keyAuthorization: "\(token).key"))
            let age: Double = token == "older" ? 90_000 : token == "younger" ? 3_600 : 0
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSinceNow: -age)],
                ofItemAtPath: "\(scratch.store.challengeFolder)/\(token)"
            )
        }
        #expect(Set(scratch.store.challenges().http.keys) == ["younger", "fresh"])
    }

    @Test("another mail address is told to the CA with the next order, until it takes it, and keeps no certificate")
    func contact() throws {
        func order(_ contact: [String]) throws {
            var server = acme
            server.contact = contact
            _ = try scratch.provider(at: now).order(settings, server, reason: "a test", outside())
        }
        for _ in 0..<2 { try order(["a@b.test"]) }
        #expect(ca.requests("/me").isEmpty && ca.requests("/account").count == 1)
        ca.answer("/me", ScriptedCA.problem("invalidContact"), ScriptedCA.json("{}"))
        for _ in 0..<3 { try order(["c@b.test", "d@b.test"]) }
        try order([])
        let told = ca.requests("/me").map { $0.payload?["contact"]?.items.compactMap(\.text) ?? [] }
        #expect(told == Array(repeating: ["mailto:c@b.test", "mailto:d@b.test"], count: 2))
        #expect(try scratch.store.currentGeneration(of: "web") == 7)
    }

    @Test("a certificate is kept though the account's URL cannot be")
    func account() throws {
        try order(
            outside {
                // A folder is in the way of the file.
                let accounts = scratch.store.folder + "/acme-accounts"
                let one = try #require(FileManager.default.contentsOfDirectory(atPath: accounts).first)
                try FileManager.default.createDirectory(
                    atPath: "\(accounts)/\(one)/account",
                    withIntermediateDirectories: false
                )
            }
        )
        #expect(try scratch.store.currentGeneration(of: "web") == 2)
    }
}
