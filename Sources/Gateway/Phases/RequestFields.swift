import Bytes
import Engine
import HTTPWire
import Linux

/// The fields that a request gains and loses on its way to a server.
///
/// What a client says of itself in X-Forwarded-*, Forwarded and X-Real-IP is believed of trusted
/// proxies alone; anyone else's are replaced. Done once for all tries of a request.
extension Exchange {
    internal func prepareRequest() {
        if isPrepared { return }
        isPrepared = true
        guard let origin else { return }
        let head = self.head
        let runtime = self.runtime
        let isTrusted = runtime.trusts(origin.peer)
        dropClientClaims(head, isTrusted: isTrusted)
        if runtime.plan.headers.xForwarded { addXForwarded(to: head, origin, isTrusted: isTrusted) }
        if runtime.plan.headers.forwarded { addForwarded(to: head, origin) }
        addSubject(to: head, origin)
    }

    private func dropClientClaims(_ head: MessageHead, isTrusted: Bool) {
        let text = head.bytes
        for index in head.fields.indices {
            switch head.fields[index].known {
            case .forwarded, .xForwardedFor, .xForwardedHost, .xForwardedPort, .xForwardedProto, .xRealIP:
                if !isTrusted { head.fields[index].isHopByHop = true }
            case .other:
                let name = text.span(head.fields[index].name)
                if Self.isClaim(name, isTrusted: isTrusted) { head.fields[index].isHopByHop = true }
            default: continue
            }
        }
        dropSubjects(of: head)
    }

    /// X-Forwarded-Prefix, -Ssl, -Server and whatever else frameworks believe of that family; and Proxy, which no client
    /// has a use for and CGI turns into the variable that names a proxy (CVE-2016-5385). With `_` for `-` they are the
    /// same to CGI, where the site file keeps such names.
    private static func isClaim(_ name: Span<UInt8>, isTrusted: Bool) -> Bool {
        if name.count == 5 { return name.equals("proxy") }
        guard name.count >= 9, name[0] == UInt8(ascii: "x") else { return false }
        // A trusted proxy writes these names with `-`. With `_` its own client may have sent them through it.
        if isTrusted && name.firstIndex(of: UInt8(ascii: "_")) == nil { return false }
        if name.reads(as: claims.address.span) || name.reads(as: claims.identifier.span) { return true }
        return name.count >= 11 && name.extracting(first: 11).reads(as: claims.family.span)
    }

    private static let claims = (
        address: Array("x-real-ip".utf8), identifier: Array("x-request-id".utf8), family: Array("x-forwarded".utf8)
    )

    /// Takes out what a client says of the subject of its certificate, in a head or in trailers.
    internal func dropSubjects(of section: MessageHead) {
        let subjects = runtime.subjectFields
        // The connection may be older than the plan, and its listener may then have had another name for it.
        let own = origin?.listener.tls?.clientSubjectField ?? ""
        let text = section.bytes
        for index in section.fields.indices {
            let name = text.span(section.fields[index].name)
            if subjects.contains(name) || name.reads(as: own.utf8Span.span) { section.fields[index].isHopByHop = true }
        }
    }

    private func addXForwarded(to head: MessageHead, _ origin: ClientConnection, isTrusted: Bool) {
        let text = head.bytes
        let field = head.beginField(.xForwardedFor)
        if isTrusted { appendEarlier(.xForwardedFor, to: head) }
        origin.peer.append(to: text)
        head.endField(field)
        if !(isTrusted && head.has(.xForwardedProto)) {
            head.add(.xForwardedProto, origin.isSealed ? "https" : "http")
        }
        if !(isTrusted && head.has(.xForwardedHost)) && !head.authority.isEmpty {
            let field = head.beginField(.xForwardedHost)
            text.appendCopy(of: head.authority)
            head.endField(field)
        }
        if !(isTrusted && head.has(.xForwardedPort)) {
            let field = head.beginField(.xForwardedPort)
            text.append(decimal: UInt64(origin.listener.port))
            head.endField(field)
        }
    }

    /// Appends what a trusted proxy said of those before it, and takes its field's place.
    private func appendEarlier(_ name: FieldName, to head: MessageHead) {
        let text = head.bytes
        for index in head.fields.indices where head.fields[index].known == name && !head.fields[index].isHopByHop {
            head.fields[index].isHopByHop = true
            text.appendCopy(of: head.fields[index].value)
            text.append(", ")
        }
    }

    /// RFC 7239: IPv6 addresses stand in brackets and quotes.
    private func addForwarded(to head: MessageHead, _ origin: ClientConnection) {
        let text = head.bytes
        let field = head.beginField(.forwarded)
        appendEarlier(.forwarded, to: head)
        text.append("for=")
        if origin.peer.isIPv6 {
            text.append("\"[")
            origin.peer.append(to: text)
            text.append("]\"")
        } else {
            origin.peer.append(to: text)
        }
        if !head.authority.isEmpty {
            text.append(";host=\"")
            text.appendCopy(of: head.authority)
            text.append("\"")
        }
        text.append(origin.isSealed ? ";proto=https" : ";proto=http")
        head.endField(field)
    }

    private func addSubject(to head: MessageHead, _ origin: ClientConnection) {
        guard let security = origin.security, !security.subject.isEmpty else { return }
        guard let tls = origin.listener.tls, !tls.clientSubjectField.isEmpty else { return }
        head.add(tls.clientSubjectField.utf8Span.span, security.subject.span)
    }

    /// Settles the request's identifier, once: that of a trusted proxy, or a new one of 128 bits in hexadecimal.
    internal func settleRequestID() {
        if !requestID.isEmpty { return }
        if let given = trustedID {
            requestID = given
            return
        }
        for index in head.fields.indices where head.fields[index].known == .xRequestID {
            head.fields[index].isHopByHop = true
        }
        let text = head.bytes
        let field = head.beginField(.xRequestID)
        let start = text.count
        worker.identifiers.append(to: text)
        requestID = Slice(offset: start, length: text.count - start)
        head.endField(field)
    }

    /// What a trusted proxy calls the request, if it says so once and in a form that logs and pages can show as it is.
    private var trustedID: Slice? {
        guard runtime.plan.headers.keepsRequestID, let origin else { return nil }
        var given: Slice?
        for field in head.fields where field.known == .xRequestID {
            if given != nil || field.isHopByHop { return nil }
            given = field.value
        }
        guard let given, runtime.trusts(origin.peer) else { return nil }
        let text = head.bytes
        return RequestID.isValid(text.span(given)) ? given : nil
    }
}
