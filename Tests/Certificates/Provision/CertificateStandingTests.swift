import Certificates
import Foundation
import OpenSSL
import Site
import Testing

@Suite("How a certificate stands")
struct CertificateStandingTests {
    private let now = Int64(Date().timeIntervalSince1970)
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func files(_ bundle: CertificateBundle) throws -> CertificateSettings {
        let files = CertificateFiles(
            certificate: try scratch.write("live.crt", bundle.chainPEM),
            key: try scratch.write("live.key", bundle.keyPEM)
        )
        return CertificateSettings(name: "live", names: [.exact("foobar.com")], issuer: .files([files]))
    }

    @Test("files that nobody replaces are warned of in time, and looked at again for that")
    func lateFiles() throws {
        let life: Int64 = 90 * 86_400
        let ca = try InternalCA(named: "foobar.com", now: now)
        let bundle = try ca.issue(names: ["foobar.com"], lifetime: life, now: now)
        let settings = try files(bundle)
        // Half of the third of its life in which it is usually replaced.
        let overdue = bundle.leaf.validity.upperBound - bundle.leaf.renewalSchedule.lifetime / 3 / 2
        let early = scratch.provider(at: overdue - 60)
        #expect(early.standing(settings).warnings.isEmpty && !early.standing(settings).isWanting(at: overdue - 60))
        #expect(try early.provide(settings).renewal == overdue)
        let late = scratch.provider(at: overdue + 60)
        let standing = late.standing(settings)
        #expect(standing.faults.isEmpty && standing.isWanting(at: overdue + 60))
        #expect(standing.warnings.first?.contains("nobody has replaced its files") == true, "\(standing.warnings)")
        let provided = try late.provide(settings)
        #expect(provided.renewal == nil && provided.warnings.first?.hasPrefix("certificate live: it ends at") == true)
        #expect(try late.inspect(settings) == provided.warnings)
    }

    @Test("tries that failed before the site file named files are none of theirs")
    func triesOfBefore() throws {
        let settings = try files(try InternalCA(named: "foobar.com", now: now).issue(names: ["foobar.com"], now: now))
        var plan = RenewalPlan()
        plan.fail("refused", wishing: "what the site file asked for before", at: now)
        scratch.store.keep(plan, of: "live")
        #expect(scratch.provider(at: now).standing(settings).failures == 0)
    }

    @Test("one of a CA that wants each replaced at once is warned of, as long as that is not followed again")
    func hurried() throws {
        let bundle = try InternalCA(named: "other", now: now).issue(names: ["foobar.com"], now: now)
        try scratch.store.save(bundle, as: "live", .imported, reason: "a test", now: now)
        let acme = ACMESettings(directory: "https://ca.test/dir")
        let settings = CertificateSettings(name: "live", names: [.exact("foobar.com")], issuer: .acme(acme))
        let origin = RenewalPlan.Origin(
            fingerprint: bundle.leaf.fingerprint,
            directory: acme.directory,
            account: ""
        )
        var plan = RenewalPlan()
        for seconds: Int64 in [3, 2] { plan.succeed(origin, life: 90 * 86_400, at: now - seconds) }
        scratch.store.keep(plan, of: "live")
        #expect(scratch.provider(at: now).standing(settings).warnings.isEmpty, "once")
        for seconds: Int64 in [1, 0] { plan.succeed(origin, life: 90 * 86_400, at: now - seconds) }
        scratch.store.keep(plan, of: "live")
        let standing = scratch.provider(at: now).standing(settings)
        #expect(standing.faults.isEmpty && standing.isWanting(at: now), "\(standing)")
        #expect(standing.warnings.contains { $0.hasPrefix("REPLACED EARLY, 3 in a row") }, "\(standing)")
        let later = plan.patience + 1
        #expect(scratch.provider(at: later).standing(settings).warnings.isEmpty)
    }

    @Test("a chain that ends before its certificate counts, and is warned of")
    func shortChain() throws {
        let ca = try InternalCA(named: "foobar.com", now: now - 1800 * 86_400)
        let settings = try files(try ca.issue(names: ["foobar.com"], lifetime: 20 * 86_400, now: now))
        let standing = scratch.provider(at: now).standing(settings)
        // What the internal CA issues ends with its intermediate.
        #expect(standing.ends == standing.leaves.map(\.validity.upperBound) && standing.warnings.isEmpty)
        let odd = try RealTools.chainEndingEarly(in: scratch)
        // It is made now, and valid from then on.
        let now = Int64(Date().timeIntervalSince1970)
        let found = scratch.provider(at: now).standing(
            CertificateSettings(name: "odd", names: [.exact("foobar.com")], issuer: .files([odd]))
        )
        #expect(found.faults.isEmpty, "\(found.faults)")
        #expect(found.ends[0] < now + 3 * 86_400 && found.leaves[0].validity.upperBound > now + 80 * 86_400)
        let words = found.warnings.joined()
        #expect(words.contains("its chain ends at") && words.contains("CN=short"), "\(words)")
    }

    @Test("one of an ACME server is due before its chain ends, and a day after one that came with the same chain")
    func shortChainOfServer() throws {
        let odd = try RealTools.chainEndingEarly(in: scratch)
        let bundle = try CertificateSource.load(certificate: odd.certificate, key: odd.key)
        let now = Int64(Date().timeIntervalSince1970)
        try scratch.store.save(bundle, as: "odd", .imported, reason: "a test", now: now)
        let acme = ACMESettings(directory: "https://ca.test/dir")
        let settings = CertificateSettings(name: "odd", names: [.exact("foobar.com")], issuer: .acme(acme))
        func standing(at moment: Int64) -> CertificateStanding { scratch.provider(at: moment).standing(settings) }
        // Two days: half of them, as of any life below ten.
        let (day, end) = (Int64(86_400), bundle.end)
        #expect(end < bundle.leaf.validity.upperBound)
        let due = try #require(standing(at: now).due)
        #expect((end - day...end - day + 2 * day / 50 + 60).contains(due), "\(due), \(end)")
        // At once, after 1, 10 and 100 minutes, and then when a quarter of what is left is over, an hour at least.
        #expect(standing(at: now).runway(at: now) == 13)
        #expect(standing(at: now).warnings.isEmpty && standing(at: now).faults.isEmpty)
        let late = standing(at: end - 3_600)
        #expect(late.warnings.first?.contains("its chain ends at") == true && late.runway(at: end - 3_600) == 3)
        var plan = RenewalPlan()
        let origin = RenewalPlan.Origin(
            fingerprint: bundle.leaf.fingerprint,
            directory: acme.directory,
            account: ""
        )
        plan.succeed(origin, life: 90 * day, at: now - 3 * day)
        scratch.store.keep(plan, of: "odd")
        #expect(standing(at: now).due == due)
        plan.succeed(origin, life: 3 * day, at: due - 100)
        scratch.store.keep(plan, of: "odd")
        #expect(standing(at: due).due == due - 100 + day)
    }

    @Test("one that was never issued has a next try, and the reason for the audit log is no advice")
    func missing() throws {
        let settings = CertificateSettings(name: "site", names: [.exact("foobar.com")], issuer: .internal)
        let standing = scratch.provider(at: now).standing(settings)
        #expect(standing.due == 0 && standing.cause == "there was none in the store" && !standing.isDenied)
        #expect(standing.faults.first?.contains("run `gatehouse certs issue site`") == true)
    }

    @Test("a try at which nobody is asked, since the CA wants to be left alone, is none")
    func leftAlone() throws {
        let outside = CertificateProvider.Outside(
            transport: { _ in ScriptedCA() },
            publish: { () throws(ACMEProblem) in },
            tell: { _ in }
        )
        let now = Int64(Date().timeIntervalSince1970)
        let acme = ACMESettings(directory: "https://ca.test/dir")
        let settings = CertificateSettings(name: "web", names: [.exact("foobar.com")], issuer: .acme(acme))
        let provider = scratch.provider(at: now)
        func order() throws -> RenewalPlan {
            #expect(throws: CertificateProblem.self) { try provider.order(settings, acme, reason: "a test", outside) }
            return scratch.store.plan(of: "web")
        }
        var plan = RenewalPlan()
        plan.fail("too many", wishing: settings.wish, pause: 300, at: now)
        plan.hold(acme.directory, until: now + 300)
        scratch.store.keep(plan, of: "web")
        for _ in 1...4 {
            let plan = try order()
            #expect(plan.failures == 1 && (now + 295...now + 305).contains(plan.next), "\(plan)")
            #expect(plan.problem.contains("left alone"), "\(plan)")
        }
        // One that is asked counts.
        scratch.store.keep(RenewalPlan(), of: "web")
        #expect(try order().failures == 1)
    }

    @Test("what another CA issued than the site file names now is at fault, and replaced; a standby is not")
    func anotherIssuer() throws {
        let outside = CertificateProvider.Outside(
            transport: { _ in ScriptedCA() },
            publish: { () throws(ACMEProblem) in },
            tell: { _ in }
        )
        let (staging, production) = ("https://staging.test/dir", "https://production.test/dir")
        let provider = scratch.provider(at: now)
        var settings = CertificateSettings(name: "web", names: [.exact("foobar.com")], issuer: .internal)
        func need(_ directory: String) -> String? {
            let acme = ACMESettings(directory: directory)
            settings.issuer = .acme(acme)
            return provider.need(of: settings, acme, outside)
        }
        func came(from directory: String) throws {
            let leaf = try #require(try scratch.store.loadChain("web").first)
            var plan = RenewalPlan()
            let origin = RenewalPlan.Origin(fingerprint: leaf.fingerprint, directory: directory, account: "")
            plan.succeed(origin, life: 1, at: now)
            // The CA is not asked for advice in this test.
            plan.askAgain(at: now + 86_400)
            scratch.store.keep(plan, of: "web")
        }
        _ = try provider.provide(settings)
        #expect(need(staging) == "the internal CA issued it, and the site file names \(staging) by now")
        #expect(try provider.provide(settings).warnings.joined().contains("of the internal CA, which browsers refuse"))
        // One that came in as its standby is good as long as that is what it is.
        settings.standby = .internal
        try came(from: "standby-by-hand")
        #expect(need(staging) == nil && provider.standing(settings).faults.isEmpty)
        // Of an older version's nobody knows whether it came in by itself.
        try came(from: "standby")
        #expect(need(staging)?.contains("\(staging) is asked on") == true)
        #expect(provider.standing(settings).faults.count == 1)
        settings.standby = nil
        #expect(need(staging) != nil)

        // One of an ACME server.
        let alien = try InternalCA(named: "ca.test", now: now).issue(names: ["foobar.com"], now: now)
        try provider.take(alien, as: settings, from: "a test")
        #expect(need(staging) == nil, "one that was imported may be anybody's")
        try came(from: staging)
        #expect(need(staging) == nil)
        #expect(need(production) == "\(staging) issued it, and the site file names \(production) by now")
    }

    @Test("what was gone back to is held against the site file: CA, chain, profile, key; a changed file ends the pause")
    func goneBackTo() throws {
        let outside = CertificateProvider.Outside(
            transport: { _ in ScriptedCA() },
            publish: { () throws(ACMEProblem) in },
            tell: { _ in }
        )
        let provider = scratch.provider(at: now)
        var old = ACMESettings(directory: "https://old.test/dir")
        let new = ACMESettings(directory: "https://new.test/dir")
        var settings = CertificateSettings(name: "web", names: [.exact("foobar.com")], issuer: .acme(new))
        func came(from acme: ACMESettings) throws {
            let bundle = try InternalCA(named: "ca.test", now: now).issue(names: ["foobar.com"], now: now)
            try scratch.store.save(bundle, as: "web", reason: "a test", now: now)
            var plan = scratch.store.plan(of: "web")
            plan.succeed(
                .init(
                    fingerprint: bundle.leaf.fingerprint,
                    directory: acme.directory,
                    account: "me",
                    chain: "",
                    profile: ""
                ),
                life: 1,
                at: now
            )
            scratch.store.keep(plan, of: "web")
        }
        func need(_ acme: ACMESettings) -> String? {
            settings.issuer = .acme(acme)
            return provider.need(of: settings, acme, outside)
        }
        try came(from: old)
        try came(from: new)
        #expect(need(new) == nil)
        _ = try provider.rollBack(settings, reason: "a test")
        let fault = "\(old.directory) issued it, and the site file names \(new.directory) by now"
        let standing = provider.standing(settings)
        #expect(standing.directory == old.directory && standing.faults == [fault], "\(standing)")
        #expect(try provider.inspect(settings).first?.contains(fault) == true)
        #expect(need(new) == nil, "it stays for a day")
        #expect(need(old) == nil && provider.standing(settings).faults.isEmpty)
        #expect(need(new) == fault, "that is another wish by now")

        settings.key = .ecdsaP384
        let otherKey = "it has another kind of key than ecdsa-p384, as the site file has it"
        #expect(need(old) == otherKey)
        // It is no reason for a standby to come in.
        settings.standby = .acme(new)
        #expect(provider.standbyCause(settings) == nil)
        settings.standby = nil
        settings.reusesKey = true
        #expect(need(old) == nil)
        (settings.reusesKey, settings.key) = (false, .ecdsaP256)
        let plain = old
        old.chain = "Another Root"
        #expect(need(old) == "it has another chain than the one below Another Root, as the site file has it")
        (old.chain, old.profile) = (nil, "short")
        #expect(need(old) == "it has another profile than short, as the site file has it")

        // What clients refused is not made again for a day, but what is another one is.
        #expect(need(plain) == nil)
        let known = try scratch.store.load("web")
        try came(from: plain)
        try provider.refuse(settings, backTo: known, reason: "clients refused it")
        #expect(need(plain) == nil && scratch.store.plan(of: "web").next > now)
        settings.key = .ecdsaP384
        #expect(need(plain) == otherKey)
    }

    @Test("with fewer than three tries left before its end it wants a person, with more it does not")
    func runway() throws {
        let settings = CertificateSettings(name: "web", names: [.exact("foobar.com")], issuer: .internal)
        let ca = try InternalCA.loadOrCreate(in: scratch.store, named: "foobar.com", now: now)
        try scratch.store.save(try ca.issue(names: ["foobar.com"], now: now), as: "web", reason: "test", now: now)
        let end = try #require(try scratch.store.loadChain("web").first?.validity.upperBound)
        // Tries come 1, 10 and 100 minutes after one another.
        for (left, tries) in [(Int64(30), 1), (300, 2), (3_000, 3), (8_000, 4)] {
            let standing = scratch.provider(at: end - left).standing(settings)
            #expect(standing.runway(at: end - left) == tries, "\(left)")
            #expect(standing.isWanting(at: end - left) == (tries < 3), "\(left)")
        }
    }

    @Test("one that lives a day wants a person when tries fail yet in the second half of the time for them")
    func lateTries() throws {
        let settings = CertificateSettings(name: "web", names: [.exact("foobar.com")], issuer: .internal)
        let ca = try InternalCA.loadOrCreate(in: scratch.store, named: "foobar.com", now: now)
        let bundle = try ca.issue(names: ["foobar.com"], lifetime: 86_400, now: now)
        try scratch.store.save(bundle, as: "web", reason: "test", now: now)
        var plan = RenewalPlan()
        let end = bundle.leaf.validity.upperBound
        for failures in 0...1 {
            for (left, isLate) in [(Int64(25_000), false), (15_000, true)] {
                let standing = scratch.provider(at: end - left).standing(settings)
                #expect(standing.failures == failures && standing.runway(at: end - left) ?? 0 >= 3, "\(left)")
                #expect(standing.isWanting(at: end - left) == (isLate && failures > 0), "\(standing)")
            }
            plan.fail("busy", at: now)
            scratch.store.keep(plan, of: "web")
        }
    }

    @Test("a damaged pointer is told of with its path, and not as if nothing was there")
    func pointer() throws {
        let settings = CertificateSettings(name: "web", names: [.exact("foobar.com")], issuer: .internal)
        let provider = scratch.provider(at: now)
        _ = try provider.provide(settings)
        _ = try provider.issue(settings, reason: "a test")
        for text in ["x", "", "../../../../etc"] {
            try scratch.write("certs/web/current", text, mode: 0o644)
            let fault = try #require(provider.standing(settings).faults.first)
            #expect(fault.contains("certs/web/current: it names no generation, of which there are 1, 2"), "\(fault)")
        }
        try FileManager.default.removeItem(atPath: scratch.path + "/certs/web/current")
        #expect(provider.standing(settings).faults.first?.contains("there is no certificate web") == true)
    }

    @Test("what is imported and is of no use is told of with its file")
    func imports() throws {
        let acme = ACMESettings(directory: "https://ca.test/dir")
        let settings = CertificateSettings(name: "web", names: [.exact("foobar.com")], issuer: .acme(acme))
        let old = now - 400 * 86_400
        let bundle = try InternalCA(named: "ca.test", now: old).issue(names: ["foobar.com"], now: old)
        do throws(CertificateProblem) {
            try scratch.provider(at: now).take(bundle, as: settings, from: "/tmp/live")
            Issue.record("it is taken")
        } catch {
            #expect("\(error)".hasPrefix("/tmp/live: ") && "\(error)".contains("expired"), "\(error)")
        }
    }

    @Test("a name beyond what the intermediate may certify is told of while the root's key is away")
    func constrained() throws {
        let provider = scratch.provider(at: now)
        let settings = CertificateSettings(name: "web", names: [.exact("foobar.com")], issuer: .internal)
        _ = try provider.provide(settings)
        var other = CertificateSettings(name: "other", names: [.exact("elsewhere.test")], issuer: .internal)
        #expect(try provider.inspect(other).isEmpty)
        try InternalCA.detachRoot(from: scratch.store, now: now) { _ in }
        #expect(throws: CertificateProblem.self) { try provider.inspect(other) }
        // What is there is served on.
        other.name = "web"
        #expect(try provider.inspect(other).first?.contains("elsewhere.test") == true)
        #expect(try provider.inspect(settings).isEmpty)
    }

    @Test("what only a store has cannot be done to files")
    func commands() throws {
        let settings = try files(try InternalCA(named: "foobar.com", now: now).issue(names: ["foobar.com"], now: now))
        let provider = scratch.provider(at: now)
        let problem = CertificateProblem.ofFiles(name: "live")
        #expect(throws: problem) { try provider.rollBack(settings, reason: "test") }
        #expect(throws: problem) { try provider.retire(settings, reason: "test") }
        #expect(throws: problem) { try provider.export(settings, to: scratch.path + "/out") }
        #expect(problem.exitStatus == 2)
    }
}

extension RealTools {
    /// A certificate of 90 days by an intermediate that has two left.
    fileprivate static func chainEndingEarly(in scratch: Scratch) throws -> CertificateFiles {
        let script = """
            set -e; cd \(scratch.path)
            key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"; chmod 600 "$1"; }
            key root.key; key ca.key; key odd.key
            openssl req -x509 -key root.key -subj /CN=root -days 30 -out root.pem
            openssl req -new -key ca.key -subj /CN=short -out request
            echo basicConstraints=critical,CA:TRUE > extensions
            openssl x509 -req -in request -CA root.pem -CAkey root.key -days 2 -extfile extensions -out ca.pem
            openssl req -new -key odd.key -subj /CN=foobar.com -out request
            echo subjectAltName=DNS:foobar.com > extensions
            openssl x509 -req -in request -CA ca.pem -CAkey ca.key -days 90 -extfile extensions -out leaf.pem
            cat leaf.pem ca.pem > odd.crt
            """
        _ = try run("sh", "-c", script)
        return CertificateFiles(certificate: scratch.path + "/odd.crt", key: scratch.path + "/odd.key")
    }
}
