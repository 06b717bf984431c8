import Bytes
import Engine
import HTTPWire

/// **Phase: route.** Gets a complete, well-formed head. Leaves `route`, `pool` and `bodyLimit` set and goes
/// on to `admit`, or answers: 308 where the listener redirects, 421 when TLS named another host, 404
/// when no route covers the host and path, or, before a redirect, the host. What is below /.well-known/ and ours
/// is answered first, whatever the host.
extension Exchange {
    internal func routeRequest() {
        guard let origin else { return }
        times.received = worker.loop.nowMicroseconds
        if !hasRequestBody { requestEnded = true }
        settleRequestID()
        if !runtime.wellKnown.isEmpty, let entry = wellKnownEntry {
            return answer(200, .completed, text: entry.bytes, type: entry.type)
        }
        // It would show the client, or a script in it, what is added on the way (RFC 9110 section 9.3.8).
        if head.method == .trace { return answer(405, .refused) }
        if let port = origin.listener.redirectPort { return redirect(toPort: port) }
        let head = self.head
        let text = head.bytes
        let host = Self.host(of: head)
        if isMisdirected(text.span(host), origin) { return answer(421, .misdirected) }
        normalizePath(of: head)
        let normalized = path
        switch runtime.routes.find(host: text.span(host), path: normalized.readable) {
        case .route(let index):
            route = index
            let runtime = self.runtime
            bodyLimit = runtime.plan.routes[index].bodyLimit ?? .max
            let pool = runtime.pools[runtime.plan.routes[index].pool]
            self.pool = pool
            admitRequest(to: pool)
        case .noPath, .noHost:
            answer(404, .notFound)
        }
    }

    private var wellKnownEntry: WellKnownTable.Entry? {
        guard head.method == .get || head.method == .head else { return nil }
        let text = head.bytes
        return runtime.wellKnown.answer(to: text.span(head.target))
    }

    /// The host of the authority, without its port and the dot of the root, which changes nothing about a name (RFC
    /// 1034 section 3.1).
    private static func host(of head: MessageHead) -> Slice {
        let text = head.bytes
        guard let authority = Authority(text.span(head.authority)) else { return .empty }
        let first = Int(head.authority.offset)
        var length = authority.host.count
        if length > 1 && text[first + length - 1] == UInt8(ascii: ".") { length -= 1 }
        return Slice(offset: first, length: length)
    }

    private func normalizePath(of head: MessageHead) {
        path.clear()
        let text = head.bytes
        let target = text.span(head.target)
        let end = target.firstIndex(of: UInt8(ascii: "?")) ?? target.count
        NormalizedPath.write(target.extracting(first: end), to: path)
    }

    /// Whether the connection was made for another name than the request is for (RFC 9110 section
    /// 7.4): the certificate that was shown vouches for the one alone.
    private func isMisdirected(_ name: Span<UInt8>, _ origin: ClientConnection) -> Bool {
        guard let security = origin.security, !security.serverName.isEmpty else { return false }
        if name.equalsIgnoringCase(security.serverName.span) { return false }
        return !isOneCertificate(security.serverName.span, name, origin)
    }

    /// Browsers send requests for several names of one certificate on one HTTP/2 connection (RFC 9113
    /// section 9.1.1): that is no misdirection.
    private func isOneCertificate(_ first: Span<UInt8>, _ second: Span<UInt8>, _ origin: ClientConnection) -> Bool {
        guard let names = origin.certificates else { return false }
        guard let one = names.find(first) else { return false }
        return names.find(second) == one
    }

    private func redirect(toPort port: UInt16) {
        let host = Self.host(of: head)
        let text = head.bytes
        guard !host.isEmpty else {
            refusal = .missingHost
            return answer(400, .refused)
        }
        // A redirect vouches for where it leads: not to a host that is none of ours.
        guard runtime.routes.knows(host: text.span(host)) else { return answer(404, .notFound) }
        // `*` is the server itself and no resource that is elsewhere (RFC 9110 section 9.3.7): a ping, and answered.
        if text.span(head.target).equals("*") { return answer(200, .completed, text: []) }
        let scratch = worker.scratch
        scratch.clear()
        scratch.append("https://")
        scratch.append(text.span(host))
        if port != 443 {
            scratch.append(UInt8(ascii: ":"))
            scratch.append(decimal: UInt64(port))
        }
        scratch.append(text.span(head.target))
        answer(308, .redirected, location: scratch)
    }
}
