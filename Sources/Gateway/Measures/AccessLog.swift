import Bytes
package import Engine
import HTTPWire
import Linux

/// Writes a line of JSON for each request into the worker's ring, without ever waiting.
package struct AccessLog {
    private let ring: LogRing?
    private let line = ByteBuffer(capacity: 4096)
    /// Bytes of a request's text that a line takes at most, for each of path, host and agent.
    private static let textLimit = 2048

    package init(ring: LogRing?) {
        self.ring = ring
    }

    internal func write(_ exchange: Exchange, now: UInt64) {
        guard let ring, let origin = exchange.origin else { return }
        line.clear()
        line.append("{\"time\":")
        let real = Clock.realtimeMicroseconds
        line.append(decimal: real / 1_000_000)
        line.append(".")
        line.append(decimal: real / 1000 % 1000, digits: 3)
        line.append(",\"client\":\"")
        origin.peer.append(to: line)
        line.append("\"")
        writeRequest(exchange)
        line.append(",\"status\":")
        line.append(decimal: exchange.answerBegun ? exchange.response.status : 0)
        line.append(",\"bytes\":")
        line.append(decimal: exchange.answerBytes)
        line.append(",\"request_bytes\":")
        line.append(decimal: exchange.bodyReceived)
        writeTimes(exchange, now)
        writeServer(exchange)
        if let security = origin.security {
            line.append(",\"tls\":\"")
            line.append(security.version)
            line.append(security.isResumed ? "\",\"resumed\":true" : "\",\"resumed\":false")
        }
        line.append(",\"outcome\":\"")
        append(exchange.outcome.rawValue)
        line.append("\"")
        if let refusal = exchange.refusal {
            line.append(",\"refusal\":\"")
            append(refusal.rawValue)
            line.append("\"")
        }
        line.append("}\n")
        if !ring.write(line.readable) { exchange.worker.count(.logLinesDropped) }
    }

    private func writeRequest(_ exchange: Exchange) {
        let head = exchange.head
        let text = head.bytes
        line.append(",\"request_id\":\"")
        line.append(text.span(exchange.requestID))
        line.append("\",\"method\":\"")
        appendEscaped(text.span(head.methodName))
        line.append("\",\"host\":\"")
        appendEscaped(text.span(head.authority))
        line.append("\",\"path\":\"")
        appendEscaped(text.span(head.target))
        switch head.version {
        case .http10: line.append("\",\"protocol\":\"HTTP/1.0\"")
        case .http11: line.append("\",\"protocol\":\"HTTP/1.1\"")
        case .http2: line.append("\",\"protocol\":\"HTTP/2\"")
        }
        if let agent = head.first(.userAgent) {
            line.append(",\"user_agent\":\"")
            appendEscaped(text.span(agent))
            line.append("\"")
        }
        if let referer = head.first(.referer) {
            line.append(",\"referer\":\"")
            appendEscaped(text.span(referer))
            line.append("\"")
        }
    }

    /// Seconds with microseconds; a phase that was not reached is left out.
    private func writeTimes(_ exchange: Exchange, _ now: UInt64) {
        let times = exchange.times
        if times.selected > 0 { appendTime(",\"queue_time\":", times.selected - times.received) }
        if times.connected > 0 { appendTime(",\"connect_time\":", times.connected - times.selected) }
        if times.answered > 0 { appendTime(",\"response_time\":", times.answered - times.connected) }
        appendTime(",\"total_time\":", now - times.begun)
    }

    private func writeServer(_ exchange: Exchange) {
        guard let pool = exchange.pool else { return }
        line.append(",\"pool\":\"")
        append(pool.plan.name)
        if exchange.lastServer >= 0 {
            line.append("\",\"server\":\"")
            append(pool.plan.servers[exchange.lastServer].name)
        }
        line.append("\",\"retries\":")
        line.append(decimal: max(0, exchange.attempts - 1))
    }

    private func appendTime(_ name: StaticString, _ microseconds: UInt64) {
        line.append(name)
        line.append(decimal: microseconds / 1_000_000)
        line.append(".")
        line.append(decimal: microseconds % 1_000_000, digits: 6)
    }

    /// Appends a name of the site or of the program, which JSON takes as it is, without copying it first.
    private func append(_ name: String) {
        line.append(name.utf8Span.span)
    }

    /// Appends client-chosen bytes as the inside of a JSON string: ASCII as it is, all else escaped, so
    /// that no line can be forged or broken whatever the bytes are.
    private func appendEscaped(_ bytes: Span<UInt8>) {
        let count = min(bytes.count, Self.textLimit)
        // Runs of plain bytes are copied whole: most text is one run.
        var plain = 0
        for index in 0..<count {
            let byte = bytes[index]
            if byte &- 0x20 < 0x5F && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\") { continue }
            line.append(bytes.extracting(plain..<index))
            plain = index + 1
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
                line.append(UInt8(ascii: "\\"))
                line.append(byte)
            } else {
                line.append("\\u")
                line.append(hex: UInt64(byte), minimumDigits: 4)
            }
        }
        line.append(bytes.extracting(plain..<count))
    }
}
