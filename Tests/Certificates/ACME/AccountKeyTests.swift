import Certificates
import OpenSSL
import Site
import Testing

@Suite("Another key of an ACME account")
struct AccountKeyTests {
    /// A CA that has something happen before it answers.
    private final class Interrupted: ACMETransport {
        let ca: ScriptedCA
        let path: String
        var before: () throws -> Void = {}

        init(_ ca: ScriptedCA, at path: String) {
            self.ca = ca
            self.path = path
        }

        func send(_ request: ACMERequest) throws(ACMEProblem) -> ACMEResponse {
            if request.url == ScriptedCA.base + path {
                do { try before() } catch { throw .library("\(error)") }
            }
            return try ca.send(request)
        }
    }

    private let scratch: Scratch
    private let settings = ACMESettings(directory: ScriptedCA.base + "/dir")

    init() throws { scratch = try Scratch() }

    private var accounts: ACMEAccountStore { ACMEAccountStore(scratch.store, directory: settings.directory) }

    /// One that has an account, and knows its first key alone.
    private func ca() -> ScriptedCA {
        let ca = ScriptedCA()
        ca.directory = """
            { "newNonce": "\(ScriptedCA.base)/nonce", "newAccount": "\(ScriptedCA.base)/account",
              "newOrder": "\(ScriptedCA.base)/order", "keyChange": "\(ScriptedCA.base)/change" }
            """
        ca.answer("/account", ScriptedCA.json("{}", fields: ["location": ScriptedCA.base + "/mine"]))
        ca.answer("/change", ScriptedCA.json("{}"))
        return ca
    }

    @Test("an order that begins while the CA is told of the new key leaves it alone")
    func besideOrder() throws {
        let first = try accounts.load().key
        let transport = Interrupted(ca(), at: "/change")
        var orders = 0
        transport.before = { [settings, store = scratch.store] in
            let other = self.ca()
            // It does not know the new key yet.
            other.answer("/account", ScriptedCA.problem("accountDoesNotExist"))
            let account = try ACMEAccount(settings, in: store, other)
            orders += try account.use { session throws(ACMEProblem) in session.account == nil ? 0 : 1 }
        }
        let account = try ACMEAccount(settings, in: scratch.store, transport)
        _ = try account.use { session throws(ACMEProblem) in session.account }
        try account.keep()
        try account.changeKey()
        #expect(orders == 1, "the order went on with the key before")
        let kept = try accounts.load()
        #expect(!kept.key.isSame(as: first) && kept.url == ScriptedCA.base + "/mine")
        #expect(!accounts.hasNextKey)
    }

    @Test("an order that is under way when the key is changed is begun anew with the new one")
    func duringOrder() throws {
        for refusal in ["malformed", "unauthorized"] {
            let ca = ca()
            let done = ScriptedCA.json("{}", status: 201)
            ca.answer("/order", done, ScriptedCA.problem(refusal), done)
            let transport = Interrupted(ca, at: "/order")
            var posts = 0
            transport.before = { [settings, store = scratch.store] in
                posts += 1
                if posts == 2 { try ACMEAccount(settings, in: store, self.ca()).changeKey() }
            }
            let account = try ACMEAccount(settings, in: scratch.store, transport)
            var proofs: [String] = []
            try account.use { session throws(ACMEProblem) in
                proofs.append(try session.keyAuthorization("token"))
                for _ in 0..<2 { _ = try session.post("{}", to: ScriptedCA.base + "/order") }
            }
            #expect(proofs.count == 2 && Set(proofs).count == 2 && posts == 4)
            #expect(ca.requests("/order").last?.header["kid"]?.text == ScriptedCA.base + "/mine")
            try account.keep()
            #expect(try accounts.load().url == ScriptedCA.base + "/mine")
        }
    }

    /// What comes of an order in the name of an account whose key and URL are those of before.
    private func order(at ca: ScriptedCA) throws -> String? {
        _ = try accounts.load()
        try accounts.keep(account: ScriptedCA.base + "/before")
        let account = try ACMEAccount(settings, in: scratch.store, ca)
        try account.use { session throws(ACMEProblem) in _ = try session.post("{}", to: ScriptedCA.base + "/order") }
        try account.keep()
        return try accounts.load().url
    }

    @Test(
        "a key that the CA knows no more, and a URL that is none of its accounts', are found out by the key",
        arguments: ["malformed", "unauthorized"]
    )
    func restored(refusal: String) throws {
        let known = ScriptedCA.json("{}", fields: ["location": ScriptedCA.base + "/mine"])
        for isKnown in [true, false] {
            let ca = ca()
            ca.answer("/order", ScriptedCA.problem(refusal), ScriptedCA.json("{}", status: 201))
            if !isKnown { ca.answer("/account", ScriptedCA.problem("accountDoesNotExist"), known) }
            #expect(try order(at: ca) == ScriptedCA.base + "/mine")
            let asked = ca.requests("/account").map { $0.payload?["onlyReturnExisting"]?.boolean ?? false }
            #expect(asked == (isKnown ? [true] : [true, false]))
            #expect(ca.requests("/order").last?.header["kid"]?.text == ScriptedCA.base + "/mine")
        }
    }

    @Test("what is refused for other reasons stays so, and of an account that is no more the error says what to do")
    func refused() throws {
        let ca = ca()
        ca.answer("/order", ScriptedCA.problem("malformed"))
        ca.answer("/account", ScriptedCA.json("{}", fields: ["location": ScriptedCA.base + "/before"]))
        let other = #expect(throws: ACMEProblem.self) { try order(at: ca) }
        #expect("\(other as Any)".contains("/order refused (400, malformed)"), "\(other as Any)")
        #expect(ca.requests("/order").count == 1)
        ca.answer("/order", ScriptedCA.problem("unauthorized", status: 401))
        for answer in [
            ScriptedCA.problem("unauthorized", status: 403), ScriptedCA.json(#"{ "status": "deactivated" }"#),
        ] {
            ca.answer("/account", answer)
            let gone = #expect(throws: ACMEProblem.self) { try order(at: ca) }
            #expect("\(gone as Any)".contains("move \(scratch.store.folder)/acme-accounts/"), "\(gone as Any)")
        }
    }

    @Test("a change that was broken off is ended by the next who speaks to the CA, which says what key it knows")
    func brokenOff() throws {
        for isTaken in [false, true] {
            let first = try accounts.load().key
            let next = try accounts.makeNextKey()
            let ca = ca()
            if !isTaken { ca.answer("/account", ScriptedCA.problem("accountDoesNotExist")) }
            try accounts.keep(account: ScriptedCA.base + "/mine")
            _ = try ACMEAccount(settings, in: scratch.store, ca).use { session throws(ACMEProblem) in session.account }
            #expect(try accounts.load().key.isSame(as: isTaken ? next : first))
            #expect(!accounts.hasNextKey)
        }
    }
}
