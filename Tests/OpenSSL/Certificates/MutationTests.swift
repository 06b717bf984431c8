import Testing

@testable import OpenSSL

/// Files of certificates and keys, damaged in all ways: the same at each run, for the fuzzer (Fuzz/PEM) draws at random.
@Suite("Damaged certificates and keys")
struct MutationTests {
    private var dice = SeededGenerator(state: 47)

    private mutating func damaged(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for _ in 0...Int.random(in: 0...2, using: &dice) where !bytes.isEmpty {
            let place = Int.random(in: 0..<bytes.count, using: &dice)
            let end = min(bytes.count, place + Int.random(in: 1...40, using: &dice))
            switch Int.random(in: 0..<6, using: &dice) {
            case 0: bytes[place] ^= UInt8(1 << Int.random(in: 0..<8, using: &dice))
            case 1: bytes.removeSubrange(place...)
            case 2: bytes.removeSubrange(place..<end)
            case 3: bytes.insert(contentsOf: bytes[place..<end], at: place)
            // Lengths and tags of DER that mean much.
            case 4: bytes[place] = [0x00, 0x30, 0x7F, 0x80, 0x82, 0x84, 0xFF][Int.random(in: 0..<7, using: &dice)]
            default: bytes[place] = UInt8.random(in: 0...255, using: &dice)
            }
        }
        return bytes
    }

    /// Whatever can be asked of a certificate has an answer, and it is written as it is read.
    private func look(at certificate: Certificate) throws {
        _ = (certificate.subject, certificate.issuer, certificate.dnsNames, certificate.addresses)
        _ = (certificate.authorityKeyIdentifier, certificate.serialNumber, certificate.pem)
        #expect(certificate.validity.lowerBound <= certificate.validity.upperBound)
        let der = certificate.der
        #expect(try Certificate(der: der.span).der == der)
    }

    @Test("PEM and DER of chains and keys: none traps, and what is read fits", arguments: PrivateKey.Kind.allCases)
    mutating func files(kind: PrivateKey.Kind) throws {
        let bundle = try TestCA.shared.server("foobar.com", "*.foobar.com", kind: kind)
        let secret = bundle.key.pem
        let pem = Array(bundle.chain.map(\.pem).joined().utf8) + (0..<secret.count).map { secret.bytes[$0] }
        let der = bundle.leaf.der
        for _ in 0..<150 {
            let text = damaged(pem)
            let chain = (try? Certificate.load(pem: text.span)) ?? []
            for certificate in chain { try look(at: certificate) }
            if let key = try? PrivateKey(pem: text.span), let whole = try? CertificateBundle(chain: chain, key: key) {
                #expect(whole.key.belongs(to: whole.leaf))
            }
            if let certificate = try? Certificate(der: damaged(der).span) { try look(at: certificate) }
        }
    }

    @Test("a bundle of another process, cut or changed, is refused or has its parts")
    mutating func serialized() throws {
        let whole = try TestCA.shared.server("foobar.com").serialized()
        let bytes = (0..<whole.count).map { whole.bytes[$0] }
        for _ in 0..<500 {
            guard let read = try? CertificateBundle(serialized: damaged(bytes).span) else { continue }
            #expect(!read.fingerprint.isEmpty)
            // Keys and certificates that are none are nil, and not a trap, where a handshake would use them.
            _ = read.material
        }
    }
}
