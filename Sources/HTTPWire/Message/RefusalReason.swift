/// Every reason for which a codec refuses a message. The raw value is the name that the access log
/// and the metrics use: it is part of the product's interface and never changes its meaning.
package enum RefusalReason: String, Error, Sendable, CaseIterable {
    // Lines
    case bareCR = "bare-cr"
    case bareLF = "bare-lf"
    case nulByte = "nul-byte"
    case controlCharacter = "control-character"

    // Limits
    case requestLineTooLong = "request-line-too-long"
    case fieldTooLong = "field-too-long"
    case headTooLarge = "head-too-large"
    case tooManyFields = "too-many-fields"
    case bodyTooLarge = "body-too-large"
    case bodyTooSlow = "body-too-slow"
    case tooManyStreams = "too-many-streams"

    // The first line
    case leadingEmptyLines = "leading-empty-lines"
    case malformedRequestLine = "malformed-request-line"
    case malformedStatusLine = "malformed-status-line"
    case invalidMethod = "invalid-method"
    case invalidVersion = "invalid-version"
    case unsupportedVersion = "unsupported-version"
    case invalidTarget = "invalid-target"
    case fragmentInTarget = "fragment-in-target"
    case asteriskTarget = "asterisk-target"
    case invalidAuthority = "invalid-authority"
    case connectNotAllowed = "connect-not-allowed"
    case connectWithBody = "connect-with-body"

    // Field lines
    case spaceBeforeFirstField = "space-before-first-field"
    case obsFold = "obs-fold"
    case spaceBeforeColon = "space-before-colon"
    case missingColon = "missing-colon"
    case emptyFieldName = "empty-field-name"
    case invalidFieldName = "invalid-field-name"

    // What single fields say
    case missingHost = "missing-host"
    case duplicateHost = "duplicate-host"
    case invalidHost = "invalid-host"
    case duplicateContentLength = "duplicate-content-length"
    case invalidContentLength = "invalid-content-length"
    case contentLengthOverflow = "content-length-overflow"
    case duplicateTransferEncoding = "duplicate-transfer-encoding"
    case unsupportedTransferEncoding = "unsupported-transfer-encoding"
    case transferEncodingInHTTP10 = "transfer-encoding-in-http10"
    case contentLengthWithTransferEncoding = "content-length-with-transfer-encoding"
    case connectionNamesEndToEndField = "connection-names-end-to-end-field"
    case unsupportedExpectation = "unsupported-expectation"
    case switchWithoutUpgrade = "switch-without-upgrade"
    case upgradeIgnored = "upgrade-ignored"

    // Interim answers
    case tooManyInterimAnswers = "too-many-interim-answers"

    // Chunked bodies and trailers
    case invalidChunkSize = "invalid-chunk-size"
    case chunkSizeOverflow = "chunk-size-overflow"
    case chunkExtensionTooLong = "chunk-extension-too-long"
    case unterminatedChunk = "unterminated-chunk"
    case trailersTooLarge = "trailers-too-large"

    // HTTP/2
    case malformedStream = "malformed-stream"

    /// The status that a request refused for this reason is answered with.
    package var status: Int {
        switch self {
        case .bodyTooSlow: 408
        case .bodyTooLarge: 413
        case .requestLineTooLong: 414
        case .unsupportedExpectation: 417
        case .fieldTooLong, .headTooLarge, .tooManyFields, .trailersTooLarge: 431
        case .connectNotAllowed: 501
        case .unsupportedVersion: 505
        default: 400
        }
    }
}
