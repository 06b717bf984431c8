import HTTPWire
import Testing

@Suite struct LookupTests {
    @Test(arguments: FieldName.allCases)
    func everyNameIsFoundByItsText(_ name: FieldName) {
        let text = Array("\(name.text)".utf8)
        let found = FieldName(text.span)
        #expect(found == name)
        guard name != .other else { return }
        let longer = text + [0x78]
        let ofLonger = FieldName(longer.span)
        #expect(ofLonger == .other)
        for index in text.indices {
            var wrong = text
            wrong[index] ^= 1
            let ofWrong = FieldName(wrong.span)
            #expect(ofWrong == .other)
        }
    }

    @Test func hopByHopNames() {
        let names: Set<FieldName> = [
            .connection, .keepAlive, .proxyConnection, .te, .transferEncoding, .upgrade, .proxyAuthenticate,
            .proxyAuthorization,
        ]
        #expect(Set(FieldName.allCases.filter(\.isHopByHop)) == names)
    }

    @Test(arguments: [
        ("GET", Method.get), ("HEAD", .head), ("POST", .post), ("PUT", .put), ("DELETE", .delete),
        ("OPTIONS", .options), ("CONNECT", .connect), ("PATCH", .patch), ("TRACE", .trace), ("get", .other),
        ("PROPFIND", .other), ("", .other), ("GETT", .other),
    ])
    func methods(_ name: String, _ method: Method) {
        let bytes = Array(name.utf8)
        let found = Method(bytes.span)
        #expect(found == method)
    }

    @Test func reasonsAreWordsForMetricsAndSentences() {
        for reason in RefusalReason.allCases {
            #expect(reason.rawValue.utf8.allSatisfy { ($0 >= 97 && $0 <= 122) || ($0 >= 48 && $0 <= 57) || $0 == 45 })
            #expect("\(reason.explanation)".hasSuffix("."))
            #expect(ReasonPhrase.of(reason.status).utf8CodeUnitCount > 0)
        }
    }
}
