import Certificates
import Foundation
import OpenSSL
import Site
import Testing

@Suite("A standby, and what clients refused")
struct StandbyTests {
    private let now = Int64(Date().timeIntervalSince1970)
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private var store: CertificateStore { scratch.store }

    private func provider(at moment: Int64? = nil) -> CertificateProvider { scratch.provider(at: moment ?? now) }

    private func settings(
        _ issuer: CertificateSettings.Issuer = .internal,
        standby: CertificateSettings.Issuer? = nil
    ) -> CertificateSettings {
        var settings = CertificateSettings(name: "site", names: [.exact("foobar.com")], issuer: issuer)
        settings.standby = standby
        return settings
    }

    private let acme = CertificateSettings.Issuer.acme(ACMESettings(directory: "https://ca.test/directory"))

    /// A pair of files of another CA.
    private func files(_ name: String = "other", lifetime: Int64 = InternalCA.leafLifetime) throws -> CertificateFiles {
        let bundle = try InternalCA(named: "other", now: now).issue(names: ["foobar.com"], lifetime: lifetime, now: now)
        return CertificateFiles(
            certificate: try scratch.write("\(name).crt", bundle.chainPEM),
            key: try scratch.write("\(name).key", bundle.keyPEM)
        )
    }

    private func provide(
        _ settings: CertificateSettings,
        at moment: Int64? = nil,
        isServed: Bool = false
    ) throws -> CertificateProvider.Provided {
        let provider = provider(at: moment)
        let found = Result { () throws(CertificateProblem) in try provider.find(settings) }
        let served = isServed ? [try InternalCA(named: "other", now: now).issue(names: ["foobar.com"], now: now)] : []
        return try provider.provide(settings, found: found, served: served, isStart: !isServed)
    }

    @Test("the internal CA keeps one ready, and renews it; by hand it takes the other's place, and another is made")
    func byHand() throws {
        let pair = try files()
        let settings = settings(acme, standby: .internal)
        let bought = try CertificateSource.load(certificate: pair.certificate, key: pair.key)
        try provider().take(bought, as: settings, from: "")
        let usual = try provide(settings)
        #expect(usual.warnings.isEmpty && usual.notes.count == 1, "\(usual.warnings)")
        let ready = try store.load("site.standby")
        #expect(ready.names == ["foobar.com"] && usual.bundles[0].leaf.der != ready.leaf.der)
        #expect(usual.renewal == ready.leaf.renewalSchedule.due)
        let later = try provide(settings, at: ready.leaf.renewalSchedule.due)
        #expect(try store.load("site.standby").leaf.der != ready.leaf.der)
        #expect(later.bundles[0].leaf.der == usual.bundles[0].leaf.der)

        let standby = try store.load("site.standby")
        let due = ready.leaf.renewalSchedule.due
        let used = try provider(at: due).useStandby(settings, reason: "the CA is gone", isAsked: true)
        #expect(used.leaf.der == standby.leaf.der)
        #expect(try store.currentGeneration(of: "site") == 2 && !store.contains("site.standby"))
        #expect(try provider().audit.verify().entries.last?.event.kind == .standbyUsed)
        let after = try provide(settings, at: due)
        #expect(after.isEmergency && after.bundles[0].leaf.der == standby.leaf.der)
        #expect(try store.load("site.standby").leaf.der != standby.leaf.der, "its key is in use")
        let plan = store.plan(of: "site")
        #expect(plan.failures == 0 && plan.origin?.fingerprint == standby.leaf.fingerprint)
        #expect(try provider(at: due).rollBack(settings, reason: "").leaf.der == usual.bundles[0].leaf.der)
    }

    @Test("the one that follows what an operator has put to use is no early one; what came in by itself counts")
    func spent() throws {
        let settings = settings(standby: acme)
        let origin = RenewalPlan.Origin(fingerprint: "00", directory: "https://ca.test/directory", account: "")
        for (isAsked, hurries) in [(true, 0), (false, 1)] {
            _ = try provide(settings)
            let pair = try files()
            let ready = try CertificateSource.load(certificate: pair.certificate, key: pair.key)
            try store.save(ready, as: "site.standby", reason: "a test", now: now)
            var plan = RenewalPlan()
            plan.succeed(origin, life: 90 * 86_400, at: now)
            store.keep(plan, of: "site.standby")
            _ = try provider().useStandby(settings, reason: "a test", isAsked: isAsked)
            var next = store.plan(of: "site.standby")
            #expect(next.origin == origin)
            next.succeed(origin, life: 90 * 86_400, at: now + 60)
            #expect(next.hurries == hurries)
        }
    }

    @Test("of the internal CA's a standby of another one stays in its place until it is due")
    func foreign() throws {
        let pair = try files()
        let settings = settings(standby: .files([pair]))
        let first = try provide(settings).bundles[0]
        _ = try provider().useStandby(settings, reason: "a test")
        let used = try provide(settings)
        #expect(used.bundles[0].leaf.der != first.leaf.der && used.isEmergency)
        #expect(provider().standing(settings).faults.isEmpty)
        let due = try #require(used.renewal)
        #expect(try provide(settings, at: due).notes.count == 1)
        #expect(try !provide(settings, at: due).isEmergency)
    }

    @Test("a program is told of the files that hold what is in force: the standby's when that is, and no others")
    func deployed() throws {
        let (gateway, told) = (GatewayIdentity(socket: "/run/gatehouse/one.sock"), scratch.path + "/told")
        let pair = try files()
        var settings = settings(.files([pair]), standby: .internal)
        settings.deploy = DeploySettings()
        settings.deploy?.command = ["/bin/sh", "-c", "echo \"$2 $3\" >'\(told)'", "sh"]
        let usual = try provide(settings).bundles[0].leaf.fingerprint
        let standby = try store.load("site.standby").leaf.fingerprint
        #expect(try provider().deploy(settings, showing: { [usual] }, at: gateway))
        #expect(try String(contentsOfFile: told, encoding: .utf8) == "\(pair.certificate) \(pair.key)\n")
        #expect(!provider().owesDeployment(settings, showing: [usual], at: gateway))
        #expect(provider().owesDeployment(settings, showing: [standby], at: gateway))
        #expect(try provider().deploy(settings, showing: { [standby] }, at: gateway))
        let folder = store.folder + "/site.standby/1"
        #expect(try String(contentsOfFile: told, encoding: .utf8) == "\(folder)/fullchain.pem \(folder)/key.pem\n")
        #expect(!provider().owesDeployment(settings, showing: [standby], at: gateway))
        // Others are there, and clients are shown what was there before.
        _ = try files()
        #expect(!provider().owesDeployment(settings, showing: [usual], at: gateway))
        #expect(try !provider().deploy(settings, showing: { [usual] }, at: gateway))
        #expect(try String(contentsOfFile: told, encoding: .utf8).hasPrefix(folder))
    }

    @Test("it comes in by itself at the end of the usual one, and where that cannot be read at the start")
    func byItself() throws {
        let pair = try files(lifetime: 86_400)
        let settings = settings(.files([pair]), standby: .internal)
        let usual = try provide(settings)
        let end = usual.bundles[0].leaf.validity.upperBound + 1
        #expect(usual.renewal == usual.bundles[0].leaf.renewalSchedule.overdue)
        #expect(try provide(settings, at: end - 2).renewal == end)
        let replaced = try provide(settings, at: end)
        #expect(replaced.bundles[0].leaf.issuer.contains("foobar.com"), "\(replaced.bundles[0].leaf.issuer)")
        #expect(replaced.warnings.contains { $0.contains("ITS STANDBY IS SERVED") }, "\(replaced.warnings)")

        try scratch.write("other.key", "garbage")
        #expect(throws: CertificateProblem.self, "a good one is served") { try provide(settings, isServed: true) }
        let instead = try provide(settings)
        #expect(instead.bundles[0].leaf.issuer.contains("foobar.com") && instead.isEmergency)
        #expect(throws: CertificateProblem.standbyOfFiles(name: "site")) {
            try provider().useStandby(settings, reason: "")
        }
    }

    @Test("of one that is ended itself, or not there, the fault is said, and nothing replaced")
    func useless() throws {
        let settings = settings(standby: acme)
        _ = try provide(settings)
        #expect {
            try provider().useStandby(settings, reason: "")
        } throws: { "\($0)".contains("its standby is of no use") }
        #expect(throws: CertificateProblem.noStandby(name: "site")) {
            try provider().useStandby(self.settings(), reason: "")
        }
        #expect(try store.currentGeneration(of: "site") == 1)
        #expect(provider().standbyCause(settings) == nil)
    }

    @Test("before the first one is there, a standby that browsers refuse stays where it is: the CA is asked on")
    func beforeTheFirst() throws {
        let settings = settings(acme, standby: .internal)
        let first = try provide(settings)
        #expect(first.isStandIn && first.warnings.contains { $0.contains("stands in") }, "\(first.warnings)")
        #expect(try store.contains("site.standby"))
        var plan = store.plan(of: "site")
        plan.fail("the CA is busy", at: now)
        store.keep(plan, of: "site")
        #expect(provider().standbyCause(settings) == nil)
        let standing = provider().standing(settings)
        #expect(!standing.faults.isEmpty && standing.due == now + 60 && standing.failures == 1, "\(standing)")
    }

    @Test("for what the site file asks for otherwise by now the usual CA is asked, and no standby comes in")
    func changed() throws {
        let pair = try files()
        var settings = settings(acme, standby: .files([pair]))
        let bundle = try InternalCA(named: "usual", now: now).issue(names: ["foobar.com"], now: now)
        func came(from directory: String) throws {
            try store.save(bundle, as: "site", reason: "a test", now: now)
            var plan = RenewalPlan()
            let origin = RenewalPlan.Origin(
                fingerprint: bundle.leaf.fingerprint,
                directory: directory,
                account: "me"
            )
            plan.succeed(origin, life: 1, at: now)
            store.keep(plan, of: "site")
        }
        try came(from: "https://old.test/directory")
        #expect(provider().standing(settings).faults.count == 1)
        #expect(provider().standbyCause(settings) == nil, "another CA")
        try came(from: "https://ca.test/directory")
        #expect(provider().standing(settings).faults.isEmpty)
        settings.names.append(.exact("www.foobar.com"))
        #expect(provider().standing(settings).faults.count == 1)
        #expect(provider().standbyCause(settings) == nil, "another name")
        settings.names.removeLast()
        // One of the internal CA, which the site file named before.
        _ = try provider().issue(self.settings(), reason: "a test")
        #expect(provider().standing(settings).faults.first?.contains("the internal CA issued it") == true)
        #expect(provider().standbyCause(settings) == nil, "another issuer")
        let number = try store.currentGeneration(of: "site")
        try scratch.write("certs/site/\(number)/key.pem", "")
        #expect(provider().standbyCause(settings) != nil)
    }

    @Test("one that browsers refuse ends no tries at the usual CA, whatever it came in for")
    func substitute() throws {
        let settings = settings(acme, standby: .internal)
        let pair = try files()
        let bought = try CertificateSource.load(certificate: pair.certificate, key: pair.key)
        try provider().take(bought, as: settings, from: "")
        _ = try provide(settings)
        try scratch.write("certs/site/1/key.pem", "")
        var plan = store.plan(of: "site")
        for _ in 0..<2 { plan.fail("the CA is busy", at: now) }
        store.keep(plan, of: "site")
        let cause = try #require(provider().standbyCause(settings))
        #expect(cause.contains("/site/1/key.pem"), "\(cause)")
        let used = try provider().useStandby(settings, reason: cause)
        let standing = provider().standing(settings)
        #expect(standing.isStandby && standing.leaves.map(\.der) == [used.leaf.der])
        #expect(standing.faults.count == 1 && standing.faults[0].contains("browsers refuse"), "\(standing.faults)")
        #expect(standing.failures == 2 && standing.due == now + 600 && standing.isWanting(at: now), "\(standing)")
        #expect(provider().standbyCause(settings) == nil, "it is in already")
        let shown = try provide(settings)
        #expect(shown.bundles.map(\.leaf.der) == [used.leaf.der] && shown.isEmergency)
        #expect(shown.warnings.contains { $0.contains("browsers refuse") }, "\(shown.warnings)")
        // The one that it gives is not called early.
        var later = store.plan(of: "site")
        let origin = RenewalPlan.Origin(fingerprint: "00", directory: "https://ca.test/directory", account: "")
        later.succeed(origin, life: 86_400, at: now)
        #expect(later.hurries == 0)
        // What an operator has put there stays.
        _ = try provider().useStandby(settings, reason: "the CA is gone", isAsked: true)
        #expect(provider().standing(settings).faults.isEmpty)
    }

    @Test("at a start the generation before, which browsers take, comes before a standby that they refuse")
    func generationBefore() throws {
        let settings = settings(acme, standby: .internal)
        var bundles: [CertificateBundle] = []
        for name in ["first", "second"] {
            let pair = try files(name)
            bundles.append(try CertificateSource.load(certificate: pair.certificate, key: pair.key))
            try provider().take(bundles[bundles.count - 1], as: settings, from: "")
        }
        _ = try provide(settings)
        try scratch.write("certs/site/2/key.pem", "")
        let provided = try provide(settings)
        #expect(provided.bundles.map(\.leaf.der) == [bundles[0].leaf.der] && provided.isMakeshift)
        #expect(provided.warnings.first?.contains("GENERATION 1 IS SERVED") == true, "\(provided.warnings)")
        #expect(try store.currentGeneration(of: "site") == 2)
        let standing = provider().standing(settings)
        #expect(!standing.faults.isEmpty && standing.due == 0, "its CA is asked for another at once")
        #expect(provider().standbyCause(settings) == nil)
        // One of an issuer that browsers trust is as good, and is meant for this.
        var other = settings
        other.standby = .files([try files("third")])
        #expect(provider().standbyCause(other) != nil)
    }

    @Test("of files that clients refused it is told why and until when, by a start, too; of others it is not")
    func refusedFiles() throws {
        func settings(_ name: String) throws -> CertificateSettings {
            var settings = self.settings(.files([try files(name)]))
            settings.canary = CanarySettings()
            return settings
        }
        let (bad, good) = (try settings("bad"), try settings("good"))
        let bundle = try provide(bad).bundles[0]
        #expect(try provide(bad).warnings.isEmpty)
        try provider().refuseFiles(bad, bundle, reason: "3 of 10 clients refused it")
        let end = now + CertificateProvider.pauseAfterRefusal
        let again = try provide(bad)
        #expect(again.bundles[0].leaf.der == bundle.leaf.der && again.renewal == end)
        #expect(again.warnings.count == 1 && again.warnings[0].contains("3 of 10"), "\(again.warnings)")
        #expect(provider().refusal(of: bad)?.contains(UTC.text(end)) == true)
        let standing = provider().standing(bad)
        #expect(standing.faults.isEmpty && standing.warnings.count == 1 && standing.isWanting(at: now), "\(standing)")
        #expect(provider(at: end).refusal(of: bad) == nil)
        #expect(try provide(bad, at: end).warnings.isEmpty)
        #expect(provider().refusal(of: good) == nil)
        #expect(try provide(good).warnings.isEmpty)
    }

    @Test("what clients refused is gone back from, and not made anew for a day; a changed site file does not wait")
    func refused() throws {
        let settings = settings()
        let first = try provide(settings).bundles[0]
        let due = first.leaf.renewalSchedule.due
        let second = try provide(settings, at: due).bundles[0]
        #expect(second.leaf.der != first.leaf.der)
        try provider(at: due).refuse(settings, backTo: first, reason: "3 of 10 clients refused it")
        let waiting = try provide(settings, at: due + 10)
        #expect(waiting.bundles[0].leaf.der == first.leaf.der)
        #expect(waiting.warnings.count == 1 && waiting.warnings[0].contains("3 of 10"), "\(waiting.warnings)")
        #expect(waiting.renewal == due + CertificateProvider.pauseAfterRefusal)
        var other = settings
        other.names.append(.exact("www.foobar.com"))
        #expect(try provide(other, at: due + 20).bundles[0].names.count == 2)
        #expect(try provide(settings, at: due + 30).warnings.isEmpty, "a new one was made meanwhile")
    }
}
