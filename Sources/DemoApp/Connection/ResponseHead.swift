import Bytes
import HTTPWire
import Linux

/// The head of an answer of the app server.
internal struct ResponseHead {
    enum Framing {
        case length(UInt64)
        case chunked
        /// The end of the connection ends the body (HTTP/1.0).
        case untilClose
        /// There is none, and no field says so (RFC 9110 section 8.6).
        case bodiless
    }

    var status = 200
    var type: StaticString = "application/json"
    var framing: Framing

    /// - Parameters:
    ///   - version: the request's.
    ///   - keepsAlive: whether the connection goes on after it.
    func write(server: AppName, version: Version, keepsAlive: Bool, to out: ByteBuffer) {
        HTTP1Writer.statusLine(status: status, to: out)
        HTTP1Writer.field(name: "x-served-by", value: server.bytes.span, to: out)
        out.append("date: ")
        HTTPDate.append(unixSeconds: Clock.realtimeSeconds, to: out)
        out.append("\r\n")
        switch framing {
        case .length(let count): HTTP1Writer.field(name: "content-length", decimal: count, to: out)
        case .chunked: HTTP1Writer.field(name: "transfer-encoding", value: "chunked", to: out)
        case .untilClose, .bodiless: break
        }
        if case .bodiless = framing {} else { HTTP1Writer.field(name: "content-type", value: type, to: out) }
        if !keepsAlive {
            HTTP1Writer.field(name: "connection", value: "close", to: out)
        } else if version == .http10 {
            HTTP1Writer.field(name: "connection", value: "keep-alive", to: out)
        }
        HTTP1Writer.endOfHead(to: out)
    }
}
