import Certificates
import OpenSSL
import Site
import Testing

/// The order of a certificate, against a CA in memory: what every CA may do.
@Suite("An order of ACME") struct ACMEOrderTests {
    let ca = ScriptedCA()
    private let solver = RecordingSolver()
    let key: PrivateKey
    private let accountKey: PrivateKey
    let clock = Clock()

    final class Clock {
        var now: Int64 = 1_790_000_000
        var uptime: Int64 = 0
        var pauses: [Int64] = []
    }

    init() throws {
        key = try PrivateKey.generate(.ecdsaP256)
        accountKey = try PrivateKey.generate(.ecdsaP256)
        ca.openAccounts()
    }

    private func chain(
        _ names: [String],
        _ validity: ClosedRange<Int64> = 1_789_000_000...1_795_000_000
    ) throws -> ACMEResponse {
        let template = CertificateTemplate(
            role: .server,
            names: names,
            notBefore: validity.lowerBound,
            notAfter: validity.upperBound
        )
        return ScriptedCA.json(try Certificate.issue(template, for: key, by: nil).pem)
    }

    func order(_ status: String, authorizations: [String] = [], status code: Int = 200) -> ACMEResponse {
        let list = authorizations.map { "\"\(ScriptedCA.base)/authorization/\($0)\"" }.joined(separator: ",")
        let certificate = status == "valid" ? ", \"certificate\": \"\(ScriptedCA.base)/certificate\"" : ""
        return ScriptedCA.json(
            """
            { "status": "\(status)", "authorizations": [\(list)], "finalize": "\(ScriptedCA.base)/finalize"\(certificate) }
            """,
            status: code,
            fields: ["location": ScriptedCA.base + "/order/1"]
        )
    }

    private func session(through transport: (any ACMETransport)? = nil) throws -> ACMESession {
        let session = ACMESession(
            directory: ScriptedCA.base + "/dir",
            transport: transport ?? ca,
            key: accountKey,
            account: nil,
            now: { [clock] in clock.now }
        )
        try session.register(contact: ["a@b.test"])
        return session
    }

    func run(
        _ names: [String],
        _ wishes: ACMEOrder.Wishes = .init(),
        through transport: (any ACMETransport)? = nil
    ) throws -> CertificateBundle {
        let order = ACMEOrder(
            try session(through: transport),
            solvers: [solver],
            now: { [clock] in clock.now },
            uptime: { [clock] in clock.uptime },
            pause: { [clock] seconds in
                clock.pauses.append(seconds)
                clock.now += seconds
                clock.uptime += seconds
            }
        )
        return try order.run(names: names, key: key, wishes)
    }

    /// Everything as it should be, for these names.
    func prepare(_ names: [String]) throws {
        let bases = Set(names.map { $0.hasPrefix("*.") ? String($0.dropFirst(2)) : $0 }).sorted()
        ca.answer("/order", order("pending", authorizations: bases, status: 201))
        for name in bases {
            ca.answer(
                "/authorization/\(name)",
                ScriptedCA.authorization(name, "pending"),
                ScriptedCA.authorization(name, "valid")
            )
            ca.answer("/challenge/\(name)", ScriptedCA.json("{}"))
        }
        ca.answer("/order/1", order("ready"), order("valid"))
        ca.answer("/finalize", order("processing"))
        ca.answer("/certificate", try chain(names))
    }

    @Test(
        "envelopes: flattened, the key for a new account and the account for all else, the URL to the byte, POST-as-GET"
    )
    func envelopes() throws {
        try prepare(["a.test"])
        #expect(try run(["a.test"]).names == ["a.test"])
        for request in ca.requests where request.method == .post {
            #expect(request.members == ["protected", "payload", "signature"])
            #expect(request.header["url"]?.text == request.url && request.header["alg"]?.text == "ES256")
            let isNew = request.url.hasSuffix("/account")
            #expect((request.header["jwk"] != nil) == isNew && (request.header["kid"] == nil) == isNew)
            if !isNew { #expect(request.header["kid"]?.text == ScriptedCA.base + "/me") }
        }
        let reads = ca.requests.filter { $0.url.contains("/authorization/") || $0.url.hasSuffix("/certificate") }
        #expect(!reads.isEmpty && reads.allSatisfy { $0.payload == nil })
        #expect(ca.requests("/challenge/a.test").first?.payload == .object([]))
        // Every nonce is used once.
        let used = ca.requests.compactMap { $0.header["nonce"]?.text }
        #expect(Set(used).count == used.count && Set(used).isSubset(of: ca.nonces))
        // Each answer brings the next one: nobody asks for one.
        #expect(ca.requests("/nonce").isEmpty)
    }

    @Test("a refused nonce is followed by the one that came with the refusal, and not for ever")
    func nonces() throws {
        try prepare(["a.test"])
        ca.refusedNonces = 5
        #expect(try run(["a.test"]).names == ["a.test"])
        let tries = ca.requests("/account")
        #expect(tries.count == 6)
        for (index, attempt) in tries.enumerated().dropFirst() {
            let refused = try #require(ca.requests.firstIndex { $0.header == tries[index - 1].header })
            #expect(attempt.header["nonce"]?.text == ca.nonces[refused])
        }
        ca.refusedNonces = .max
        #expect(throws: ACMEProblem.self) { try run(["a.test"]) }
        #expect(ca.requests.count < 60)
    }

    @Test("authorizations that are valid already, or none at all, need no answer")
    func knownAlready() throws {
        for list in [["a.test"], []] {
            try prepare(["a.test"])
            ca.answer("/authorization/a.test", ScriptedCA.authorization("a.test", "valid"))
            ca.answer("/order", order("ready", authorizations: list, status: 201))
            #expect(try run(["a.test"]).names == ["a.test"])
        }
        #expect(solver.presented.isEmpty && ca.requests("/challenge/a.test").isEmpty)
    }

    @Test("a wildcard with its domain, and a name that comes twice: as a set, each once")
    func duplicates() throws {
        try prepare(["*.a.test", "a.test"])
        #expect(try Set(run(["a.test", "*.a.test", "a.test"]).names) == ["a.test", "*.a.test"])
        let asked = ca.requests("/order").last?.payload?["identifiers"]?.items.compactMap { $0["value"]?.text }
        #expect(asked == ["*.a.test", "a.test"])
    }

    @Test("a challenge that is processing is waited for and not asked for again, as long as Retry-After says")
    func processing() throws {
        try prepare(["a.test"])
        let slow = ScriptedCA.authorization("a.test", "pending", challenge: "processing")
        let waiting = ACMEResponse(status: 200, fields: ["retry-after": "7"], body: slow.body)
        ca.answer("/authorization/a.test", waiting, waiting, ScriptedCA.authorization("a.test", "valid"))
        #expect(try run(["a.test"]).names == ["a.test"])
        #expect(ca.requests("/challenge/a.test").isEmpty && clock.pauses.contains(7))
    }

    @Test("an order that is processing is left alone as long as Retry-After says, within five minutes")
    func patience() throws {
        try prepare(["a.test"])
        func processing(_ seconds: Int) -> ACMEResponse {
            ACMEResponse(status: 200, fields: ["retry-after": "\(seconds)"], body: order("processing").body)
        }
        ca.answer("/order/1", order("ready"), processing(120), processing(0), order("valid"))
        #expect(try run(["a.test"]).names == ["a.test"])
        #expect(clock.pauses == [120, 1])
        // One look at the end of the time, when the CA wants more than that.
        clock.pauses = []
        ca.answer("/order/1", order("ready"), processing(100), processing(3_600))
        #expect(throws: ACMEProblem.late(what: "the certificate")) { try run(["a.test"]) }
        #expect(clock.pauses == [100, 200])
        // What the answer to finalize says counts from the first look on.
        for (wait, pauses) in [("40", [40]), ("Mon, 21 Sep 2026 14:13:50 GMT", [30]), ("0", []), ("3600", [300])] {
            (clock.now, clock.pauses) = (1_790_000_000, [])
            ca.answer("/order/1", order("ready"), order("valid"))
            let fields = ["retry-after": wait]
            ca.answer("/finalize", ACMEResponse(status: 200, fields: fields, body: order("processing").body))
            let asked = ca.requests("/order/1").count
            #expect(try run(["a.test"]).names == ["a.test"])
            #expect(clock.pauses == pauses.map { Int64($0) } && ca.requests("/order/1").count == asked + 2, "\(wait)")
        }
    }

    @Test("orderNotReady: looked at again, then finalized again; a CA that never gets ready is left in time")
    func notReady() throws {
        try prepare(["a.test"])
        ca.answer("/order/1", order("ready"), order("ready"), order("valid"))
        ca.answer("/finalize", ScriptedCA.problem("orderNotReady", status: 403), order("processing"))
        #expect(try run(["a.test"]).names == ["a.test"])
        #expect(ca.requests("/finalize").count == 2)
        ca.answer("/order/1", order("ready"))
        ca.answer("/finalize", ScriptedCA.problem("orderNotReady", status: 403))
        #expect(throws: ACMEProblem.late(what: "the certificate")) { try run(["a.test"]) }
    }

    @Test("an order is finalized once, and looked at ever more rarely by a clock that nobody sets, for five minutes")
    func finalizesOnce() throws {
        try prepare(["a.test"])
        // It stays ready for a while.
        ca.answer("/order/1", order("ready"), order("ready"), order("ready"), order("processing"), order("valid"))
        #expect(try run(["a.test"]).names == ["a.test"])
        #expect(ca.requests("/finalize").count == 1)
        for status in ["ready", "processing"] {
            ca.answer("/order/1", order("ready"), order(status))
            let (asked, begin) = (ca.requests.count, clock.uptime)
            // Set back by a year.
            clock.now -= 365 * 86_400
            #expect(throws: ACMEProblem.late(what: "the certificate")) { try run(["a.test"]) }
            #expect((300...340).contains(clock.uptime - begin) && ca.requests.count - asked < 80)
        }
        #expect(ca.requests("/finalize").count == 3)
    }

    @Test("an order that the CA gives up is no name's fault")
    func abandoned() throws {
        try prepare(["a.test"])
        ca.answer("/order/1", ScriptedCA.json(#"{ "status": "invalid", "error": { "detail": "out of order" } }"#))
        #expect(throws: ACMEProblem.abandoned(why: "out of order")) { try run(["a.test"]) }
        ca.answer("/order/1", order("ready"), order("invalid"))
        #expect(throws: ACMEProblem.abandoned(why: "it is invalid")) { try run(["a.test"]) }
    }

    @Test("a limit of the whole CA is told from one of some names")
    func limits() throws {
        try prepare(["a.test"])
        let pause = ["retry-after": "90"]
        for (path, status, isForAll) in [
            ("/order", 429, false), ("/order", 503, true), ("/account", 429, true), ("/nonce", 429, true),
            ("/dir", 503, true),
        ] {
            let ca = ScriptedCA()
            ca.openAccounts()
            ca.answer(path, ScriptedCA.problem("rateLimited", status: status, fields: pause))
            // Answers of others bring no nonces, so that they are asked for.
            if path == "/nonce" { ca.givesNonces = false }
            #expect(throws: ACMEProblem.rateLimited(detail: "because", seconds: 90, isForAll: isForAll), "\(path)") {
                try run(["a.test"], through: ca)
            }
        }
    }

    @Test("all names that fail are told with the CA's words, and what was presented is taken back")
    func failures() throws {
        try prepare(["a.test", "b.test", "c.test"])
        ca.answer(
            "/authorization/a.test",
            ScriptedCA.authorization("a.test", "pending"),
            ScriptedCA.authorization("a.test", "invalid")
        )
        solver.broken = ["c.test"]
        #expect(
            throws: ACMEProblem.challenges([
                Unproven(name: "c.test", why: "broken"), Unproven(name: "a.test", why: "nothing at a.test"),
            ])
        ) { try run(["a.test", "b.test", "c.test"]) }
        #expect(solver.settled == 1 && solver.presented.map(\.name) == ["a.test", "b.test"])
        #expect(Set(solver.withdrawn.map(\.name)) == ["a.test", "b.test", "c.test"])
    }

    @Test("a CA that asks about another name, or names a file by its token, is refused")
    func foreign() throws {
        try prepare(["a.test"])
        for name in ["b.test", "../../etc/passwd", ""] {
            ca.answer("/authorization/a.test", ScriptedCA.authorization(name, "pending"))
            #expect(throws: ACMEProblem.self) { try run(["a.test"]) }
        }
        let other = ScriptedCA.authorization("a.test", "pending")
        let text = String(decoding: other.body, as: UTF8.self).replacing(
            "abcdefghijklmnopqrstuvwxyz-6",
            with: "../../../../../../x"
        )
        ca.answer("/authorization/a.test", ScriptedCA.json(text))
        #expect(throws: ACMEProblem.self) { try run(["a.test"]) }
        #expect(solver.presented.isEmpty)
    }

    @Test("a certificate for another key, for other names, or none, is refused")
    func wrongCertificate() throws {
        try prepare(["a.test"])
        let template = CertificateTemplate(role: .server, names: ["a.test"], notBefore: 0, notAfter: 2_000_000_000)
        let foreign = try Certificate.issue(template, for: accountKey, by: nil)
        for answer in [ScriptedCA.json(foreign.pem), try chain(["b.test"]), ScriptedCA.json("")] {
            ca.answer("/order/1", order("valid"))
            ca.answer("/certificate", answer)
            #expect(throws: ACMEProblem.self) { try run(["a.test"]) }
        }
    }

    @Test("a certificate that has ended, or has not begun, is refused with what both clocks show")
    func dates() throws {
        try prepare(["a.test"])
        let now = clock.now
        for (validity, words) in [
            (now - 900_000...now - 400, "expired at \(UTC.text(now - 400)), where"),
            (now + 900...now + 900_000, "is not valid before \(UTC.text(now + 900)), where"),
        ] {
            ca.answer("/order/1", order("valid"))
            ca.answer("/certificate", try chain(["a.test"], validity))
            let error = #expect(throws: ACMEProblem.self) { try run(["a.test"]) }
            let text = "\(try #require(error))"
            #expect(text.contains(words) && text.contains("this machine's clock shows \(UTC.text(now))"), "\(text)")
        }
        ca.answer("/order/1", order("valid"))
        ca.answer("/certificate", try chain(["a.test"], clock.now + 200...now + 900_000))
        #expect(try run(["a.test"]).names == ["a.test"])
    }

    @Test("replaces goes to a CA that gives renewal information, and is left out when it is refused; a profile stays")
    func wishes() throws {
        try prepare(["a.test"])
        var wishes = ACMEOrder.Wishes()
        wishes.replaces = "a.b"
        wishes.profile = "short"
        let good = order("pending", authorizations: ["a.test"], status: 201)
        ca.answer("/order", ScriptedCA.problem("alreadyReplaced", status: 409), good)
        #expect(try run(["a.test"], wishes).names == ["a.test"])
        let asked = ca.requests("/order").compactMap(\.payload)
        #expect(asked.map { $0["replaces"]?.text } == ["a.b", nil])
        #expect(asked.allSatisfy { $0["profile"]?.text == "short" })
        // A limit is no refusal of what is replaced.
        ca.answer("/order", ScriptedCA.problem("rateLimited", status: 429, fields: ["retry-after": "90"]), good)
        #expect(throws: ACMEProblem.rateLimited(detail: "because", seconds: 90)) { try run(["a.test"], wishes) }
    }

    @Test("no damaged answer traps, is waited for without bound, or has a name answered for that was not asked for")
    func damaged() throws {
        var whole = 0
        for seed in 1...400 as ClosedRange<UInt64> {
            try prepare(["a.test"])
            let (asked, begin) = (ca.requests.count, clock.now)
            if (try? run(["a.test"], through: DamagedCA(ca, seed: seed))) != nil { whole += 1 }
            #expect(ca.requests.count - asked < 500 && clock.now - begin < 86_400, "seed \(seed)")
        }
        #expect(solver.presented.allSatisfy { $0.name == "a.test" && !$0.token.contains { "/.".contains($0) } })
        #expect((1..<400).contains(whole), "neither all nor none is damaged: \(whole)")
    }

    @Test("a lost account's URL is asked for by its key before another account is made")
    func recovery() throws {
        let existing = ScriptedCA.json("{}", fields: ["location": ScriptedCA.base + "/old"])
        ca.answer("/account", existing)
        let session = try session()
        session.forgetAccount()
        try session.register(contact: [], isKnown: true)
        #expect(session.account == ScriptedCA.base + "/old")
        #expect(ca.requests("/account").last?.payload?["onlyReturnExisting"]?.boolean == true)
        session.forgetAccount()
        ca.answer("/account", ScriptedCA.problem("accountDoesNotExist"), existing)
        try session.register(contact: ["a@b.test"], isKnown: true)
        #expect(ca.requests("/account").last?.payload?["contact"]?.items == [.string("mailto:a@b.test")])
    }
}
