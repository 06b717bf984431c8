import Bytes
import Engine
import HTTPWire
import OpenSSL

/// What each endpoint answers.
extension Connection {
    /// Decides what is kept of a body, before it comes.
    func makeIntake() -> Intake {
        switch endpoint {
        case .echo: .text(ByteBuffer(capacity: 1024))
        case .upload: (try? MessageDigest(.sha256)).map { .digest($0) } ?? .none
        default: .none
        }
    }

    /// Begins the answer to a request that has come whole.
    func answer() {
        phase = .answer(.nothing)
        let body = server.bodyScratch
        body.clear()
        switch endpoint {
        case .page:
            Documents.page(server.name, to: body)
            send(type: "text/html; charset=utf-8")
        case .health:
            body.append("ok\n")
            send(type: "text/plain; charset=utf-8")
        case .echo:
            guard case .text(let text) = intake else { return }
            Documents.echo(head, by: server.name, body: text, length: received, to: body)
            send()
        case .upload:
            guard case .digest(let digest) = intake else { return fail(500, "OpenSSL offers no SHA-256") }
            Documents.upload(bytes: received, digest: digest.finish(), to: body)
            send()
        case .bytes(let count):
            writeHead(ResponseHead(type: "application/octet-stream", framing: .length(count)))
            if hasBody && count > 0 { phase = .answer(.filler(count)) }
        case .status(let status): answerStatus(status)
        case .slow(let milliseconds):
            phase = .answer(.slow(milliseconds))
            server.loop.setDeadline(registration, after: milliseconds)
        case .drip(let lines, let milliseconds): beginDrip(lines, milliseconds)
        case .webSocket: openWebSocket()
        case .unknown: fail(404, "no such path here; GET / lists those that are")
        case .wrong(let fault): fail(400, fault.explanation)
        }
    }

    func answerSlow(_ milliseconds: UInt64) {
        phase = .answer(.nothing)
        let body = server.bodyScratch
        body.clear()
        Documents.slow(milliseconds: milliseconds, to: body)
        send()
    }

    /// Refuses a message whose end is not known, and with it the connection.
    func refuse(_ refusal: Refusal) {
        keepsAlive = false
        phase = .answer(.nothing)
        let body = server.bodyScratch
        body.clear()
        Documents.error(refusal.reason.rawValue, to: body)
        send(status: refusal.status)
    }

    /// Writes a line of `/drip`, or the end after the last one.
    func writeLine(_ drip: Drip) {
        let out = server.bodyScratch
        out.clear()
        let line = drip.left
        if line > 0 {
            let text = "\(line)\n"
            if drip.isChunked { HTTP1Writer.chunkHead(size: text.utf8.count, to: out) }
            out.append(string: text)
            if drip.isChunked { HTTP1Writer.chunkEnd(to: out) }
        }
        if line <= 1 {
            if drip.isChunked { HTTP1Writer.lastChunk(to: out) }
            phase = .answer(.nothing)
        } else {
            phase = .answer(.drip(Drip(left: line - 1, milliseconds: drip.milliseconds, isChunked: drip.isChunked)))
            server.loop.setDeadline(registration, after: drip.milliseconds)
        }
        transport.write(out.readable)
    }

    private var hasBody: Bool { head.method != .head }

    private func beginDrip(_ lines: UInt64, _ milliseconds: UInt64) {
        let isChunked = head.version != .http10
        if !isChunked { keepsAlive = false }
        writeHead(ResponseHead(type: "text/plain; charset=utf-8", framing: isChunked ? .chunked : .untilClose))
        guard hasBody else { return }
        writeLine(Drip(left: lines, milliseconds: milliseconds, isChunked: isChunked))
    }

    private func answerStatus(_ status: Int) {
        switch status {
        case 204, 304: writeHead(ResponseHead(status: status, framing: .bodiless))
        case 205: writeHead(ResponseHead(status: status, framing: .length(0)))
        default:
            Documents.status(status, to: server.bodyScratch)
            send(status: status)
        }
    }

    private func openWebSocket() {
        guard let outcome = try? WebSocketHandshake.judge(head) else { return fail(500, "OpenSSL offers no SHA-1") }
        switch outcome {
        case .accepted(let proof):
            let out = server.headScratch
            let name = server.name.bytes
            out.clear()
            HTTP1Writer.statusLine(status: 101, to: out)
            HTTP1Writer.field(name: "x-served-by", value: name.span, to: out)
            HTTP1Writer.field(name: "connection", value: "Upgrade", to: out)
            HTTP1Writer.field(name: "upgrade", value: "websocket", to: out)
            HTTP1Writer.field(name: "sec-websocket-accept", value: proof.span, to: out)
            HTTP1Writer.endOfHead(to: out)
            transport.write(out.readable)
            phase = .webSocket(WebSocketEcho())
        case .upgradeRequired: fail(426, "/ws speaks WebSocket, version 13")
        case .malformed: fail(400, "not an opening handshake of a WebSocket (RFC 6455 section 4.2)")
        }
    }

    /// - Parameter reason: needs no escaping in JSON.
    private func fail(_ status: Int, _ reason: StaticString) {
        let body = server.bodyScratch
        body.clear()
        Documents.error(reason, to: body)
        send(status: status)
    }

    /// Sends the body that was put together, and its head.
    private func send(status: Int = 200, type: StaticString = "application/json") {
        let body = server.bodyScratch
        writeHead(ResponseHead(status: status, type: type, framing: .length(UInt64(body.count))))
        if hasBody { transport.write(body.readable) }
    }

    private func writeHead(_ response: ResponseHead) {
        let out = server.headScratch
        out.clear()
        response.write(server: server.name, version: head.version, keepsAlive: keepsAlive, to: out)
        transport.write(out.readable)
    }
}
