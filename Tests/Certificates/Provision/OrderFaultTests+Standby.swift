import Certificates
import OpenSSL
import Site
import Testing

extension OrderFaultTests {
    /// What puts another one there while the CA is asked.
    enum Deed: CaseIterable {
        case standby, standbyByItself, imported
    }

    /// What it puts there, and how.
    private func put(
        by deed: Deed
    ) throws -> (bundle: CertificateBundle, settings: CertificateSettings, outside: CertificateProvider.Outside) {
        var withStandby = settings
        withStandby.standby = .acme(ACMESettings(directory: "https://second.test/dir"))
        let other = try InternalCA(named: "another.test", now: now).issue(names: ["foobar.com"], now: now)
        try scratch.store.save(other, as: "web.standby", reason: "a test", now: now)
        let provider = scratch.provider(at: now)
        let outside = outside { [withStandby] in
            switch deed {
            case .standby: _ = try provider.useStandby(withStandby, reason: "a test", isAsked: true)
            case .standbyByItself: _ = try provider.useStandby(withStandby, reason: "a test")
            case .imported: try provider.take(other, as: withStandby, from: "a test")
            }
        }
        return (other, withStandby, outside)
    }

    @Test(
        "what an operator puts there while the CA is asked stays; a standby that came in by itself does not",
        arguments: Deed.allCases,
        [true, false]
    )
    func putThere(by deed: Deed, isAsked: Bool) throws {
        let provider = scratch.provider(at: now)
        let (other, settings, overtaking) = try put(by: deed)
        do throws(CertificateProblem) {
            _ = try provider.order(settings, acme, reason: "a test", isAsked: isAsked, overtaking)
            #expect(deed == .standbyByItself, "it came into force")
        } catch {
            #expect(error == .putThere(name: "web") && deed != .standbyByItself)
        }
        let stays = try scratch.store.load("web").leaf.der == other.leaf.der
        #expect(stays == (deed != .standbyByItself))
        let plan = provider.plan(of: settings, acme)
        #expect(plan.failures == 0 && plan.next == 0, "\(plan)")
        #expect(ca.requests("/order").count == 1)
        if stays { #expect(provider.need(of: settings, acme, outside()) == nil) }
    }

    @Test(
        "a try that fails after that does not count against what was put there",
        arguments: [Deed.standby, .imported]
    )
    func failsAfterPutThere(by deed: Deed) throws {
        let provider = scratch.provider(at: now)
        let (other, settings, overtaking) = try put(by: deed)
        ca.answer("/certificate", ScriptedCA.problem("malformed", status: 404))
        #expect(throws: CertificateProblem.self) {
            _ = try provider.order(settings, acme, reason: "a test", overtaking)
        }
        #expect(try scratch.store.load("web").leaf.der == other.leaf.der)
        let plan = provider.plan(of: settings, acme)
        #expect(plan.failures == 0 && plan.next == 0 && plan.problem.isEmpty, "\(plan)")
    }
}
