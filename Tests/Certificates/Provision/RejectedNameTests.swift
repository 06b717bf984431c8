import Certificates
import Foundation
import OpenSSL
import Site
import Testing

/// One name that a CA does not certify, as its policy or the DNS says, keeps the others from nothing.
@Suite("Names that a CA refuses")
struct RejectedNameTests {
    private let now = Int64(Date().timeIntervalSince1970)
    private let scratch: Scratch
    private let ca = ScriptedCA()
    private let acme = ACMESettings(directory: ScriptedCA.base + "/dir")
    private let settings: CertificateSettings
    private static let good = ["foobar.com", "www.foobar.com"]

    init() throws {
        scratch = try Scratch()
        let names: [HostPattern] = [
            .exact("bad.test"), .exact("foobar.com"), .wildcard("worse.test"), .exact("www.foobar.com"),
        ]
        var settings = CertificateSettings(name: "web", names: names, issuer: .acme(acme))
        // So that the CA of this test knows the key.
        settings.reusesKey = true
        self.settings = settings
        let signer = try InternalCA(named: "ca.test", now: now)
        let before = try signer.issue(names: ["foobar.com"], now: now)
        try scratch.store.save(before, as: "web", reason: "a test", now: now)
        let chain = try signer.issue(names: Self.good, for: before.key, now: now).chainPEM
        ca.openAccounts()
        ca.answer("/finalize", ScriptedCA.json(ScriptedCA.order("processing")))
        ca.answer("/certificate", ScriptedCA.json(chain))
    }

    /// The CA takes an order, as the one of this number.
    private func taken(_ number: Int) -> ACMEResponse {
        let place = ["location": ScriptedCA.base + "/order/\(number)"]
        return ScriptedCA.json(ScriptedCA.order("ready"), status: 201, fields: place)
    }

    private static func problem(_ type: String, _ detail: String, parts: String = "") -> String {
        #"{ "type": "urn:ietf:params:acme:error:\#(type)", "detail": "\#(detail)", "subproblems": [\#(parts)] }"#
    }

    private static func part(_ name: String) -> String {
        let type = "urn:ietf:params:acme:error:rejectedIdentifier"
        return #"{ "type": "\#(type)", "identifier": { "type": "dns", "value": "\#(name)" } }"#
    }

    private func order(failures: Int) throws -> CertificateBundle {
        var plan = RenewalPlan()
        for _ in 0..<failures { plan.fail("a test", wishing: settings.wish, at: now - 86_400) }
        scratch.store.keep(plan, of: "web")
        let outside = CertificateProvider.Outside(transport: { [ca] _ in ca }, publish: {}, tell: { _ in })
        return try scratch.provider(at: now).order(settings, acme, reason: "a test", outside)
    }

    /// The names of each order that the CA was asked for.
    private func orders() -> [[String]] {
        ca.requests("/order").map { $0.payload?["identifiers"]?.items.compactMap { $0["value"]?.text } ?? [] }
    }

    private static let all = ["*.worse.test", "bad.test", "foobar.com", "www.foobar.com"]

    @Test("refused at once, by the parts of what it says: from the third try on the others are ordered")
    func parts() throws {
        let parts = Self.part("*.worse.test") + "," + Self.part("Bad.test")
        for failures in 0..<2 {
            ca.answer("/order", ScriptedCA.json(Self.problem("malformed", "some", parts: parts), status: 400))
            #expect(throws: CertificateProblem.self) { try order(failures: failures) }
        }
        #expect(orders() == [Self.all, Self.all])
        ca.answer("/order", ScriptedCA.json(Self.problem("malformed", "some", parts: parts), status: 400), taken(1))
        ca.answer("/order/1", ScriptedCA.json(ScriptedCA.order("ready")), ScriptedCA.json(ScriptedCA.order("valid")))
        #expect(try order(failures: 2).names == Self.good)
        #expect(orders().suffix(2) == [Self.all, Self.good])
        let plan = scratch.provider(at: now).plan(of: settings, acme)
        #expect(plan.failures == 3 && plan.problem.hasSuffix("ordered without"), "\(plan)")
        #expect(plan.problem.contains("Bad.test") && plan.problem.contains("*.worse.test"), "\(plan)")
        // They are covered, and nothing is due: no order without the others again.
        ca.answer("/order", ScriptedCA.json(Self.problem("malformed", "some", parts: parts), status: 400))
        #expect(throws: CertificateProblem.self) { try order(failures: 3) }
        #expect(orders().count == 5)
    }

    @Test("one at a time, by its words alone")
    func words() throws {
        func refusal(_ name: String) -> ACMEResponse {
            ScriptedCA.json(Self.problem("rejectedIdentifier", "Cannot issue for '\(name)': policy"), status: 400)
        }
        ca.answer("/order", refusal("bad.test"), refusal("*.worse.test"), taken(1))
        ca.answer("/order/1", ScriptedCA.json(ScriptedCA.order("ready")), ScriptedCA.json(ScriptedCA.order("valid")))
        #expect(try order(failures: 2).names == Self.good)
        #expect(orders() == [Self.all, Self.all.filter { $0 != "bad.test" }, Self.good])
    }

    @Test("tries that failed for other names put off nothing, nor do those at an ACME server put off the internal CA")
    func putRight() throws {
        let names = Self.good.map { HostPattern.exact($0) }
        let right = CertificateSettings(name: "web", names: names, issuer: .acme(acme))
        let own = CertificateSettings(name: "web", names: names, issuer: .internal)
        var plan = RenewalPlan()
        for _ in 0..<4 { plan.fail("a test", wishing: settings.wish, at: now) }
        scratch.store.keep(plan, of: "web")
        let outside = CertificateProvider.Outside(transport: { [ca] _ in ca }, publish: {}, tell: { _ in })
        let provider = scratch.provider(at: now)
        #expect(provider.need(of: settings, acme, outside) == nil)
        #expect(provider.standing(own).failures == 0)
        #expect(provider.need(of: right, acme, outside) != nil)
        // By a gateway whose file was not put right.
        #expect(provider.need(of: settings, acme, outside) == nil)
        #expect(try provider.provide(own).bundles.map(\.names) == [Self.good])
    }

    @Test("at the end of an order, where records in the DNS are looked at once more")
    func late() throws {
        let parts = Self.part("bad.test") + "," + Self.part("worse.test")
        let error = Self.problem("caa", "a record forbids it", parts: parts)
        ca.answer("/order", taken(1), taken(2))
        ca.answer(
            "/order/1",
            ScriptedCA.json(ScriptedCA.order("ready")),
            ScriptedCA.json(ScriptedCA.order("invalid", ", \"error\": \(error)"))
        )
        ca.answer("/order/2", ScriptedCA.json(ScriptedCA.order("ready")), ScriptedCA.json(ScriptedCA.order("valid")))
        #expect(try order(failures: 2).names == Self.good)
        #expect(orders() == [Self.all, Self.good])
    }

    @Test("one that names none of ours, or all of them, is no reason to order less", arguments: [["other.test"], all])
    func others(named: [String]) throws {
        let parts = named.map(Self.part).joined(separator: ",")
        ca.answer("/order", ScriptedCA.json(Self.problem("rejectedIdentifier", "no", parts: parts), status: 400))
        #expect(throws: CertificateProblem.self) { try order(failures: 5) }
        #expect(orders() == [Self.all])
    }
}
