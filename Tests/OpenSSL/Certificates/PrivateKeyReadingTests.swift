import Foundation
import OpenSSL
import Testing

/// Keys in the forms that tools write, read by our own reader where it knows them and by OpenSSL's where not.
@Suite("Private keys from PEM")
struct PrivateKeyReadingTests {
    @Test("every kind of key comes back as it was, and its certificate knows it", arguments: PrivateKey.Kind.allCases)
    func kinds(kind: PrivateKey.Kind) throws {
        let key = try PrivateKey.generate(kind)
        let pem = key.pem
        let copy = try PrivateKey(pem: pem.bytes)
        #expect(copy.kind == kind)
        let template = CertificateTemplate(role: .server, names: ["a.test"], notBefore: 0, notAfter: 1 << 31)
        let certificate = try Certificate.issue(template, for: key, by: nil)
        #expect(copy.belongs(to: certificate))
        let serialized = try copy.serialized()
        #expect(try PrivateKey(serialized: serialized.bytes).belongs(to: certificate))
    }

    @Test("a key with the public half of another is refused", arguments: [PrivateKey.Kind.ecdsaP256, .ecdsaP384])
    func halves(kind: PrivateKey.Kind) throws {
        func der() throws -> Data {
            let pem = try PrivateKey.generate(kind).pem
            let lines = String(decoding: (0..<pem.count).map { pem.bytes[$0] }, as: UTF8.self).split(separator: "\n")
            return try #require(Data(base64Encoded: lines.dropFirst().dropLast().joined()))
        }
        func pem(_ der: Data) -> [UInt8] {
            let text = der.base64EncodedString(options: [.lineLength64Characters, .endLineWithLineFeed])
            return Array("-----BEGIN PRIVATE KEY-----\n\(text)\n-----END PRIVATE KEY-----\n".utf8)
        }
        let (one, other) = (try der(), try der())
        let whole = pem(one)
        #expect(try PrivateKey(pem: whole.span).kind == kind)
        // What a key ends with is its point.
        let point = kind == .ecdsaP256 ? 64 : 96
        let mixed = pem(one.dropLast(point) + other.suffix(point))
        #expect(throws: CertificateError.self) { try PrivateKey(pem: mixed.span) }
    }

    @Test("no cut and no flipped bit of a key traps, and none gives a key whose halves do not fit")
    func damaged() throws {
        let seed = UInt64.random(in: 0 ... .max)
        print("private keys: seed \(seed)")
        var state = seed | 1
        func draw(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        let key = try PrivateKey.generate(.ecdsaP256)
        let template = CertificateTemplate(role: .server, names: ["a.test"], notBefore: 0, notAfter: 1 << 31)
        let certificate = try Certificate.issue(template, for: key, by: nil)
        let pem = key.pem
        let text = (0..<pem.count).map { pem.bytes[$0] }
        for end in 0..<text.count - 40 {
            let part = Array(text.prefix(end))
            #expect((try? PrivateKey(pem: part.span)) == nil, "cut at \(end)")
        }
        for _ in 0..<300 {
            var changed = text
            changed[draw(text.count)] ^= UInt8(1 << draw(8))
            if let read = try? PrivateKey(pem: changed.span) { #expect(read.belongs(to: certificate)) }
        }
    }
}
