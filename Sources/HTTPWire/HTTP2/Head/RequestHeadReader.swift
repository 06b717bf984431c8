import Bytes

/// Fills a request's head from the fields that the library decoded, and holds it to the rules that it leaves open.
///
/// The library has already seen to (RFC 9113 sections 8.2 and 8.3; `MalformedHeadTests` proves each): names are
/// lower-case tokens; values are free of control characters and of white space at their edges; pseudo-fields come
/// first, once, and are known; Connection, Keep-Alive, Proxy-Connection, Transfer-Encoding and Upgrade are absent
/// and TE says `trailers`; Content-Length and Host are single; the body is as long as Content-Length says.
///
/// What is added here keeps a request from being read in two ways once it is written as HTTP/1.1: the target is in
/// origin form without space, control, non-ASCII or fragment; the authority is a host with a port, and Host is
/// equal to it and dropped; cookie crumbs are joined (section 8.2.3); the sizes are those of HTTP/1.1.
struct RequestHeadReader {
    /// Bytes of all fields as SETTINGS_MAX_HEADER_LIST_SIZE counts them: name, value and 32 for each (RFC 9113
    /// section 6.5.2).
    private var size = 0
    private var count = 0
    private var crumbs = 0
    private var host = Slice.empty
    private var hasHost = false
    private var scheme = Scheme.absent
    private var contentLength: UInt64?
    private var refusal: RefusalReason?

    private enum Scheme {
        case absent, web, foreign
    }

    /// What became of a head.
    enum Verdict: Equatable {
        case valid
        /// Breaks a rule: a stream error.
        case malformed(RefusalReason)
        /// Well-formed, and answered without the gateway: too large, or asking for what is not served.
        case refused(RefusalReason)
    }

    /// What fields cost beyond their bytes.
    private static let overhead = 32

    /// The list is so far above the limit that decoding more of it is not worth an answer.
    func isExcessive(_ settings: HTTP2Settings) -> Bool { size / 4 > settings.maxHeadBytes }

    /// Takes one field of the head.
    mutating func field(name: Span<UInt8>, value: Span<UInt8>, into head: MessageHead, settings: HTTP2Settings) {
        guard admit(name: name, value: value, settings: settings) else { return }
        if name[0] == UInt8(ascii: ":") {
            pseudoField(name: name, value: value, into: head, settings: settings)
        } else {
            regularField(name: name, value: value, into: head, settings: settings)
        }
    }

    /// Takes one field of the trailers.
    mutating func trailer(name: Span<UInt8>, value: Span<UInt8>, into trailers: MessageHead, settings: HTTP2Settings) {
        guard admit(name: name, value: value, settings: settings), admitCount(settings) else { return }
        let known = FieldName(name)
        // What would frame or route the request anew is no oversight.
        if known == .contentLength || known == .host { refuse(.invalidFieldName) }
        if TrailerField.isForbidden(name, known: known) { return }
        if !settings.keepsUnderscores && name.firstIndex(of: UInt8(ascii: "_")) != nil { return }
        append(name: name, value: value, known: known, to: trailers)
    }

    /// Why the trailers, and the request with them, are refused; nil when they may be passed on.
    var refusalOfTrailers: RefusalReason? { refusal }

    /// Completes the head.
    mutating func finish(_ head: MessageHead, endsStream: Bool) -> Verdict {
        // A head that was cut short by a limit lacks fields: only the limit can be told.
        if let refusal { return Self.isAnswered(refusal) ? .refused(refusal) : .malformed(refusal) }
        head.version = .http2
        if let reason = checkTarget(head) ?? checkAuthority(head) { return .malformed(reason) }
        if let reason = frame(head, endsStream: endsStream) { return .malformed(reason) }
        if head.method == .connect && !isServed(head) { return .refused(.connectNotAllowed) }
        if crumbs > 1 { CookieCrumbs.join(head) }
        return .valid
    }

    /// Whether a refusal has its own answer; any other is a stream error.
    private static func isAnswered(_ reason: RefusalReason) -> Bool { reason.status != 400 }

    // MARK: Fields

    private mutating func admit(name: Span<UInt8>, value: Span<UInt8>, settings: HTTP2Settings) -> Bool {
        size += name.count + value.count + Self.overhead
        if size > settings.maxHeadBytes { refuse(.headTooLarge) }
        return refusal == nil
    }

    private mutating func admitCount(_ settings: HTTP2Settings) -> Bool {
        count += 1
        if count > settings.maxFields { refuse(.tooManyFields) }
        return refusal == nil
    }

    /// The first reason stands.
    private mutating func refuse(_ reason: RefusalReason) {
        if refusal == nil { refusal = reason }
    }

    private mutating func pseudoField(
        name: Span<UInt8>,
        value: Span<UInt8>,
        into head: MessageHead,
        settings: HTTP2Settings
    ) {
        if name.equals(":method") {
            if !value.isToken { refuse(.invalidMethod) }
            head.method = Method(value)
            head.methodName = head.append(value)
        } else if name.equals(":path") {
            if value.count > settings.maxTargetBytes {
                refuse(.requestLineTooLong)
            } else {
                head.target = head.append(value)
            }
        } else if name.equals(":authority") {
            head.authority = head.append(value)
        } else if name.equals(":scheme") {
            scheme = value.equalsIgnoringCase("https") || value.equalsIgnoringCase("http") ? .web : .foreign
        } else {
            // The library lets no other through than :protocol, and that only when extended CONNECT was announced.
            if !value.isToken { refuse(.invalidTarget) }
            head.upgrade = head.append(value)
        }
    }

    private mutating func regularField(
        name: Span<UInt8>,
        value: Span<UInt8>,
        into head: MessageHead,
        settings: HTTP2Settings
    ) {
        if name.count + value.count > settings.maxFieldBytes {
            refuse(.fieldTooLong)
            return
        }
        let known = FieldName(name)
        switch known {
        case .host:
            hasHost = true
            host = head.append(value)
            return
        case .cookie:
            crumbs += 1
            if crumbs > 1 {
                append(name: name, value: value, known: known, to: head)
                return
            }
        case .contentLength:
            switch ContentLength.parse(value) {
            case .success(let length): contentLength = length
            case .failure: refuse(.invalidContentLength)
            }
        case .expect:
            if value.equalsIgnoringCase("100-continue") {
                head.expectsContinue = true
            } else {
                refuse(.unsupportedExpectation)
            }
        default:
            break
        }
        guard admitCount(settings) else { return }
        if !settings.keepsUnderscores && known == .other && name.firstIndex(of: UInt8(ascii: "_")) != nil { return }
        append(name: name, value: value, known: known, to: head)
    }

    private func append(name: Span<UInt8>, value: Span<UInt8>, known: FieldName, to head: MessageHead) {
        let field = Field(
            name: head.append(name),
            value: head.append(value),
            known: known,
            // TE says `trailers`, which goes through.
            isHopByHop: known.isHopByHop && known != .te
        )
        head.fields.append(field)
    }

    // MARK: The head as a whole

    private func checkTarget(_ head: MessageHead) -> RefusalReason? {
        // Plain CONNECT has neither scheme nor path, which the library checks.
        if head.method == .connect && head.upgrade.isEmpty { return nil }
        guard scheme == .web else { return .invalidTarget }
        let bytes = head.bytes
        let target = bytes.span(head.target)
        guard !target.isEmpty else { return .invalidTarget }
        if target.equals("*") { return head.method == .options ? nil : .asteriskTarget }
        guard target[0] == UInt8(ascii: "/") else { return .invalidTarget }
        for index in target.indices {
            let byte = target[index]
            if byte == UInt8(ascii: "#") { return .fragmentInTarget }
            guard byte > 0x20 && byte < 0x7F else { return .invalidTarget }
        }
        return nil
    }

    /// Whether a CONNECT is an extended one, for a protocol that may be switched to (RFC 8441 section 4); any other is
    /// answered with 501 (RFC 9220 section 3).
    private func isServed(_ head: MessageHead) -> Bool {
        let bytes = head.bytes
        return !head.upgrade.isEmpty && !UpgradeField.carriesRequests(bytes.span(head.upgrade))
    }

    private func checkAuthority(_ head: MessageHead) -> RefusalReason? {
        let bytes = head.bytes
        if head.authority.isEmpty {
            guard hasHost else { return .missingHost }
            head.authority = host
        } else if hasHost && !bytes.span(head.authority).equalsIgnoringCase(bytes.span(host)) {
            return .invalidHost
        }
        return Authority(bytes.span(head.authority)) == nil ? .invalidAuthority : nil
    }

    private func frame(_ head: MessageHead, endsStream: Bool) -> RefusalReason? {
        if !head.upgrade.isEmpty {
            guard contentLength == nil else { return .connectWithBody }
            head.framing = endsStream ? .none : .untilEndOfStream
        } else if endsStream {
            head.framing = .none
        } else if let contentLength {
            head.framing = .length(contentLength)
        } else {
            head.framing = .untilEndOfStream
        }
        return nil
    }
}
