import Certificates
import Foundation
import OpenSSL
import Site
import Testing

@Suite("Gateways that share a store and have different site files")
struct SiteWishesTests {
    private let now = Int64(Date().timeIntervalSince1970)
    private let scratch: Scratch
    /// What each of two gateways has had.
    private let one = SiteWishes()
    private let two = SiteWishes()

    init() throws { scratch = try Scratch() }

    private func settings(_ names: String...) -> CertificateSettings {
        CertificateSettings(name: "web", names: names.map { .exact($0) }, issuer: .internal)
    }

    private func provider(_ wishes: SiteWishes?, after seconds: Int64 = 0) -> CertificateProvider {
        var site = SiteModel(name: "foobar.com")
        site.certificateStore = scratch.store.folder
        return CertificateProvider(for: site, now: now + seconds, after: wishes)
    }

    private var generation: Int? {
        get throws { try scratch.store.currentGeneration(of: "web") }
    }

    @Test("what has all names stays, and both wishes are told; a changed file and a command do not wait")
    func enough() throws {
        let narrow = settings("foobar.com")
        let wide = settings("foobar.com", "www.foobar.com")
        for wishes in [one, two] { _ = try provider(wishes).provide(narrow) }
        #expect(try generation == 1)
        // The one was reloaded, the other was not.
        let fresh = try provider(one).provide(wide).bundles[0].leaf
        for second in 1...3 {
            let held = try provider(two, after: Int64(second)).provide(narrow)
            #expect(held.bundles[0].leaf.der == fresh.der)
            let warning = held.warnings.joined()
            #expect(warning.contains("ANOTHER GATEWAY OR COMMAND HAS ANOTHER SITE FILE"), "\(warning)")
            #expect(warning.contains("for foobar.com, www.foobar.com, of"), "\(warning)")
            #expect(warning.contains("asks for internal") && warning.contains("gatehouse reload"), "\(warning)")
            #expect(held.renewal == now + 1 + 2 * 86_400)
            let waits = two.waits(at: now + Int64(second))
            #expect(waits.count == 1 && waits["web"].map { warning.hasSuffix($0) } == true, "\(waits)")
            #expect(one.waits(at: now).isEmpty && two.waits(at: now + 1 + 2 * 86_400).isEmpty)
            var other = settings("other.foobar.com")
            other.name = "other"
            #expect(provider(two).provideTogether([narrow, other]) { _, _ in }["web"] == nil)
            _ = try provider(one, after: Int64(second)).provide(wide)
        }
        #expect(try generation == 2)

        _ = try provider(two).provide(settings("foobar.com", "api.foobar.com"))
        #expect(try generation == 3 && two.waits(at: now).isEmpty)
        _ = try provider(nil).provide(narrow)
        #expect(try generation == 4)
        // That is what the first one had, and another now: it lacks a name, and is replaced.
        _ = try provider(one).provide(wide)
        #expect(try generation == 5)
        _ = try provider(one).provide(wide)
        _ = try provider(two).provide(settings("foobar.com", "api.foobar.com"))
        #expect(try generation == 6)
        // Not again and again.
        for second in 1...3 {
            _ = try provider(one, after: Int64(second)).provide(wide)
            _ = try provider(two, after: Int64(second)).provide(settings("foobar.com", "api.foobar.com"))
        }
        #expect(try generation == 6)
        _ = try provider(one, after: 2 * 86_400 + 5).provide(wide)
        #expect(try generation == 7)
    }

    @Test("an ACME server is not asked again for what another one replaced, until the gateway is started anew")
    func orders() throws {
        let acme = ACMESettings(directory: ScriptedCA.base + "/dir")
        let ordered = CertificateSettings(name: "web", names: [.exact("foobar.com")], issuer: .acme(acme))
        _ = try InternalCA.loadOrCreate(in: scratch.store, named: "foobar.com", now: now)
        let bundle = try InternalCA(named: "ca.test", now: now).issue(names: ["foobar.com"], now: now)
        try scratch.store.save(bundle, as: "web", reason: "a test", now: now)
        var plan = RenewalPlan()
        // The CA is not asked for advice in this test.
        plan.askAgain(at: now + 86_400)
        scratch.store.keep(plan, of: "web")
        var told: [String] = []
        func need(_ wishes: SiteWishes) -> String? {
            let outside = CertificateProvider.Outside(
                transport: { _ in ScriptedCA() },
                publish: { () throws(ACMEProblem) in },
                tell: { told.append($0) }
            )
            return provider(wishes).need(of: ordered, acme, outside)
        }
        #expect(need(one) == nil && told.isEmpty)
        _ = try provider(two).provide(settings("foobar.com"))
        #expect(try generation == 2)
        for _ in 0..<3 { #expect(need(one) == nil) }
        #expect(Set(told).count == 1, "\(told)")
        #expect(told.first?.contains("asks for acme") == true && told.first?.contains(acme.directory) == true)
        // And the other waits for what the CA gave.
        try scratch.store.save(bundle, as: "web", reason: "a test", now: now)
        #expect(try provider(two).provide(settings("foobar.com")).bundles[0].leaf.der == bundle.leaf.der)
        #expect(try generation == 3)
        _ = try provider(nil).provide(settings("foobar.com"))
        #expect(need(SiteWishes())?.contains("by now") == true)
    }
}
