import Certificates
import Foundation
import OpenSSL
import Site
import Testing

/// Orders that a CA counts, and whose certificate is not here: it came late, or nobody was there to take it, or it is refused.
@Suite("Orders that are gone on with")
struct PendingOrderTests {
    private let now = Int64(Date().timeIntervalSince1970)
    private let scratch: Scratch
    private let ca = ScriptedCA()
    private let acme = ACMESettings(directory: ScriptedCA.base + "/dir")
    private let signer: InternalCA
    private let broken = Fault()
    private let said = Words()

    init() throws {
        scratch = try Scratch()
        signer = try InternalCA(named: "ca.test", now: now - 200 * 86_400)
        let place = ["location": ScriptedCA.base + "/order/1"]
        ca.answer("/account", ScriptedCA.json("{}", status: 201, fields: ["location": ScriptedCA.base + "/me"]))
        ca.answer("/order", ScriptedCA.json(Self.order("ready"), status: 201, fields: place))
        ca.answer("/order/1", ScriptedCA.json(Self.order("ready")), ScriptedCA.json(Self.order("valid")))
        ca.answer("/finalize", ScriptedCA.json(Self.order("processing")))
    }

    private static func order(_ status: String) -> String {
        """
        { "status": "\(status)", "authorizations": [], "finalize": "\(ScriptedCA.base)/finalize",
          "certificate": "\(ScriptedCA.base)/certificate" }
        """
    }

    /// What happens to requests on their way.
    private final class Fault {
        /// These do not arrive.
        var path: String?
    }

    /// What a person who waits is told.
    private final class Words {
        var all: [String] = []
    }

    private final class Faulty: ACMETransport {
        private let ca: ScriptedCA
        private let fault: Fault

        init(_ ca: ScriptedCA, _ fault: Fault) {
            self.ca = ca
            self.fault = fault
        }

        func send(_ request: ACMERequest) throws(ACMEProblem) -> ACMEResponse {
            if let path = fault.path, request.url.hasSuffix(path) {
                throw .unreachable(url: request.url, why: "a test")
            }
            return try ca.send(request)
        }
    }

    private func settings(_ names: [String] = ["foobar.com"]) -> CertificateSettings {
        CertificateSettings(name: "web", names: names.map { .exact($0) }, issuer: .acme(acme))
    }

    private func order(
        _ settings: CertificateSettings? = nil,
        chain: String? = nil,
        wantsNewKey: Bool = false
    ) throws -> CertificateBundle {
        var acme = acme
        acme.chain = chain
        return try scratch.provider(at: now).order(
            settings ?? self.settings(),
            acme,
            reason: "a test",
            wantsNewKey: wantsNewKey,
            .init(
                transport: { [ca, broken] _ in Faulty(ca, broken) },
                publish: {},
                tell: { [said] in said.all.append($0) }
            )
        )
    }

    private var accounts: ACMEAccountStore { ACMEAccountStore(scratch.store, directory: acme.directory) }

    private func orders() -> Int { ca.requests("/order").count }

    private func problem(_ settings: CertificateSettings? = nil) -> String {
        let error = #expect(throws: CertificateProblem.self) { try order(settings) }
        return error.map { "\($0)" } ?? ""
    }

    private func give(_ names: [String] = ["foobar.com"], for key: PrivateKey, at moment: Int64? = nil) throws {
        let bundle = try signer.issue(names: names, for: key, now: moment ?? now)
        ca.answer("/certificate", ScriptedCA.json(bundle.chainPEM))
    }

    @Test("one that was left behind days ago is gone on with by nobody, and damaged moments of one are none")
    func old() throws {
        broken.path = "/certificate"
        #expect(problem().contains("cannot be reached"))
        let kept = try #require(accounts.pendingOrder(for: "web"))
        broken.path = nil
        try give(for: kept.key)
        let paths = try #require(FileManager.default.subpaths(atPath: scratch.path))
        let path = scratch.path + "/" + (try #require(paths.first { $0.hasSuffix("orders/web/order") }))
        let text = try String(contentsOfFile: path, encoding: .utf8)
        func write(_ start: Int64) throws {
            let changed = text.replacing("\"start\":\(kept.start)", with: "\"start\":\(start)")
            #expect(changed != text)
            try changed.write(toFile: path, atomically: false, encoding: .utf8)
        }
        try write(.max)
        #expect(accounts.pendingOrder(for: "web") == nil)
        try write(kept.start - 2 * 86_400)
        #expect(accounts.pendingOrder(for: "web")?.start == kept.start - 2 * 86_400)
        // The CA gives what the key of the old order is certified by: a new order has a new key.
        #expect(problem().contains("does not belong"))
        #expect(orders() == 2)
    }

    @Test("one whose certificate could not be fetched is fetched by the next try, with the key of the first")
    func resumes() throws {
        broken.path = "/certificate"
        #expect(problem().contains("cannot be reached"))
        let kept = try #require(accounts.pendingOrder(for: "web"))
        #expect(kept.url == ScriptedCA.base + "/order/1" && kept.names == ["foobar.com"] && kept.start >= now)
        let paths = try #require(FileManager.default.subpaths(atPath: scratch.path))
        let home = try #require(paths.first { $0.hasSuffix("orders/web") })
        #expect(try scratch.mode(home) == 0o700 && scratch.mode(home + "/key.pem") == 0o600)
        #expect(problem().contains("cannot be reached"), "it is asked for again and again")
        broken.path = nil
        try give(for: kept.key)
        let bundle = try order()
        #expect(bundle.key.isSame(as: kept.key))
        #expect(orders() == 1 && ca.requests("/finalize").count == 1)
        #expect(accounts.pendingOrder(for: "web") == nil)
        #expect(!FileManager.default.fileExists(atPath: "\(scratch.path)/\(home)"))
    }

    @Test("another is made for other names, for a key that nobody has seen, and where the CA knows the order no more")
    func another() throws {
        broken.path = "/certificate"
        var made = 0
        func began(_ settings: CertificateSettings, wantsNewKey: Bool = false) throws -> PendingOrder {
            #expect(throws: CertificateProblem.self) { try order(settings, wantsNewKey: wantsNewKey) }
            made += 1
            #expect(orders() == made)
            return try #require(accounts.pendingOrder(for: "web"))
        }
        let first = try began(settings())
        let second = try began(settings(["foobar.com", "www.foobar.com"]))
        #expect(second.names.count == 2 && !second.key.isSame(as: first.key))
        let third = try began(settings(["foobar.com", "www.foobar.com"]), wantsNewKey: true)
        #expect(!third.key.isSame(as: second.key))
        ca.answer("/order/1", ScriptedCA.problem("malformed", status: 404), ScriptedCA.json(Self.order("valid")))
        _ = try began(settings(["foobar.com", "www.foobar.com"]))
        // One that the CA has given up is of no use either, and its key goes.
        ca.answer("/order/1", ScriptedCA.json(Self.order("invalid")))
        #expect(problem(settings(["foobar.com", "www.foobar.com"])).contains("given the order up"))
        #expect(orders() == made + 1 && accounts.pendingOrder(for: "web") == nil)
    }

    @Test("what the CA issues and is refused here twice is not ordered a third time for days, and looked at again")
    func refused() throws {
        var settings = self.settings()
        settings.reusesKey = true
        let before = try signer.issue(names: ["foobar.com"], now: now)
        try scratch.store.save(before, as: "web", reason: "a test", now: now)
        // By a clock that is months behind.
        try give(for: before.key, at: now - 100 * 86_400)
        let first = problem(settings)
        #expect(first.contains("the CA has issued a certificate that expired"), "\(first)")
        #expect(!first.contains("another is made"), "\(first)")
        for number in 2...5 {
            let again = problem(settings)
            #expect(again.contains("another is made after"), "\(number): \(again)")
            #expect(orders() == 2, "\(number)")
        }
        // Days later.
        var kept = try #require(accounts.pendingOrder(for: "web"))
        #expect(kept.refusals == 2)
        kept.lastRefusal -= 4 * 86_400
        accounts.keep(kept, for: "web")
        #expect(problem(settings).contains("another is made after"))
        #expect(orders() == 3)
        // What was wrong is mended, here or there.
        try give(for: before.key)
        _ = try order(settings)
        #expect(orders() == 3 && accounts.pendingOrder(for: "web") == nil)
    }

    @Test("a chain that was wanted and is not offered is told")
    func chain() throws {
        var settings = self.settings()
        settings.reusesKey = true
        let before = try signer.issue(names: ["foobar.com"], now: now)
        try scratch.store.save(before, as: "web", reason: "a test", now: now)
        try give(for: before.key)
        let name = String(try #require(before.chain.last).issuer.dropFirst("CN=".count))
        _ = try order(settings, chain: name)
        #expect(!said.all.contains { $0.contains("offers no chain") }, "\(said.all)")
        _ = try order(settings, chain: "No Such Root")
        #expect(said.all.contains { $0.contains("offers no chain below No Such Root") }, "\(said.all)")
    }
}
