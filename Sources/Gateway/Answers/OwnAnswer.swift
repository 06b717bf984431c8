import Bytes
import HTTPWire

/// The gateway's own answers: refusals, redirects and failures, short, in HTML or JSON as the client
/// prefers, with the request's identifier so that a person can name the request to the operator.
extension Exchange {
    /// Answers by itself, and ends the exchange.
    ///
    /// - Parameters:
    ///   - text: what to say in place of a page.
    ///   - type: the media type of `text`.
    internal func answer(
        _ status: Int,
        _ outcome: Outcome,
        location: ByteBuffer? = nil,
        text: [UInt8]? = nil,
        type: StaticString = "text/plain"
    ) {
        guard let client else { return }
        self.outcome = outcome
        stage = .answering
        worker.count(.answersOwn)
        settleRequestID()
        let page = text.map(plainPage) ?? ErrorPage.make(status: status, exchange: self)
        response.clear()
        response.status = status
        response.framing = head.method == .head ? .none : .length(UInt64(page.count))
        addFields(status, location: location, length: page.count, type: text == nil ? nil : type)
        answerBegun = true
        client.sendHead(response)
        if head.method != .head {
            answerBytes = UInt64(page.count)
            client.sendBody(page.readable)
        }
        worker.buffers.give(page)
        client.sendEnd(trailers: nil)
        account()
    }

    private func plainPage(_ text: [UInt8]) -> ByteBuffer {
        let page = worker.buffers.take()
        page.append(text.span)
        return page
    }

    private func addFields(_ status: Int, location: ByteBuffer?, length: Int, type: StaticString?) {
        if let type {
            if length > 0 { response.add(.contentType, type) }
        } else if ErrorPage.prefersJSON(self) {
            response.add(.contentType, "application/json")
        } else {
            response.add(.contentType, "text/html; charset=utf-8")
        }
        if head.method == .head {
            let field = response.beginField(.contentLength)
            response.bytes.append(decimal: UInt64(length))
            response.endField(field)
        }
        if let location {
            response.add(.location, location.readable)
            location.clear()
        }
        if status == 405 {
            // RFC 9110 section 15.5.6.
            response.add("allow".utf8Span.span, "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS".utf8Span.span)
        }
        if status == 503 { response.add(.retryAfter, "1") }
        let request = head.bytes
        response.add(.xRequestID, request.span(requestID))
        runtime.fields.add(
            to: response,
            route: route,
            worker: worker,
            isSealed: origin?.isSealed == true
        )
    }
}

/// The body of the gateway's own answers.
internal enum ErrorPage {
    /// Whether the client would rather read JSON.
    static func prefersJSON(_ exchange: Exchange) -> Bool {
        guard let accept = exchange.head.first(.accept) else { return false }
        let text = exchange.head.bytes
        return AcceptPreference.prefersJSON(text.span(accept))
    }

    /// - Returns: a buffer of the worker's pool, which the caller gives back.
    static func make(status: Int, exchange: Exchange) -> ByteBuffer {
        let page = exchange.worker.buffers.take()
        let request = exchange.head.bytes
        let id = exchange.requestID
        if prefersJSON(exchange) {
            page.append("{\"status\":")
            page.append(decimal: status)
            page.append(",\"error\":\"")
            page.append(ReasonPhrase.of(status))
            page.append("\",\"reason\":\"")
            page.append(StatusText.explanation(status))
            page.append("\",\"request_id\":\"")
            page.append(request.span(id))
            page.append("\"}\n")
            return page
        }
        page.append("<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>")
        page.append(decimal: status)
        page.append(" ")
        page.append(ReasonPhrase.of(status))
        page.append("</title><h1>")
        page.append(decimal: status)
        page.append(" ")
        page.append(ReasonPhrase.of(status))
        page.append("</h1><p>")
        page.append(StatusText.explanation(status))
        page.append("</p><p>Request <code>")
        page.append(request.span(id))
        page.append("</code></p></html>\n")
        return page
    }
}

/// What the statuses that the gateway answers with mean to a person.
internal enum StatusText {
    static func explanation(_ status: Int) -> StaticString {
        switch status {
        case 308: "This address is served over HTTPS."
        case 400, 417, 501, 505: "The request is not one that this server takes."
        case 404: "Nothing is served under this address."
        case 405: "The method is not allowed here."
        case 408: "The request did not arrive in time."
        case 413: "The request body is larger than is taken here."
        case 414, 431: "The request head is larger than is taken here."
        case 421: "This connection was made for another host name."
        case 502: "The server behind this gateway gave no sound answer."
        case 503: "No server is free to answer. Please try again soon."
        case 504: "The server behind this gateway did not answer in time."
        default: "The request could not be answered."
        }
    }
}
