import Bytes
import HTTPWire

/// The bodies that are made whole before they are sent.
internal enum Documents {
    static func page(_ name: AppName, to out: ByteBuffer) {
        out.append("<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>")
        out.append(name.bytes)
        out.append("</title>\n<h1>")
        out.append(name.bytes)
        out.append("</h1>\n<p>An app server behind Gatehouse. It also has\n")
        out.append("<a href=\"/echo\">/echo</a>, <a href=\"/healthz\">/healthz</a>,\n")
        out.append("<a href=\"/bytes/1000\">/bytes/N</a>, <a href=\"/slow?ms=500\">/slow?ms=N</a>,\n")
        out.append("<a href=\"/status/503\">/status/N</a>, <a href=\"/drip?n=20&amp;ms=100\">/drip?n=N&amp;ms=N</a>,\n")
        out.append("/upload, and a WebSocket on /ws.</p>\n</html>\n")
    }

    /// The request as it came, with the start of its body.
    static func echo(_ head: MessageHead, by name: AppName, body: ByteBuffer, length: UInt64, to out: ByteBuffer) {
        let bytes = head.bytes
        out.append("{")
        JSON.append(name: "server", isFirst: true, to: out)
        JSON.append(name.bytes.span, to: out)
        JSON.append(name: "method", to: out)
        JSON.append(bytes.span(head.methodName), to: out)
        JSON.append(name: "target", to: out)
        JSON.append(bytes.span(head.target), to: out)
        JSON.append(name: "version", to: out)
        out.append(head.version == .http10 ? "\"HTTP/1.0\"" : "\"HTTP/1.1\"")
        JSON.append(name: "headers", to: out)
        out.append("[")
        var isFirst = true
        for field in head.fields {
            out.append(isFirst ? "[" : ",[")
            isFirst = false
            JSON.append(bytes.span(field.name), to: out)
            out.append(",")
            JSON.append(bytes.span(field.value), to: out)
            out.append("]")
        }
        out.append("]")
        JSON.append(name: "length", to: out)
        out.append(decimal: length)
        JSON.append(name: "body", to: out)
        JSON.append(body.readable, to: out)
        JSON.append(name: "complete", to: out)
        out.append(length == UInt64(body.count) ? "true}\n" : "false}\n")
    }

    static func upload(bytes: UInt64, digest: [UInt8], to out: ByteBuffer) {
        out.append("{")
        JSON.append(name: "bytes", isFirst: true, to: out)
        out.append(decimal: bytes)
        JSON.append(name: "sha256", to: out)
        out.append("\"")
        for byte in digest { out.append(hex: UInt64(byte), minimumDigits: 2) }
        out.append("\"}\n")
    }

    static func status(_ status: Int, to out: ByteBuffer) {
        out.append("{\"status\":")
        out.append(decimal: status)
        out.append("}\n")
    }

    static func slow(milliseconds: UInt64, to out: ByteBuffer) {
        out.append("{\"waited_ms\":")
        out.append(decimal: milliseconds)
        out.append("}\n")
    }

    /// - Parameter reason: needs no escaping.
    static func error(_ reason: StaticString, to out: ByteBuffer) {
        out.append("{\"error\":\"")
        out.append(reason)
        out.append("\"}\n")
    }

    /// - Parameter reason: needs no escaping.
    static func error(_ reason: String, to out: ByteBuffer) {
        out.append("{\"error\":\"")
        out.append(string: reason)
        out.append("\"}\n")
    }
}
