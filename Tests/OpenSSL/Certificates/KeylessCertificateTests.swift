import Synchronization
import Testing

@testable import OpenSSL

@Suite("Certificates that are read without their public keys")
struct KeylessCertificateTests {
    private let ca = TestCA.shared

    /// All that is asked of one without its key, and what its key is asked for.
    private struct Facts: Equatable {
        let der: [UInt8]
        let texts: [String]
        let validity: ClosedRange<Int64>
        let names: [String]
        let addresses: [[UInt8]]
        let identifiers: [[UInt8]?]
        let isIssued: [Bool]
        /// The same with issuers that are read without their keys.
        let isIssuedByBare: [Bool]
        let isSelfSigned: Bool
        let faults: [String?]
        let hasUnnamedCurve: Bool

        init(_ certificate: Certificate, _ ca: TestCA) {
            der = certificate.der
            texts = [certificate.subject, certificate.issuer, certificate.label, certificate.pem]
            validity = certificate.validity
            names = certificate.dnsNames
            addresses = certificate.addresses
            identifiers = [
                certificate.serialNumber, certificate.authorityKeyIdentifier, certificate.subjectKeyIdentifier,
            ]
            let issuers = [ca.root.certificate, ca.intermediate.certificate]
            let bare = issuers.compactMap { try? Certificate(der: $0.der.span, isKeyWanted: false) }
            isIssued = issuers.map { certificate.isIssued(by: $0) } + issuers.map { certificate.isPermitted(by: $0) }
            isIssuedByBare =
                bare.map { certificate.isIssued(by: $0) } + bare.map { certificate.isPermitted(by: $0) }
            isSelfSigned = certificate.isSelfSigned
            faults = [certificate.faultOfStrength(), certificate.faultAsServer]
            hasUnnamedCurve = certificate.hasUnnamedCurve
        }
    }

    @Test("say the same as those that are read with them", arguments: PrivateKey.Kind.allCases)
    func alike(kind: PrivateKey.Kind) throws {
        let made = try ca.server("foobar.com", "*.foobar.com", "192.0.2.1", kind: kind)
        for certificate in made.chain + [ca.root.certificate] {
            let der = certificate.der
            let without = Facts(try Certificate(der: der.span, isKeyWanted: false), ca)
            #expect(without == Facts(try Certificate(der: der.span), ca))
            #expect(without.isIssuedByBare == without.isIssued)
            #expect(without.isSelfSigned == (der == ca.root.certificate.der))
        }
        #expect(made.leaf.isIssued(by: ca.intermediate.certificate) && !made.leaf.isIssued(by: ca.root.certificate))
        let read = try Certificate.load(pem: Array(made.leaf.pem.utf8).span)[0]
        #expect(made.key.belongs(to: read) && made.key.isSpelled(in: read) == (made.key.algorithm == .ecdsa))
        #expect(try !PrivateKey.generate(.ecdsaP256).isSpelled(in: read))
    }

    @Test(
        "and are refused, or verified, as those are, whichever bit of them is another",
        arguments: [PrivateKey.Kind.ecdsaP256, .ecdsaP384, .rsa2048]
    )
    func changed(kind: PrivateKey.Kind) throws {
        let made = try ca.server("foobar.com", kind: kind)
        let whole = made.leaf.der
        for index in whole.indices {
            var changed = whole
            changed[index] ^= 1 << UInt8(index % 8)
            let (with, without) = (
                try? Certificate(der: changed.span), try? Certificate(der: changed.span, isKeyWanted: false)
            )
            #expect((with == nil) == (without == nil), "byte \(index)")
            guard let with, let without else { continue }
            let issuer = ca.intermediate.certificate
            #expect(without.isIssued(by: issuer) == with.isIssued(by: issuer), "byte \(index)")
            #expect(!without.isIssued(by: issuer), "byte \(index)")
            #expect(made.key.belongs(to: without) == made.key.belongs(to: with), "byte \(index)")
            #expect(Facts(without, ca) == Facts(with, ca), "byte \(index)")
        }
    }

    @Test(
        "and have the usual public keys without a search through OpenSSL's decoders",
        arguments: [PrivateKey.Kind.ecdsaP256, .ecdsaP384, .rsa2048]
    )
    func plain(kind: PrivateKey.Kind) throws {
        let made = try ca.server("foobar.com", kind: kind)
        let der = made.leaf.der
        for _ in 0..<100 {
            let read = try Certificate(der: der.span, isKeyWanted: false)
            #expect(made.key.belongs(to: read))
            let isPlain = read.plainKey.load() != nil
            #expect(isPlain)
        }
    }

    @Test("by any number of threads at once, who share some of them and read others")
    func together() async throws {
        let made = try ca.server("foobar.com")
        // Of the same names.
        let other = try TestCA().root.certificate.der
        let chain = made.chain.map(\.der) + [ca.root.certificate.der]
        for round in 0..<40 {
            let shared = try chain.map { try Certificate(der: $0.span, isKeyWanted: false) }
            let verdicts = await withTaskGroup(of: [Bool].self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        let read = chain.compactMap { try? Certificate(der: $0.span, isKeyWanted: false) }
                        let stranger = try? Certificate(der: other.span, isKeyWanted: false)
                        guard read.count == 3, let stranger else { return [] }
                        return [
                            shared[0].isIssued(by: shared[1]), shared[1].isIssued(by: shared[2]),
                            read[0].isIssued(by: shared[1]), shared[1].isIssued(by: read[2]),
                            !shared[0].isIssued(by: shared[2]), !shared[1].isIssued(by: stranger),
                            shared[2].isSelfSigned, !shared[1].isSelfSigned,
                        ]
                    }
                }
                return await group.reduce(into: [Bool]()) { $0 += $1 }
            }
            #expect(verdicts == [Bool](repeating: true, count: 64), "round \(round)")
        }
    }
}
