import Testing

@testable import OpenSSL

@Suite struct CertificateBundleTests {
    private let ca = TestCA.shared

    private func pem(_ certificates: Certificate...) -> [UInt8] {
        Array(certificates.map(\.pem).joined().utf8)
    }

    private func load(_ chain: [UInt8], _ key: KeyMaterial) throws -> CertificateBundle {
        try CertificateBundle(certificatePEM: chain.span, keyPEM: key.bytes)
    }

    @Test(arguments: PrivateKey.Kind.allCases.filter { ![.rsa3072, .rsa4096].contains($0) })
    func roundTrips(kind: PrivateKey.Kind) throws {
        let made = try ca.server("foobar.com", "*.Foobar.com", "192.0.2.1", "2001:db8::1", kind: kind)
        let read = try load(pem(made.chain[0], made.chain[1]), made.key.pem)
        #expect(read.names == ["foobar.com", "*.foobar.com"])
        #expect(read.leaf.addresses.map(\.count) == [4, 16])
        #expect(read.chain.map(\.der) == made.chain.map(\.der))
        let bytes = try read.serialized()
        let copy = try CertificateBundle(serialized: bytes.bytes)
        #expect(copy.chain.map(\.der) == made.chain.map(\.der))
        #expect(copy.key.belongs(to: made.leaf))
        #expect(
            try Loopback(Make.server([copy]), Make.client { $0.authorities = ca.rootPEM }, name: "foobar.com")
                .handshake().isDone
        )
    }

    @Test func damagedBundlesAreRefused() throws {
        let whole = try ca.server("foobar.com").serialized()
        for count in 0..<whole.count {
            let part = whole.bytes.extracting(0..<count)
            #expect((try? CertificateBundle(serialized: part)) == nil)
        }
        var random = SeededGenerator(state: 7)
        let bytes = (0..<whole.count).map { whole.bytes[$0] }
        for _ in 0..<300 {
            var changed = bytes
            changed[Int.random(in: 0..<changed.count, using: &random)] ^= UInt8.random(in: 1...255, using: &random)
            _ = try? CertificateBundle(serialized: changed.span)
        }
    }

    @Test func whatDoesNotFitIsRefused() throws {
        let mine = try ca.server("foobar.com")
        let other = try ca.server("foobar.com")
        #expect(throws: CertificateError.keyMismatch(subject: "foobar.com")) {
            try load(pem(mine.leaf), other.key.pem)
        }
        #expect(throws: CertificateError.keyMismatch(subject: "CN=Test CA")) {
            try load(pem(ca.intermediate.certificate, mine.leaf), mine.key.pem)
        }
        #expect(throws: CertificateError.noCertificate) { try load(Array("nothing".utf8), mine.key.pem) }
        #expect(throws: CertificateError.noKey) { try PrivateKey(pem: pem(mine.leaf).span) }
        let two = KeyMaterial(joining: mine.key.pem.bytes, other.key.pem.bytes)
        #expect(throws: CertificateError.severalKeys) { try PrivateKey(pem: two.bytes) }
    }

    @Test("a chain with a gap says whether the issuer's certificate is missing, misplaced, or another's of its name")
    func gaps() throws {
        let mine = try ca.server("foobar.com")
        let (intermediate, root) = (ca.intermediate.certificate, ca.root.certificate)
        let other = try TestCA()
        func fault(_ chain: Certificate...) -> CertificateError? {
            return #expect(throws: CertificateError.self) { try CertificateBundle(chain: chain, key: mine.key) }
        }
        func gap(next: String, _ gap: CertificateError.Gap) -> CertificateError {
            .brokenChain(subject: "foobar.com", issuer: "CN=Test CA", next: next, gap)
        }
        let missing = fault(mine.leaf, root)
        #expect(missing == gap(next: "CN=Test root", .missing))
        #expect(missing?.description.contains("issued by CN=Test CA, whose certificate is missing") == true)
        #expect(missing?.description.contains("; add it") == true)
        let namesake = fault(mine.leaf, other.intermediate.certificate)
        #expect(namesake == gap(next: "CN=Test CA", .namesake))
        #expect(namesake?.description.contains("is of that name, but another key signed") == true)
        #expect(namesake?.description.contains("; take the one that its CA gave") == true)
        #expect(fault(mine.leaf, root, intermediate) == gap(next: "CN=Test root", .misplaced))
        // The one that signed is not where it belongs, beside one of its name.
        let doubled = fault(mine.leaf, other.intermediate.certificate, intermediate)
        #expect(doubled == gap(next: "CN=Test CA", .misplaced))
        let last = CertificateError.brokenChain(
            subject: "CN=Test CA",
            issuer: "CN=Test root",
            next: "CN=Test root",
            .namesake
        )
        #expect(fault(mine.leaf, intermediate, other.root.certificate) == last)
    }

    @Test func encryptedKeysAreRefused() {
        for label in ["ENCRYPTED PRIVATE KEY", "RSA PRIVATE KEY"] {
            let header =
                label.hasPrefix("RSA")
                ? "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\n" : ""
            let text = "-----BEGIN \(label)-----\n\(header)MAAwADAA\n-----END \(label)-----\n"
            #expect(throws: CertificateError.encryptedKey) { try PrivateKey(pem: Array(text.utf8).span) }
        }
    }

    @Test func dates() throws {
        let key = try PrivateKey.generate(.ecdsaP256)
        let template = TestCA.template(.server, names: ["foobar.com"], from: 1_000_000_000, until: 1_100_000_000)
        let bundle = try CertificateBundle(chain: [.issue(template, for: key, by: nil)], key: key)
        #expect(bundle.leaf.validity == 1_000_000_000...1_100_000_000)
        try bundle.requireValid(at: 1_000_000_000)
        try bundle.requireValid(at: 1_100_000_000)
        #expect(throws: CertificateError.expired(subject: "foobar.com", since: "2004-11-09T11:33:20Z")) {
            try bundle.requireValid(at: 1_100_000_001)
        }
        #expect(throws: CertificateError.notYetValid(subject: "foobar.com", from: "2001-09-09T01:46:40Z")) {
            try bundle.requireValid(at: 999_999_999)
        }
    }

    @Test("the dates of a root that follows do not count, those of any other issuer do")
    func datesOfRoot() throws {
        func ended(_ role: CertificateTemplate.Role, _ name: String) -> CertificateTemplate {
            TestCA.template(role, name, from: 1_000_000_000, until: 1_100_000_000)
        }
        let root = try Certificate.issue(ended(.root, "Test root"), for: ca.root.key, by: nil)
        let made = try ca.server("foobar.com")
        let whole = try CertificateBundle(chain: made.chain + [root], key: made.key)
        #expect(whole.chain.withoutRoot.map(\.der) == made.chain.map(\.der))
        try whole.requireValid(at: TestCA.now)
        let middle = try Certificate.issue(ended(.intermediate, "Test CA"), for: ca.intermediate.key, by: ca.root)
        let late = try CertificateBundle(chain: [made.leaf, middle, root], key: made.key)
        #expect(throws: CertificateError.expired(subject: "CN=Test CA", since: "2004-11-09T11:33:20Z")) {
            try late.requireValid(at: TestCA.now)
        }
        // By itself it is a server's like any other.
        #expect([root].withoutRoot.count == 1)
    }

    @Test func names() throws {
        for name in ["", "a b", "foo,IP:1.2.3.4", "*.", "a\u{0}b", "*.*.foobar.com"] {
            #expect(throws: OpenSSLError.self) { try ca.server(name) }
        }
        #expect(try ca.client("alice").names.isEmpty)
        #expect(throws: CertificateError.noNames(subject: "CN=alice")) { try ca.client("alice").requireServable() }
    }

    @Test func utc() {
        #expect(UTC.text(0) == "1970-01-01T00:00:00Z")
        #expect(UTC.text(951_782_400) == "2000-02-29T00:00:00Z")
        #expect(UTC.text(-1) == "1969-12-31T23:59:59Z")
        #expect(UTC.text(4_107_542_399) == "2100-02-28T23:59:59Z")
    }
}
