import Bytes

/// Expect (RFC 9110 section 10.1.1): `100-continue` or a refusal. HTTP/1.0 has no expectations and its
/// field is ignored.
enum Expectation {
    static func apply(to head: MessageHead, _ census: FieldCensus) -> RefusalReason? {
        guard census.has(.expect), head.version != .http10 else { return nil }
        let bytes = head.bytes
        for field in head.fields where field.known == .expect {
            let value = bytes.span(field.value)
            var elements = ListElements()
            while let element = elements.next(in: value) {
                guard value.extracting(element).equalsIgnoringCase("100-continue") else {
                    return .unsupportedExpectation
                }
                head.expectsContinue = true
            }
        }
        return nil
    }
}
