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
                if text.span(head.fields[index].name).equals(Array(subjectField.utf8).span) {
                    head.fields[index].isHopByHop = true
                }
            default: continue
            }
        }
    }

    private func addXForwarded(_ client: any ClientStream, isTrusted: Bool) {
        let text = head.bytes
        let isSealed = client.listener.tls != nil
        let start = text.count
        if isTrusted { appendEarlier(.xForwardedFor) }
        client.peer.append(to: text)
        head.add(.xForwardedFor, valueFrom: start)
        if !(isTrusted && head.has(.xForwardedProto)) {
            let start = text.count
            text.append(isSealed ? "https" : "http")
            head.add(.xForwardedProto, valueFrom: start)
        }
        if !(isTrusted && head.has(.xForwardedHost)) && !head.authority.isEmpty {
            head.fields.append(
                Field(
                    name: head.name(of: .xForwardedHost),
                    value: head.authority,
                    known: .xForwardedHost,
                    isHopByHop: false
                )
            )
        }
        if !(isTrusted && head.has(.xForwardedPort)) {
            let start = text.count
            text.append(decimal: UInt64(client.listener.port))
            head.add(.xForwardedPort, valueFrom: start)
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
        let start = text.count
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
        head.add(.forwarded, valueFrom: start)
    }

    private func addSubject(_ client: any ClientStream) {
        guard let security = client.security, !security.subject.isEmpty else { return }
        guard let tls = client.listener.tls, !tls.clientSubjectField.isEmpty else { return }
        let text = head.bytes
        let name = Slice(offset: text.count, length: tls.clientSubjectField.utf8.count)
        text.append(string: tls.clientSubjectField)
        let value = Slice(offset: text.count, length: security.subject.count)
        text.append(security.subject)
        head.fields.append(Field(name: name, value: value, known: .other, isHopByHop: false))
    }

    /// Finds the request's identifier, or makes one: 128 bits in hexadecimal.
    internal func addRequestID(keep: Bool) {
        if keep, let given = head.first(.xRequestID) {
            requestID = given
            return
        }
        let text = head.bytes
        let start = text.count
        worker.identifiers.append(to: text)
        requestID = Slice(offset: start, length: text.count - start)
        head.add(.xRequestID, valueFrom: start)
    }
}

extension MessageHead {
    /// Adds a field whose value has been appended to `bytes` from `start` on.
    internal func add(_ name: FieldName, valueFrom start: Int) {
        let value = Slice(offset: start, length: bytes.count - start)
        fields.append(Field(name: self.name(of: name), value: value, known: name, isHopByHop: false))
    }

    /// Adds a field with a value that is at hand.
    internal func add(_ name: FieldName, _ value: Span<UInt8>) {
        let start = bytes.count
        bytes.append(value)
        add(name, valueFrom: start)
    }

    /// Appends the name to `bytes`.
    internal func name(of name: FieldName) -> Slice {
        let start = bytes.count
        bytes.append(name.text)
        return Slice(offset: start, length: bytes.count - start)
    }

    /// Whether a field of that name is passed on.
    internal func has(_ name: FieldName) -> Bool {
        for field in fields where field.known == name && !field.isHopByHop { return true }
        return false
    }

    /// Appends a copy of bytes that stand in `bytes` already.
    internal func appendCopy(of slice: Slice) {
        bytes.reserve(slice.count)
        for index in 0..<slice.count { bytes.append(bytes[Int(slice.offset) + index]) }
    }
}
