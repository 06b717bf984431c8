import Certificates
import Foundation
import OpenSSL
import Testing

@Suite("Promises of transparency logs in a certificate")
struct TransparencyTests {
    private static let now = Int64(Date().timeIntervalSince1970)
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    /// One promise (RFC 6962, section 3.2) of a log, at a moment.
    private static func promise(log: UInt8, at seconds: Int64 = now - 60, version: UInt8 = 0) -> [UInt8] {
        let moment = UInt64(seconds) * 1000
        return [version] + [UInt8](repeating: log, count: 32)
            + stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: moment >> UInt64($0)) }
            + [0, 0, 4, 3, 0, 4, 1, 2, 3, 4]
    }

    private static func vector(_ bytes: [UInt8]) -> [UInt8] {
        [UInt8(truncatingIfNeeded: bytes.count >> 8), UInt8(truncatingIfNeeded: bytes.count)] + bytes
    }

    /// The value of the extension: an OCTET STRING with the list.
    private static func list(_ promises: [[UInt8]]) -> [UInt8] { string(vector(promises.flatMap(vector))) }

    private static func string(_ bytes: [UInt8]) -> [UInt8] {
        precondition((128..<65_536).contains(bytes.count) || bytes.count < 128)
        return [4] + (bytes.count < 128 ? [UInt8(bytes.count)] : [0x82] + vector(bytes).prefix(2)) + bytes
    }

    private var chain: String { scratch.path + "/signed.crt" }
    private var key: String { scratch.path + "/signed.key" }

    /// A certificate with extensions, of which openssl is told nothing but the bytes, and the CA that signs itself.
    private func bundle(_ extensions: [String: [UInt8]]) throws -> CertificateBundle {
        let further = extensions.sorted { $0.key < $1.key }.flatMap { name, value in
            [
                "-addext",
                "\(name)=DER:" + value.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":"),
            ]
        }
        let names = ["-days", "10", "-subj", "/CN=foobar.test", "-addext", "subjectAltName=DNS:foobar.test"]
        _ = try RealTools.selfSigned(in: scratch, names + further)
        return try CertificateSource.load(certificate: chain, key: key)
    }

    private static let timestamps = "1.3.6.1.4.1.11129.2.4.2"
    private static let poison = "1.3.6.1.4.1.11129.2.4.3"

    private func refusal(_ value: [UInt8]?, authorities: String = "/nonexistent") throws -> String? {
        let bundle = try bundle(value.map { [Self.timestamps: $0] } ?? [:])
        do throws(CertificateError) {
            try Transparency.require(of: bundle, at: Self.now, authorities: authorities)
            return nil
        } catch {
            return error.description
        }
    }

    @Test("two logs or more, or none at all, are good; a private CA's one is, too")
    func good() throws {
        let (one, two) = (Self.promise(log: 1), Self.promise(log: 2))
        for value in [nil, Self.list([one, two]), Self.list([two, one, one]), Self.list([one])] {
            #expect(try refusal(value) == nil)
        }
        // A later version is nothing that is known, and no fault.
        #expect(try refusal(Self.list([one, two, Self.promise(log: 3, version: 1)])) == nil)
        let promises = try bundle([Self.timestamps: Self.list([one, two])]).leaf.signedTimestamps()
        #expect(promises?.map(\.log.first) == [1, 2])
        #expect(promises?.first?.milliseconds == UInt64(Self.now - 60) * 1000)
    }

    @Test("what is malformed, or of the future, or too little of a public CA, is refused")
    func bad() throws {
        let (one, two) = (Self.promise(log: 1), Self.promise(log: 2))
        let late = Self.promise(log: 2, at: Self.now + 86_400)
        #expect(try refusal(Self.list([one, late]))?.contains("yet to come") == true)
        for damaged in [
            Self.list([]), Self.list([one, []]), Self.list([one, two.dropLast()]), Self.list([one, two + [0]]),
            Self.string(Self.vector(Self.vector(one)) + [0]), Self.list([one, two]) + [0], [5, 0],
        ] {
            #expect(try refusal(damaged)?.contains("malformed") == true, "\(damaged)")
        }
        // It signs itself, and stands among the machine's authorities.
        let bundle = try bundle([Self.timestamps: Self.list([one, one])])
        let machine = try scratch.write("authorities", bundle.leaf.pem)
        let problem = #expect(throws: CertificateError.self) {
            try Transparency.require(of: bundle, at: Self.now, authorities: machine)
        }
        #expect(problem?.description.contains("the promise of 1 transparency log") == true)
        let poisoned = try self.bundle([Self.poison: [5, 0]])
        #expect(throws: CertificateError.self) { try Transparency.require(of: poisoned, at: Self.now) }
        // The gate for files and imports is the same. By now the certificate is valid, whenever it was made.
        let now = Int64(Date().timeIntervalSince1970)
        let refused = #expect(throws: CertificateProblem.self) {
            try CertificateSource.load(certificate: chain, key: key, now: now)
        }
        #expect(refused?.description.contains("precertificate") == true, "\(String(describing: refused))")
    }
}
