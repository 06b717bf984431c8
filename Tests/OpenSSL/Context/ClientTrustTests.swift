import Testing

@testable import OpenSSL

/// Lists of revoked certificates: whose clients they let in, and which lists are taken.
@Suite("Lists of revoked clients' certificates")
struct ClientTrustTests {
    private let ca = TestCA.shared
    private var authorities: [UInt8] { ca.rootPEM + Array(ca.intermediate.certificate.pem.utf8) }

    /// A list of one CA; by default of now.
    private func list(
        _ revoked: [Certificate] = [],
        by authority: Certificate.Authority,
        until end: Int64 = 4_000_000_000
    ) throws -> RevocationList {
        try RevocationList(
            revoked.map { .init(serial: $0.serialNumber, moment: 1_700_000_000, reason: 1) },
            number: 1,
            update: 1_600_000_000...end,
            by: authority
        )
    }

    private func server(_ lists: RevocationList..., keys: TicketKeys? = nil) throws -> TLSContext {
        let pem = Array(lists.map(\.pem).joined().utf8)
        return try Make.server([ca.server("foobar.com")], keys: keys) {
            $0.clientCertificates = .init(authorities: authorities, revocationLists: pem, mode: .require)
        }
    }

    private func outcome(
        of client: CertificateBundle,
        at server: TLSContext,
        _ version: TLSVersion = .tls13
    ) throws -> Loopback {
        try Loopback(server, Make.client(version) { $0.certificate = client }, name: "foobar.com").handshake()
    }

    @Test("who is listed is refused, and nobody else", arguments: [TLSVersion.tls12, .tls13])
    func revoked(version: TLSVersion) throws {
        let (alice, bob) = (try ca.client("alice"), try ca.client("bob"))
        let server = try server(list([alice.leaf], by: ca.intermediate))
        let refused = try outcome(of: alice, at: server, version)
        #expect(refused.serverProgress.reason == .clientCertificateRevoked)
        let taken = try outcome(of: bob, at: server, version)
        #expect(taken.isDone && taken.server.peerSubject == "CN=bob")
    }

    @Test("a CA above that has been revoked takes its clients with it; one without a list does not")
    func above() throws {
        let bob = try ca.client("bob")
        let own = try list(by: ca.intermediate)
        #expect(try outcome(of: bob, at: server(own, list(by: ca.root))).isDone)
        let gone = try server(own, list([ca.intermediate.certificate], by: ca.root))
        #expect(try outcome(of: bob, at: gone).serverProgress.reason == .clientCertificateRevoked)
        let without = try server(list(by: ca.root))
        #expect(try outcome(of: bob, at: without).serverProgress.reason == .revocationListMissing)
    }

    @Test("a list that has ended lets nobody in, of several by one CA the one that holds counts")
    func ended() throws {
        let (alice, bob) = (try ca.client("alice"), try ca.client("bob"))
        let old = try list(by: ca.intermediate, until: 1_600_000_100)
        let stale = try server(old)
        #expect(stale.revocationListsEnd == 1_600_000_100)
        #expect(try outcome(of: bob, at: stale).serverProgress.reason == .revocationListExpired)
        let renewed = try server(old, list([alice.leaf], by: ca.intermediate))
        #expect(renewed.revocationListsEnd == 4_000_000_000)
        #expect(try outcome(of: bob, at: renewed).isDone)
        #expect(try outcome(of: alice, at: renewed).serverProgress.reason == .clientCertificateRevoked)
    }

    @Test("no session is resumed under another list, or one that has ended", arguments: [TLSVersion.tls12, .tls13])
    func resumption(version: TLSVersion) throws {
        let bob = try ca.client("bob")
        let keys = try TicketKeys()
        let before = try server(list(by: ca.intermediate), keys: keys)
        let first = try outcome(of: bob, at: before, version)
        func resumes(at context: TLSContext) throws -> Bool {
            let client = try Make.client(version) { $0.certificate = bob }
            let pair = try Loopback(context, client, name: "foobar.com", resuming: first.ticket).handshake()
            return pair.isDone && pair.server.isResumed
        }
        #expect(try resumes(at: before))
        #expect(try !resumes(at: server(list([bob.leaf], by: ca.intermediate), keys: keys)))
        before.revocationListsEnd = 1_600_000_000
        #expect(try !resumes(at: before))
    }

    @Test("lists of others, empty, cut and binary ones are refused in words")
    func unusable() throws {
        let own = try list(by: ca.intermediate)
        let foreign = try list(by: TestCA().intermediate)
        let cases: [([UInt8], String)] = [
            (Array(foreign.pem.utf8), "signed by none of the CAs"), ([], "there is no list"), (own.der, "binary (DER)"),
            (Array((own.pem + foreign.pem).utf8), "signed by none of the CAs"),
            (Array(own.pem.utf8.prefix(200)), "cut short"), (ca.rootPEM, "there is no list"),
            (Array("-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n".utf8), "cannot be read"),
        ]
        for (lists, words) in cases {
            let error = #expect(throws: OpenSSLError.self) {
                try ClientTrust(.init(authorities: authorities, revocationLists: lists, mode: .require))
            }
            #expect(error?.description.contains(words) == true, "\(words): \(error?.description ?? "nothing")")
        }
    }

    @Test("a damaged list never traps, and is taken only where what its CA signed is unharmed")
    func damaged() throws {
        let seed = UInt64.random(in: 0 ... .max)
        print("seed \(seed)")
        var random = SeededGenerator(state: seed)
        let own = try list([ca.client("alice").leaf], by: ca.intermediate)
        var refusals = 0
        for _ in 0..<300 {
            var bytes = own.der
            bytes[Int.random(in: 0..<bytes.count, using: &random)] ^= 1 << Int.random(in: 0..<8, using: &random)
            let pem = PEM.text(of: bytes)
            do {
                let lists = Array(pem.utf8)
                let trust = try ClientTrust(.init(authorities: authorities, revocationLists: lists, mode: .require))
                // A signature has bits that say nothing.
                #expect(trust.listsEnd == 4_000_000_000, "\(bytes)")
            } catch {
                refusals += 1
            }
        }
        #expect(refusals > 250)
    }

    /// PEM of any bytes.
    private enum PEM {
        static func text(of bytes: [UInt8]) -> String {
            let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
            var text: [UInt8] = []
            for start in stride(from: 0, to: bytes.count, by: 3) {
                let part = bytes[start..<min(start + 3, bytes.count)]
                let bits = part.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - part.count))
                for place in 0..<4 {
                    text.append(place <= part.count ? digits[bits >> (18 - 6 * place) & 63] : UInt8(ascii: "="))
                }
                if text.count % 65 == 64 { text.append(10) }
            }
            return "-----BEGIN X509 CRL-----\n\(String(decoding: text, as: UTF8.self))\n-----END X509 CRL-----\n"
        }
    }

    @Test("a client without a subject is told by its certificate's fingerprint")
    func noSubject() throws {
        let key = try PrivateKey.generate(.ecdsaP256)
        let leaf = try Certificate.issue(TestCA.template(.client, names: ["a.example"]), for: key, by: ca.intermediate)
        let client = try CertificateBundle(chain: [leaf, ca.intermediate.certificate], key: key)
        #expect(leaf.subject.isEmpty)
        let pair = try outcome(of: client, at: server(list(by: ca.intermediate)))
        #expect(pair.server.peerSubject == "sha256:\(leaf.fingerprint)")
    }
}
