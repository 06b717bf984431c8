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
        ca.openAccounts()
        ca.answer("/order", ScriptedCA.json(ScriptedCA.order("ready"), status: 201, fields: place))
        ca.answer("/order/1", ScriptedCA.json(ScriptedCA.order("ready")), ScriptedCA.json(ScriptedCA.order("valid")))
        ca.answer("/finalize", ScriptedCA.json(ScriptedCA.order("processing")))
    }

    /// What happens to requests on their way.
    private final class Fault {
        /// These do not arrive.
        var path: String?
        /// What the DNS says of who may certify each name.
        var restrictions: [CAARecord] = []
    }

    /// What a person who waits is told.
    private final class Words {
        var all: [String] = []
    }

    private final class Faulty: ACMETransport, NameLookup {
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

        func addresses(of names: [String]) -> [String: [IPAddress]] { [:] }

        func restrictions(at names: [String]) -> [String: [CAARecord]] {
            Dictionary(uniqueKeysWithValues: names.map { ($0, fault.restrictions) })
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
        ca.answer("/order/1", ScriptedCA.problem("malformed", status: 404), ScriptedCA.json(ScriptedCA.order("valid")))
        _ = try began(settings(["foobar.com", "www.foobar.com"]))
        // One that the CA has given up is of no use either, and its key goes.
        ca.answer("/order/1", ScriptedCA.json(ScriptedCA.order("invalid")))
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
        var refusals = accounts.refusals(for: "web")
        #expect(refusals.count == 2)
        refusals.last -= 4 * 86_400
        accounts.keep(refusals, for: "web")
        #expect(problem(settings).contains("another is made after"))
        #expect(orders() == 3)
        // What was wrong is mended, here or there.
        try give(for: before.key)
        _ = try order(settings)
        #expect(orders() == 3 && accounts.pendingOrder(for: "web") == nil)
    }

    @Test("what was refused is counted on, whatever becomes of the orders in between")
    func counted() throws {
        var settings = self.settings()
        settings.reusesKey = true
        let before = try signer.issue(names: ["foobar.com"], now: now)
        try scratch.store.save(before, as: "web", reason: "a test", now: now)
        try give(for: before.key, at: now - 100 * 86_400)
        #expect(problem(settings).contains("which is refused here"))
        broken.path = "/order"
        #expect(problem(settings).contains("cannot be reached"))
        #expect(accounts.pendingOrder(for: "web") != nil, "nothing has taken its place")
        broken.path = nil
        // Another order, which comes to nothing.
        let place = ["location": ScriptedCA.base + "/order/0"]
        let taken = ca.requests("/order").count
        ca.answer("/order/0", ScriptedCA.json(ScriptedCA.order("invalid")))
        ca.answer(
            "/order",
            ScriptedCA.json(ScriptedCA.order("ready"), status: 201, fields: place),
            ScriptedCA.json(ScriptedCA.order("ready"), status: 201, fields: ["location": ScriptedCA.base + "/order/1"])
        )
        #expect(problem(settings).contains("given the order up"))
        #expect(accounts.pendingOrder(for: "web") == nil && accounts.refusals(for: "web").count == 1)
        let second = problem(settings)
        #expect(second.contains("another is made after"), "\(second)")
        #expect(orders() == taken + 2)
        try give(for: before.key)
        _ = try order(settings)
        #expect(accounts.refusals(for: "web") == Refusals())
    }

    @Test("one for some of the names is gone on with where the others have failed for long, and the others are told of")
    func partial() throws {
        let settings = self.settings(["foobar.com", "bad.foobar.com"])
        var plan = RenewalPlan()
        for _ in 0..<2 { plan.fail("a test", wishing: settings.wish, at: now - 86_400) }
        scratch.store.keep(plan, of: "web")
        let unproven = ScriptedCA.order("pending").replacing("[]", with: "[\"\(ScriptedCA.base)/authorization\"]")
        ca.answer("/authorization", ScriptedCA.authorization("bad.foobar.com", "invalid"))
        ca.answer(
            "/order",
            ScriptedCA.json(unproven, status: 201, fields: ["location": ScriptedCA.base + "/order/0"]),
            ScriptedCA.json(ScriptedCA.order("ready"), status: 201, fields: ["location": ScriptedCA.base + "/order/1"])
        )
        broken.path = "/certificate"
        #expect(problem(settings).contains("cannot be reached"))
        let kept = try #require(accounts.pendingOrder(for: "web"))
        #expect(kept.names == ["foobar.com"] && orders() == 2)
        #expect(problem(settings).contains("cannot be reached"))
        #expect(orders() == 2, "it is gone on with")
        broken.path = nil
        try give(for: kept.key)
        let bundle = try order(settings)
        #expect(bundle.key.isSame(as: kept.key) && bundle.names == ["foobar.com"] && orders() == 2)
        let after = scratch.provider(at: now).plan(of: settings, acme)
        #expect(after.failures > 0 && after.problem.contains("without bad.foobar.com"), "\(after)")
    }

    @Test("what the DNS forbids keeps nobody from fetching what is issued already, and no proof is tried")
    func obstacle() throws {
        ca.directory = ca.directory.replacing("\"profiles\"", with: "\"caaIdentities\": [\"ca.test\"], \"profiles\"")
        broken.path = "/certificate"
        #expect(problem().contains("cannot be reached"))
        let kept = try #require(accounts.pendingOrder(for: "web"))
        broken.path = nil
        broken.restrictions = [CAARecord(tag: "issue", value: "other.test")]
        ca.answer("/order/1", ScriptedCA.json(ScriptedCA.order("pending")))
        #expect(problem().contains("let only other.test certify it"))
        #expect(accounts.pendingOrder(for: "web")?.key.isSame(as: kept.key) == true, "it is kept for the next try")
        ca.answer("/order/1", ScriptedCA.json(ScriptedCA.order("valid")))
        try give(for: kept.key)
        scratch.store.keep(RenewalPlan(), of: "web")
        #expect(try order().key.isSame(as: kept.key))
        #expect(orders() == 1)
    }

    /// Has an order kept; the folder of its account.
    private func begin() throws -> (kept: PendingOrder, account: String) {
        broken.path = "/certificate"
        #expect(problem().contains("cannot be reached"))
        broken.path = nil
        let paths = try #require(FileManager.default.subpaths(atPath: scratch.store.folder))
        let home = try #require(paths.first { $0.hasSuffix("orders/web") })
        let account = "\(scratch.store.folder)/" + home.dropLast("/orders/web".count)
        return (try #require(accounts.pendingOrder(for: "web")), account)
    }

    @Test("a key that is known to somebody goes with the orders that have it, and what comes in otherwise ends them")
    func stolen() throws {
        let provider = scratch.provider(for: settings(), at: now)
        let brought = try signer.issue(names: ["foobar.com"], now: now)
        try scratch.store.save(brought, as: "web", reason: "a test", now: now)
        _ = try begin()
        _ = try provider.retire(settings(), reason: "a test")
        let (kept, account) = try begin()
        _ = try provider.retire(settings(), isCompromised: true, reason: "a test")
        #expect(accounts.pendingOrder(for: "web") == nil)
        #expect(!FileManager.default.fileExists(atPath: account + "/orders/web/key.pem"))
        // Before anything is asked of a CA that may not be there.
        let next = try begin().kept
        #expect(!next.key.isSame(as: kept.key))
        broken.path = "/dir"
        #expect(throws: CertificateProblem.self) { try order(wantsNewKey: true) }
        broken.path = nil
        #expect(accounts.pendingOrder(for: "web") == nil)
        _ = try begin()
        try provider.take(try signer.issue(names: ["foobar.com"], now: now), as: settings(), from: "a test")
        #expect(!FileManager.default.fileExists(atPath: account + "/orders/web"))
        // One that cannot be deleted is told of.
        _ = try begin()
        try FileManager.default.removeItem(atPath: account + "/orders/web/key.pem")
        try FileManager.default.createDirectory(
            atPath: account + "/orders/web/key.pem",
            withIntermediateDirectories: true
        )
        for _ in 0..<2 {
            let problem = #expect(throws: CertificateProblem.self) {
                try provider.retire(settings(), isCompromised: true, reason: "a test")
            }
            #expect("\(problem as Any)".contains("key.pem"), "\(problem as Any)")
            #expect(throws: CertificateProblem.self) { try order(wantsNewKey: true) }
        }
    }

    @Test("nothing is read or removed through a link", arguments: ["", "/orders", "/orders/web"])
    func links(place: String) throws {
        let (_, account) = try begin()
        // That of a CA of before.
        let old = "\(scratch.store.folder)/acme-accounts/0123456789abcdef"
        try FileManager.default.moveItem(atPath: account, toPath: old)
        let elsewhere = scratch.path + "/elsewhere"
        try FileManager.default.moveItem(atPath: old + place, toPath: elsewhere)
        try FileManager.default.createSymbolicLink(atPath: old + place, withDestinationPath: elsewhere)
        let before = try FileManager.default.subpathsOfDirectory(atPath: elsewhere).sorted()
        let refused = #expect(throws: CertificateProblem.self) { try order(wantsNewKey: true) }
        #expect("\(refused as Any)".contains("link"), "\(refused as Any)")
        let (kept, _) = try begin()
        try give(for: kept.key)
        _ = try order()
        #expect(try FileManager.default.subpathsOfDirectory(atPath: elsewhere).sorted() == before)
        // In the place of this CA's own folders.
        try FileManager.default.removeItem(atPath: account)
        try FileManager.default.moveItem(atPath: old, toPath: account)
        #expect(accounts.pendingOrder(for: "web") == nil)
        #expect(throws: (any Error).self) { try accounts.deletePendingOrder(for: "web") }
        #expect(try FileManager.default.subpathsOfDirectory(atPath: elsewhere).sorted() == before)
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
