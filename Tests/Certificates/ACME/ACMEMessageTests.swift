import Certificates
import Foundation
import Linux
import OpenSSL
import Site
import Testing

/// The parts of ACME's messages.
@Suite("ACME's messages") struct ACMEMessageTests {
    private static let now: Int64 = 1_790_000_000

    private func answer(_ fields: [String: String] = [:], _ body: String = "") -> ACMEResponse {
        ACMEResponse(status: 200, fields: fields, body: Array(body.utf8))
    }

    @Test("a refusal with parts: each part's name, words and kind")
    func parts() {
        let body = """
            { "type": "urn:ietf:params:acme:error:malformed", "detail": "some names cannot be issued for",
              "subproblems": [
                { "type": "urn:ietf:params:acme:error:caa", "detail": "a record forbids it",
                  "identifier": { "type": "dns", "value": "a.test" } },
                { "type": "urn:ietf:params:acme:error:rejectedIdentifier", "detail": "not here",
                  "identifier": { "type": "dns", "value": "b.test" } } ] }
            """
        let answer = ACMEResponse(status: 400, fields: [:], body: Array(body.utf8))
        let words =
            "some names cannot be issued for; a.test: a record forbids it (caa); b.test: not here (rejectedIdentifier)"
        #expect(
            ACMESession.problem(answer, "/order", now: 0)
                == .refused(
                    url: "/order",
                    status: 400,
                    type: "malformed",
                    detail: words,
                    names: ["a.test", "b.test"]
                )
        )
    }

    @Test(
        "a refusal without parts that is about names is about those in its words, and another about none",
        arguments: [
            ("rejectedIdentifier", #"Error creating new order :: Cannot issue for "A.test": forbidden"#, ["a.test"]),
            ("caa", "While processing CAA for *.a.test: CAA record for a.test prevents it.", ["*.a.test", "a.test"]),
            ("unsupportedIdentifier", "2001:db8::1 is an address", ["2001:db8::1"]),
            ("rejectedIdentifier", "Nothing of it.", [String]()), ("malformed", "a.test is no name", []),
        ]
    )
    func names(type: String, detail: String, names: [String]) {
        let document = JSONValue.object([
            .init("type", .string("urn:ietf:params:acme:error:" + type)), .init("detail", .string(detail)),
        ])
        let answer = ACMEResponse(status: 400, fields: [:], body: Array(document.line.utf8))
        #expect(
            ACMESession.problem(answer, "/order", now: 0)
                == .refused(url: "/order", status: 400, type: type, detail: detail, names: names)
        )
    }

    @Test("where a person is to agree to other terms, and which they are, is told; of other refusals it is not")
    func terms() {
        func told(_ type: String, _ fields: [String: String], _ instance: String) -> String {
            let body = #"{ "type": "urn:ietf:params:acme:error:\#(type)", "detail": "other terms"\#(instance) }"#
            let answer = ACMEResponse(status: 403, fields: fields, body: Array(body.utf8))
            return "\(ACMESession.problem(answer, "/order", now: 0))"
        }
        let link = ["link": "<https://ca/dir>;rel=\"index\", <https://ca/terms>;rel=\"terms-of-service\""]
        let instance = #", "instance": "https://ca/agree""#
        let begin = "/order refused (403, userActionRequired): other terms"
        #expect(
            told("userActionRequired", link, instance)
                == begin + "; the terms are https://ca/terms; https://ca/agree says what is to be done"
        )
        #expect(told("userActionRequired", [:], "") == begin)
        #expect(told("unauthorized", link, instance) == "/order refused (403, unauthorized): other terms")
    }

    @Test("Retry-After in seconds and as a date; what is neither is none")
    func retryAfter() {
        #expect(answer(["retry-after": "120"]).retryAfter(now: Self.now) == 120)
        #expect(answer(["retry-after": "-5"]).retryAfter(now: Self.now) == 0)
        // 1_790_000_000 is Mon, 21 Sep 2026 14:13:20 GMT.
        #expect(answer(["retry-after": "Mon, 21 Sep 2026 14:15:20 GMT"]).retryAfter(now: Self.now) == 120)
        #expect(answer(["retry-after": "Mon, 21 Sep 2020 14:15:20 GMT"]).retryAfter(now: Self.now) == 0)
        #expect(answer(["retry-after": "Monday, 21-Sep-26 14:15:20 GMT"]).retryAfter(now: Self.now) == 120)
        #expect(answer(["retry-after": "Mon Sep 21 14:15:20 2026"]).retryAfter(now: Self.now) == 120)
        for text in ["Monday, 21-Sep-2026 14:15:20 GMT", "Mon Sep 21 14:15 2026", "21-Sep GMT", "a b c d e"] {
            #expect(answer(["retry-after": text]).retryAfter(now: Self.now) == nil, "\(text)")
        }
        #expect(answer(["retry-after": "soon"]).retryAfter(now: Self.now) == nil)
        #expect(answer().retryAfter(now: Self.now) == nil)
    }

    @Test("what a CA says is told in one line, without what a terminal obeys and without empty words")
    func words() {
        let url = "https://a/order"
        func refused(_ status: Int, _ type: String, _ detail: String) -> String {
            "\(ACMEProblem.refused(url: url, status: status, type: type, detail: detail))"
        }
        let forged = refused(403, "caa", "x\ngatehouse: y\u{1B}[31m")
        #expect(forged == #"\#(url) refused (403, caa): x\u{A}gatehouse: y\u{1B}[31m"#)
        #expect(refused(503, "about:blank", "") == "\(url) refused with status 503")
        #expect(refused(400, "malformed", "") == "\(url) refused (400, malformed)")
        #expect(refused(0, "invalidProfile", "there is no profile x") == "\(url): there is no profile x")
        let now = "\(ACMEProblem.rateLimited(detail: "x", seconds: 90))"
        #expect(now == "the CA wants to be left alone, and is for 90 s: x")
    }

    @Test("links of a relation")
    func links() {
        let fields = [
            "link": "<https://a/1>;rel=\"alternate\", <https://a/dir>; rel=\"index\",<https://a/2>; rel=alternate, <x"
        ]
        #expect(answer(fields).links("alternate") == ["https://a/1", "https://a/2"])
        #expect(answer().links("alternate").isEmpty)
    }

    @Test(
        "signatures are as long as their key's field, however small their numbers",
        arguments: [PrivateKey.Kind.ecdsaP256, .ecdsaP384]
    )
    func signatures(kind: PrivateKey.Kind) throws {
        let key = try PrivateKey.generate(kind)
        let size = kind == .ecdsaP256 ? 64 : 96
        // One in 128 has a number that begins with a zero byte.
        for number in 0..<1000 { #expect(try key.jsonSignature(of: Array("\(number)".utf8)).count == size) }
    }

    @Test("a CA's name for a certificate keeps the zero before its serial number")
    func identifier() throws {
        let scratch = try Scratch()
        let certificate = try RealTools.selfSigned(
            in: scratch,
            ["-subj", "/CN=x", "-set_serial", "0x87654321", "-addext", "authorityKeyIdentifier=keyid:always"]
        )
        let text = try RealTools.run(
            "openssl",
            "x509",
            "-in",
            "\(scratch.path)/signed.crt",
            "-noout",
            "-ext",
            "authorityKeyIdentifier"
        )
        let hex = text.output.filter { $0.isHexDigit || $0 == ":" }
        let identifier = try #require(RenewalInformation.identifier(of: certificate))
        let parts = identifier.split(separator: ".")
        #expect(parts.count == 2 && parts.last == "AIdlQyE", "as in RFC 9773, section 4.1: \(identifier)")
        let authority = try #require(Base64URL.decode(String(parts[0])))
        let digits = authority.map {
            String($0 >> 4, radix: 16, uppercase: true) + String($0 & 15, radix: 16, uppercase: true)
        }
        #expect(hex.contains(digits.joined(separator: ":")), "\(text.output)")
    }

    @Test("renewal information: the window, fractions and zones; pauses from a minute to a day; what is wrong is none")
    func renewalInformation() {
        func read(_ start: String, _ end: String, _ fields: [String: String] = [:]) -> RenewalInformation? {
            let body = #"{"suggestedWindow":{"start":"\#(start)","end":"\#(end)"},"explanationURL":"https://x"}"#
            return RenewalInformation(answer(fields, body), now: Self.now)
        }
        let good = read("2026-09-21T14:13:20.123456Z", "2026-09-21T16:13:20+01:00")
        #expect(good?.window == Self.now...Self.now + 3600 && good?.explanation == "https://x")
        #expect(good?.pause == RenewalInformation.usualPause)
        for (text, pause) in [("1", 60), ("3600", 3600), ("99999999", 86_400), ("9223372036854775807", 86_400)] {
            #expect(read("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", ["retry-after": text])?.pause == Int64(pause))
        }
        #expect(read("2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z") == nil)
        #expect(read("2026-01-02T00:00:00", "tomorrow") == nil)
        #expect(RenewalInformation(answer([:], "{}"), now: Self.now) == nil)
    }

    @Test("requests hold names alone: no subject, every name once, addresses as such")
    func request() throws {
        let key = try PrivateKey.generate(.ecdsaP384)
        let der = try CertificateRequest.make(names: ["a.test", "*.a.test", "192.0.2.1", "2001:db8::1"], key: key)
        let scratch = try Scratch()
        try Data(der).write(to: URL(fileURLWithPath: scratch.path + "/csr"))
        let text = try RealTools.run(
            "openssl",
            "req",
            "-inform",
            "DER",
            "-in",
            "\(scratch.path)/csr",
            "-noout",
            "-text",
            "-verify"
        )
        #expect(text.output.contains("DNS:a.test, DNS:*.a.test, IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:0:1"))
        #expect(text.output.contains("Subject: \n") || text.output.contains("Subject:\n"), "\(text.output)")
    }

    @Test("an address is asked for by its name in the reverse tree")
    func reverse() {
        #expect(IPAddress("192.0.2.1")?.reverseName == "1.2.0.192.in-addr.arpa")
        #expect(
            IPAddress("2001:db8::567:89ab")?.reverseName
                == "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
        )
    }

    @Test("a secret in base64url, as people leave it in files, is decoded like any other text")
    func secret() throws {
        func decoded(_ text: String) throws -> [UInt8]? {
            let bytes = Array(text.utf8)
            guard let secret = try Base64URL.decode(secret: bytes.span) else { return nil }
            return (0..<secret.count).map { secret.bytes[$0] }
        }
        for length in 0..<40 {
            let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 * 37 + 5) }
            let text = Base64URL.encode(bytes)
            #expect(try decoded(text) == bytes)
            #expect(try decoded(" " + text + "==\r\n") == bytes)
            let middle = text.index(text.startIndex, offsetBy: text.count / 2)
            #expect(try decoded(text[..<middle] + "\n" + text[middle...]) == bytes)
        }
        for bad in ["a", "ab+d", "ab/d", "abc!", "ab\u{0}d", "aé", "//8=", "AB"] {
            #expect(try decoded(bad) == nil, "\(bad)")
        }
    }
}
