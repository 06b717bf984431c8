import Foundation

/// Holds a certificate against RFC 5280's profile, and against what CA/B's baseline requirements say besides: what zlint
/// does for public CAs. Reads the bytes itself, so that it agrees with OpenSSL by being right alone.
final class CertificateLint {
    enum Role { case root, intermediate, server, client }

    private let role: Role
    private let issuer: CertificateLint?
    private(set) var problems: [String] = []
    private var serial: [UInt8] = []
    private var subject: ArraySlice<UInt8> = []
    private var issuerName: ArraySlice<UInt8> = []
    private var commonNames: [String] = []
    private var extensions: [String: (isCritical: Bool, value: StrictDER)] = [:]
    private(set) var algorithm = ""
    private var validity: ClosedRange<Int64> = 0...0

    /// What is wrong with a certificate; nothing when all is well.
    static func problems(_ der: [UInt8], as role: Role, by issuer: [UInt8]?, lifetime: Int64) -> [String] {
        let above = issuer.map { CertificateLint($0, as: .intermediate, by: nil) }
        let lint = CertificateLint(der, as: role, by: above)
        let length = lint.validity.upperBound - lint.validity.lowerBound + 1
        return lint.problems + (length > lifetime ? ["it lives \(length) s, \(length - lifetime) too long"] : [])
    }

    private init(_ der: [UInt8], as role: Role, by issuer: CertificateLint?) {
        self.role = role
        self.issuer = issuer
        do {
            try read(try StrictDER(der))
            try check()
        } catch {
            problems.append("\(error)")
        }
    }

    private func expect(_ holds: Bool, _ problem: @autoclosure () -> String) {
        if !holds { problems.append(problem()) }
    }

    // MARK: Reading

    private func read(_ certificate: StrictDER) throws {
        guard certificate.tag == 0x30, certificate.children.count == 3 else { throw StrictDER.Fault("no certificate") }
        let (body, outer) = (certificate.children[0], certificate.children[1])
        var parts = body.children[...]
        guard let version = parts.popFirst(), version.tag == 0xA0 else { throw StrictDER.Fault("no version") }
        expect(Array(version.contents) == [0x02, 0x01, 0x02], "it is not of version 3")
        guard parts.count == 7, let last = parts.last, last.tag == 0xA3 else {
            throw StrictDER.Fault("it has other parts than a certificate has (unique identifiers, or no extensions)")
        }
        let fields = Array(parts)
        serial = Array(fields[0].contents)
        expect(outer.whole.elementsEqual(fields[1].whole), "the algorithm of the signature differs in its two places")
        algorithm = fields[1].children.first?.identifier ?? ""
        checkParameters(fields[1])
        issuerName = fields[2].whole
        validity = try moment(fields[3].children[0])...moment(fields[3].children[1])
        subject = fields[4].whole
        commonNames = fields[4].children.flatMap(\.children).filter { $0.children.first?.identifier == "2.5.4.3" }
            .compactMap { $0.children.last.map { String(decoding: $0.contents, as: UTF8.self) } }
        try readExtensions(last)
    }

    /// RFC 5758 and RFC 8410: none for ECDSA and Ed25519; RFC 4055: NULL for RSA.
    private func checkParameters(_ algorithm: StrictDER) {
        let parameters = algorithm.children.dropFirst()
        switch self.algorithm {
        case "1.2.840.113549.1.1.11": expect(parameters.first?.tag == 0x05, "an RSA signature without NULL")
        case "1.2.840.10045.4.3.2", "1.2.840.10045.4.3.3", "1.3.101.112":
            expect(parameters.isEmpty, "parameters where there are none")
        default: problems.append("signed by \(self.algorithm), which is weak or unusual")
        }
    }

    private func readExtensions(_ wrapper: StrictDER) throws {
        for entry in wrapper.children.first?.children ?? [] {
            let parts = entry.children
            guard let name = parts.first?.identifier, let value = parts.last, value.tag == 0x04 else {
                throw StrictDER.Fault("an extension that is none")
            }
            expect(extensions[name] == nil, "the extension \(name) is there twice")
            if parts.count == 3 {
                expect(Array(parts[1].contents) == [0xFF], "\(name) says that it is not critical, which is the default")
            }
            extensions[name] = (parts.count == 3, try StrictDER(value.contents))
        }
    }

    /// RFC 5280, section 4.1.2.5: UTCTime through 2049, GeneralizedTime after, in seconds, by Greenwich.
    private func moment(_ time: StrictDER) throws -> Int64 {
        let text = String(decoding: time.contents, as: UTF8.self)
        let digits = text.dropLast()
        guard text.hasSuffix("Z"), digits.allSatisfy({ $0.isASCII && $0.isNumber }),
            time.tag == 0x17 && text.count == 13 || time.tag == 0x18 && text.count == 15
        else { throw StrictDER.Fault("the time \(text) is not written as RFC 5280 has it") }
        let century = time.tag == 0x18 ? "" : digits.prefix(2) >= "50" ? "19" : "20"
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(identifier: "GMT")
        formatter.dateFormat = "yyyyMMddHHmmss"
        guard let date = formatter.date(from: century + digits) else { throw StrictDER.Fault("no such time: \(text)") }
        let year = Int((century + digits).prefix(4)) ?? 0
        expect(year < 2050 || time.tag == 0x18, "a UTCTime after 2049")
        expect(year >= 2050 || time.tag == 0x17, "a GeneralizedTime before 2050")
        return Int64(date.timeIntervalSince1970)
    }

    // MARK: Checks

    private func check() throws {
        checkSerial()
        try checkConstraints()
        checkUsage()
        checkKeys()
        checkNames()
        if let issuer {
            expect(issuerName.elementsEqual(issuer.subject), "it names another issuer than the one that signed it")
            expect(validity.upperBound <= issuer.validity.upperBound, "it outlives its issuer")
            expect(issuer.validity.lowerBound <= validity.lowerBound, "it begins before its issuer")
        }
        if role == .root { expect(issuerName.elementsEqual(subject), "a root that names another issuer") }
        expect(validity.lowerBound < validity.upperBound, "it ends before it begins")
    }

    /// RFC 5280, section 4.1.2.2; CA/B 7.1: 64 bits of a generator at least. Those of one certificate are too few to see
    /// whether they are random: `ProfileTests` looks at many.
    private func checkSerial() {
        expect(serial.count <= 20, "the serial number has more than 20 octets")
        expect((serial.first ?? 0x80) < 0x80, "the serial number is negative")
        expect(serial.contains { $0 != 0 }, "the serial number is zero")
        expect(serial.count >= 8, "the serial number has fewer than 64 bits")
    }

    private var isAuthority: Bool { role == .root || role == .intermediate }

    private func checkConstraints() throws {
        guard let basic = extensions["2.5.29.19"] else { return problems.append("no basicConstraints") }
        expect(basic.isCritical, "basicConstraints is not critical")
        let isCA = basic.value.children.first.map { $0.tag == 0x01 && Array($0.contents) == [0xFF] } ?? false
        // cA is FALSE by default, which DER leaves out.
        expect(isAuthority ? isCA : basic.value.contents.isEmpty, "basicConstraints does not fit what it is")
        let length = basic.value.children.first { $0.tag == 0x02 }.map { Array($0.contents) }
        expect(length == (role == .intermediate ? [0] : nil), "the path length is \(String(describing: length))")
        if let names = extensions["2.5.29.30"] {
            expect(names.isCritical, "nameConstraints is not critical")
            expect(role == .intermediate, "nameConstraints where it means nothing")
            let subtrees = names.value.children.flatMap(\.children)
            expect(!subtrees.isEmpty, "nameConstraints without a name")
            // minimum is 0, the default; maximum must be absent (section 4.2.1.10).
            expect(subtrees.allSatisfy { $0.children.count == 1 }, "a subtree with bounds")
        }
    }

    private func checkUsage() {
        guard let usage = extensions["2.5.29.15"] else { return problems.append("no keyUsage") }
        expect(usage.isCritical, "keyUsage is not critical")
        // digitalSignature 0, keyEncipherment 2, keyCertSign 5, cRLSign 6.
        let wanted: Set = isAuthority ? [5, 6] : [0]
        let bits = usage.value.bits
        expect(bits == wanted || !isAuthority && bits == [0, 2], "keyUsage is \(bits.sorted())")
        let purposes = extensions["2.5.29.37"]?.value.children.map(\.identifier)
        let (server, client) = ("1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2")
        let fitting: [String]? =
            switch role {
            case .root: nil
            case .intermediate: [server, client]
            case .server: [server]
            case .client: [client]
            }
        expect(purposes == fitting, "extKeyUsage is \(purposes ?? [])")
    }

    private func checkKeys() {
        let own = extensions["2.5.29.14"]
        expect(own.map { !$0.isCritical && $0.value.contents.count >= 8 } ?? false, "no good subjectKeyIdentifier")
        let above = extensions["2.5.29.35"]
        guard let issuer else {
            if role == .root { expect(above == nil, "a root with an authorityKeyIdentifier") }
            return
        }
        let identifier = above?.value.children.first { $0.tag == 0x80 }?.contents
        let wanted = issuer.extensions["2.5.29.14"]?.value.contents
        expect(identifier.map(Array.init) == wanted.map(Array.init), "authorityKeyIdentifier is not the issuer's key")
        expect(above?.isCritical == false && above?.value.children.count == 1, "authorityKeyIdentifier has too much")
    }

    private func checkNames() {
        let names = extensions["2.5.29.17"]
        let isEmpty = subject.count == 2
        switch role {
        case .root, .intermediate:
            expect(!isEmpty && names == nil, "a CA needs a subject, and no alternative names")
        case .client:
            expect(!isEmpty, "nobody is named")
        case .server:
            guard let names else { return problems.append("no subjectAltName") }
            // Section 4.2.1.6, and CA/B 7.1.2.7.12.
            expect(names.isCritical == isEmpty, "subjectAltName is critical when the subject is empty, and only then")
            let texts = names.value.children.filter { $0.tag == 0x82 }.map {
                String(decoding: $0.contents, as: UTF8.self)
            }
            let addresses = names.value.children.filter { $0.tag == 0x87 }
            expect(texts.count + addresses.count == names.value.children.count, "a name of another kind")
            expect(texts.count + addresses.count > 0, "no names")
            expect(addresses.allSatisfy { [4, 16].contains($0.contents.count) }, "an address of another length")
            expect(
                texts.allSatisfy { !$0.isEmpty && $0 == $0.lowercased() && $0.utf8.allSatisfy { $0 < 0x80 } },
                "\(texts)"
            )
            expect(commonNames.allSatisfy(texts.contains), "a common name that is no alternative name")
        }
    }
}
