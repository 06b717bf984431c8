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
        guard let client else { return }
        let plan = runtime.plan
        let isTrusted = plan.trustedProxies.contains { $0.contains(client.peer) }
        dropClientClaims(plan.headers, isTrusted: isTrusted, client)
        if plan.headers.xForwarded { addXForwarded(client, isTrusted: isTrusted) }
        if plan.headers.forwarded { addForwarded(client) }
        addSubject(client)
        addRequestID(keep: plan.headers.keepsRequestID && isTrusted)
    }

    private func dropClientClaims(_ headers: HeaderPlan, isTrusted: Bool, _ client: any ClientStream) {
        let subjectField = client.listener.tls?.clientSubjectField ?? ""
        let text = head.bytes
        for index in head.fields.indices {
            switch head.fields[index].known {
            case .forwarded, .xForwardedFor, .xForwardedHost, .xForwardedPort, .xForwardedProto, .xRealIP:
                if !isTrusted { head.fields[index].isHopByHop = true }
            case .xRequestID:
                if !(isTrusted && headers.keepsRequestID) { head.fields[index].isHopByHop = true }
            case .other:
                guard !subjectField.isEmpty else { continue }
                if text.span(head.fields[index].name).equals(subjectField.utf8Span.span) {
                    head.fields[index].isHopByHop = true
                }
            default: continue
            }
        }
    }

    private func addXForwarded(_ client: any ClientStream, isTrusted: Bool) {
        let text = head.bytes
        let field = head.beginField(.xForwardedFor)
        if isTrusted { appendEarlier(.xForwardedFor) }
        client.peer.append(to: text)
        head.endField(field)
        if !(isTrusted && head.has(.xForwardedProto)) {
            head.add(.xForwardedProto, client.listener.tls != nil ? "https" : "http")
        }
        if !(isTrusted && head.has(.xForwardedHost)) && !head.authority.isEmpty {
            let field = head.beginField(.xForwardedHost)
            head.appendCopy(of: head.authority)
            head.endField(field)
        }
        if !(isTrusted && head.has(.xForwardedPort)) {
            let field = head.beginField(.xForwardedPort)
            text.append(decimal: UInt64(client.listener.port))
            head.endField(field)
        }
    }

    /// Appends what a trusted proxy said of those before it, and takes its field's place.
    private func appendEarlier(_ name: FieldName) {
        let text = head.bytes
        for index in head.fields.indices where head.fields[index].known == name && !head.fields[index].isHopByHop {
            head.fields[index].isHopByHop = true
            head.appendCopy(of: head.fields[index].value)
            text.append(", ")
        }
    }

    /// RFC 7239: IPv6 addresses stand in brackets and quotes.
    private func addForwarded(_ client: any ClientStream) {
        let text = head.bytes
        let field = head.beginField(.forwarded)
        appendEarlier(.forwarded)
        text.append("for=")
        if client.peer.isIPv6 {
            text.append("\"[")
            client.peer.append(to: text)
            text.append("]\"")
        } else {
            client.peer.append(to: text)
        }
        if !head.authority.isEmpty {
            text.append(";host=\"")
            head.appendCopy(of: head.authority)
            text.append("\"")
        }
        text.append(client.listener.tls != nil ? ";proto=https" : ";proto=http")
        head.endField(field)
    }

    private func addSubject(_ client: any ClientStream) {
        guard let security = client.security, !security.subject.isEmpty else { return }
        guard let tls = client.listener.tls, !tls.clientSubjectField.isEmpty else { return }
        head.add(tls.clientSubjectField.utf8Span.span, security.subject.span)
    }

    /// Finds the request's identifier, or makes one: 128 bits in hexadecimal.
    internal func addRequestID(keep: Bool) {
        if keep, let given = head.first(.xRequestID) {
            requestID = given
            return
        }
        let text = head.bytes
        let field = head.beginField(.xRequestID)
        let start = text.count
        worker.identifiers.append(to: text)
        requestID = Slice(offset: start, length: text.count - start)
        head.endField(field)
    }
}
