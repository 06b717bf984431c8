import Bytes

/// What Content-Length and Transfer-Encoding say about the body (RFC 9112 section 6). One of them,
/// once, in one spelling: every other combination has been read in two ways by somebody.
enum DeclaredLength {
    case none
    case length(UInt64)
    case chunked

    static func read(_ head: MessageHead, _ census: FieldCensus) -> Result<DeclaredLength, RefusalReason> {
        let bytes = head.bytes
        if census.has(.transferEncoding), let value = head.first(.transferEncoding) {
            if head.version == .http10 { return .failure(.transferEncodingInHTTP10) }
            if census.repeats(.transferEncoding) { return .failure(.duplicateTransferEncoding) }
            if census.has(.contentLength) { return .failure(.contentLengthWithTransferEncoding) }
            return bytes.span(value).equalsIgnoringCase("chunked")
                ? .success(.chunked) : .failure(.unsupportedTransferEncoding)
        }
        if census.has(.contentLength), let value = head.first(.contentLength) {
            if census.repeats(.contentLength) { return .failure(.duplicateContentLength) }
            return ContentLength.parse(bytes.span(value)).map(DeclaredLength.length).mapError { failure in
                switch failure {
                case .malformed: .invalidContentLength
                case .list: .duplicateContentLength
                case .overflow: .contentLengthOverflow
                }
            }
        }
        return .success(.none)
    }
}
