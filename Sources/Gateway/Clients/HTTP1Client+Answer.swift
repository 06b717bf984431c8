import Bytes
import Engine
import HTTPWire

/// The answer's side of a client's connection: heads and bodies written as HTTP/1.1, and what comes after the last byte.
extension HTTP1Client: ClientStream {
    var origin: ClientConnection { connection }
    var isCongested: Bool { transport.pendingOutput > 0 && !transport.isWritable }

    func sendInformational(_ head: MessageHead) {
        writeHead(head, addsFraming: false)
    }

    func sendHead(_ head: MessageHead) {
        answerIsChunked = false
        if head.status != 101 {
            switch head.framing {
            case .chunked, .untilClose, .untilEndOfStream:
                endsByClose = exchange?.head.version == .http10
                if endsByClose { isLast = true } else { answerIsChunked = true }
            case .none, .length: break
            }
            // A body that is not complete would be taken for the next request.
            if exchange?.requestEnded == false { isLast = true }
        }
        writeHead(head, addsFraming: head.status != 101)
    }

    /// What frames a body is written anew; a length that describes none, as in the answer to HEAD, is kept.
    private static let leftOut = FieldNames(.contentLength, .transferEncoding)
    private static let leftOutWithoutBody = FieldNames(.transferEncoding)

    private func writeHead(_ head: MessageHead, addsFraming: Bool) {
        let scratch = worker.scratch
        scratch.clear()
        HTTP1Writer.statusLine(status: head.status, to: scratch)
        let text = head.bytes
        HTTP1Writer.fields(
            of: head,
            without: head.framing == .none ? Self.leftOutWithoutBody : Self.leftOut,
            to: scratch
        )
        if addsFraming {
            if case .length(let length) = head.framing {
                HTTP1Writer.field(name: "content-length", decimal: length, to: scratch)
            } else if answerIsChunked {
                HTTP1Writer.field(name: "transfer-encoding", value: "chunked", to: scratch)
            }
            if isLast {
                HTTP1Writer.field(name: "connection", value: "close", to: scratch)
            } else if exchange?.head.version == .http10 {
                HTTP1Writer.field(name: "connection", value: "keep-alive", to: scratch)
            }
        } else if head.status == 101 {
            HTTP1Writer.field(name: "connection", value: "upgrade", to: scratch)
            HTTP1Writer.field(name: "upgrade", value: text.span(head.upgrade), to: scratch)
        }
        HTTP1Writer.endOfHead(to: scratch)
        transport.write(scratch.readable)
        scratch.clear()
    }

    func sendBody(_ bytes: Span<UInt8>) {
        guard answerIsChunked else { return transport.write(bytes) }
        if bytes.isEmpty { return }
        let scratch = worker.scratch
        scratch.clear()
        HTTP1Writer.chunkHead(size: bytes.count, to: scratch)
        transport.write(scratch.readable)
        transport.write(bytes)
        scratch.clear()
        HTTP1Writer.chunkEnd(to: scratch)
        transport.write(scratch.readable)
        scratch.clear()
    }

    func sendEnd(trailers: MessageHead?) {
        if answerIsChunked {
            let scratch = worker.scratch
            scratch.clear()
            if let trailers, !trailers.fields.isEmpty {
                HTTP1Writer.lastChunk(trailers: trailers, to: scratch)
            } else {
                HTTP1Writer.lastChunk(to: scratch)
            }
            transport.write(scratch.readable)
            scratch.clear()
        }
        answerEnded = true
        if state == .tunnel && transport.pendingOutput == 0 { endOutput() }
    }

    func flush() {
        if state != .closed && transport.pendingOutput > 0 { _ = sendWaiting() }
    }

    /// An end before the length or the last chunk shows what is missing, and leaves the answers before this one whole;
    /// where the end alone ends the answer, only a reset does.
    func cut() {
        if endsByClose { close(reset: true) } else { isLast = true }
    }

    func bodyWanted() { pump() }

    var isReading: Bool { isPumping }

    func bodyTaken(_ count: Int) {}

    func becomeTunnel() { state = .tunnel }

    func exchangeEnded() {
        exchange = nil
        if state == .closed { return }
        let isComplete = state == .waiting || state == .head
        // What is left of a body that was answered before its end is still on its way.
        if !isComplete { clientIsThrough = false }
        if isLast || !isComplete || worker.isDraining { return finish() }
        state = .head
        flush()
        if state == .head && transport.pendingOutput == 0 { awaitInput(timeouts.httpKeepAlive) }
        if state != .closed { pump() }
    }
}
