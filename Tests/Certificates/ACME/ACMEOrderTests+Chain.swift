import Certificates
import OpenSSL
import Testing

extension ACMEOrderTests {
    @Test("a chain whose issuer has ended or not begun is refused, not for its root alone, nor where another is good")
    func issuers() throws {
        try prepare(["a.test"])
        let now = clock.now
        let (good, over) = (now - 900_000...now + 900_000, now - 900_000...now - 400)
        let keys = (root: try PrivateKey.generate(.ecdsaP256), issuer: try PrivateKey.generate(.ecdsaP256))
        func chain(issuer: ClosedRange<Int64>, root: ClosedRange<Int64>, _ link: String = "") throws -> ACMEResponse {
            func issue(
                _ role: CertificateTemplate.Role,
                _ name: String,
                _ span: ClosedRange<Int64>,
                for key: PrivateKey,
                by authority: Certificate.Authority?
            ) throws -> Certificate.Authority {
                var template = CertificateTemplate(role: role, notBefore: span.lowerBound, notAfter: span.upperBound)
                if name == "a.test" { template.names = [name] } else { template.commonName = name }
                return .init(certificate: try Certificate.issue(template, for: key, by: authority), key: key)
            }
            let top = try issue(.root, "Root", root, for: keys.root, by: nil)
            let middle = try issue(.intermediate, "Issuer", issuer, for: keys.issuer, by: top)
            let leaf = try issue(.server, "a.test", good, for: key, by: middle)
            let pem = [leaf, middle, top].map(\.certificate.pem).joined()
            return ScriptedCA.json(pem, fields: link.isEmpty ? [:] : ["link": "<\(link)>;rel=\"alternate\""])
        }
        ca.answer("/order/1", order("valid"))
        for (span, words) in [
            (over, "the certificate of CN=Issuer, which expired at \(UTC.text(now - 400)), where"),
            (now + 900...now + 900_000, "of CN=Issuer, which is not valid before \(UTC.text(now + 900)), where"),
        ] {
            ca.answer("/certificate", try chain(issuer: span, root: good))
            let error = #expect(throws: ACMEProblem.self) { try run(["a.test"]) }
            let text = "\(try #require(error))"
            #expect(text.contains(words), "\(text)")
        }
        for (root, count) in [(good, 3), (over, 2)] {
            ca.answer("/certificate", try chain(issuer: good, root: root))
            #expect(try run(["a.test"]).chain.count == count)
        }
        ca.answer("/certificate", try chain(issuer: over, root: good, ScriptedCA.base + "/other"))
        ca.answer("/other", try chain(issuer: good, root: good))
        for wanted in [nil, "Root", "Elsewhere"] as [String?] {
            var wishes = ACMEOrder.Wishes()
            wishes.chain = wanted
            #expect(try run(["a.test"], wishes).chain[1].validity == good, "\(wanted ?? "none")")
        }
    }
}
