import Bytes
import Engine
import HTTPWire

/// **Phase: forward.** Gets a connection to the server. Leaves the request on its way: a head written
/// from the parsed fields alone, then the body as it comes, re-framed, with back-pressure.
extension Exchange {
    internal func forwardHead(to connection: ServerConnection) {
        guard let client else { return }
        prepareRequest()
        let head = self.head
        connection.expectAnswer(to: head.method)
        let scratch = worker.scratch
        scratch.clear()
        let text = head.bytes
        if isExtendedConnect {
            // An extended CONNECT is an Upgrade in HTTP/1.1 (RFC 8441 section 5).
            let method = WebSocketUpgrade.method
            HTTP1Writer.requestLine(method: method.span, target: text.span(head.target), to: scratch)
            WebSocketUpgrade.appendKey(to: scratch)
        } else {
            HTTP1Writer.requestLine(method: text.span(head.methodName), target: text.span(head.target), to: scratch)
        }
        writeFields(of: head, to: scratch)
        connection.transport.write(scratch.readable)
        scratch.clear()
        armServerDeadline()
        sendKeptBody()
        if requestEnded { return connection.flush() }
        client.bodyWanted()
        // What has come of the body goes along with the head.
        if !client.isReading { flushRequest() }
    }

    /// Whether body bytes belong to the request.
    internal var hasRequestBody: Bool { head.framing != .none && head.framing != .length(0) }

    /// Whether the client asks for another protocol. The body is then whatever follows the switch.
    internal var isUpgrade: Bool { !head.upgrade.isEmpty }

    /// Whether it asks for that by extended CONNECT (RFC 8441): there, any 2xx means that the protocol is spoken.
    internal var isExtendedConnect: Bool { isUpgrade && head.version == .http2 }

    /// What is written anew. The key of an extended CONNECT is the gateway's own.
    private static let leftOut = FieldNames(.host, .contentLength, .transferEncoding, .te)
    private static let leftOutOfConnect = FieldNames(.host, .contentLength, .transferEncoding, .te, .secWebSocketKey)

    private func writeFields(of head: MessageHead, to out: ByteBuffer) {
        let text = head.bytes
        HTTP1Writer.field(name: "host", value: text.span(head.authority), to: out)
        HTTP1Writer.fields(of: head, without: isExtendedConnect ? Self.leftOutOfConnect : Self.leftOut, to: out)
        switch head.framing {
        case .none: break
        case .length(let length):
            HTTP1Writer.field(name: "content-length", decimal: length, to: out)
        case .chunked, .untilClose, .untilEndOfStream:
            HTTP1Writer.field(name: "transfer-encoding", value: "chunked", to: out)
        }
        if head.has(.te) {
            // TE is for one hop and says so (RFC 9110 section 10.1.4); what we take, our client takes.
            HTTP1Writer.field(name: "te", value: "trailers", to: out)
            HTTP1Writer.field(name: "connection", value: "te", to: out)
        }
        if isUpgrade {
            HTTP1Writer.field(name: "connection", value: "upgrade", to: out)
            HTTP1Writer.field(name: "upgrade", value: text.span(head.upgrade), to: out)
        }
        HTTP1Writer.endOfHead(to: out)
    }

    /// Passes on body bytes; the codec calls it only while `wantsBody`.
    internal func requestBody(_ bytes: Span<UInt8>) {
        guard admitBody(bytes.count) else { return }
        client?.bodyTaken(bytes.count)
        guard stage == .forwarding || stage == .tunnel else { return }
        if hasRequestBody { keepBody(bytes) }
        bodyForwarded += UInt64(bytes.count)
        sendBody(bytes)
    }

    /// Sends body bytes to the server as the head has framed them.
    internal func sendBody(_ bytes: Span<UInt8>) {
        guard let connection else { return }
        if isTunnel || head.framing != .chunked && head.framing != .untilEndOfStream {
            connection.transport.write(bytes)
        } else {
            let scratch = worker.scratch
            scratch.clear()
            HTTP1Writer.chunkHead(size: bytes.count, to: scratch)
            connection.transport.write(scratch.readable)
            scratch.clear()
            connection.transport.write(bytes)
            HTTP1Writer.chunkEnd(to: scratch)
            connection.transport.write(scratch.readable)
            scratch.clear()
        }
    }

    /// The client's body is complete. - Parameter trailers: what came behind it. They go with a chunked body; one
    /// with a length has no place for them.
    internal func requestBodyEnded(trailers: MessageHead? = nil) {
        requestEnded = true
        guard stage == .forwarding else { return }
        if let trailers, !trailers.fields.isEmpty {
            TrailerField.mark(trailers, of: head)
            dropSubjects(of: trailers)
            endTrailers = trailers
        }
        sendBodyEnd()
    }

    /// Lets the server know that the body is complete, where its length has not.
    internal func sendBodyEnd() {
        guard let connection else { return }
        switch head.framing {
        case .chunked, .untilEndOfStream:
            let scratch = worker.scratch
            scratch.clear()
            if let endTrailers {
                HTTP1Writer.lastChunk(trailers: endTrailers, to: scratch)
            } else {
                HTTP1Writer.lastChunk(to: scratch)
            }
            connection.transport.write(scratch.readable)
            scratch.clear()
        case .none, .length, .untilClose:
            break
        }
    }

    /// Lets body bytes go out to the server; the codec calls it after it gave all it had.
    internal func flushRequest() {
        guard stage == .forwarding || stage == .tunnel, let connection else { return }
        guard connection.transport.pendingOutput > 0 else { return }
        armServerDeadline()
        connection.flush()
    }

    /// Sets the server's time-out anew, unless it is the client that is waited for.
    internal func armServerDeadline() {
        let timeouts = runtime.plan.timeouts
        if isTunnel {
            // Once one side has ended, the other has less time (HAProxy's server-fin and client-fin).
            let patience =
                serverHasEnded ? timeouts.clientFin : clientHasEnded ? timeouts.serverFin : timeouts.tunnel
            connection?.setDeadline(patience)
        } else if wantsAnswer && hasRequestBody {
            connection?.setUploadDeadline(timeouts.server)
        } else if wantsAnswer {
            connection?.setDeadline(timeouts.server)
        } else {
            connection?.setDeadline(nil)
        }
    }
}
