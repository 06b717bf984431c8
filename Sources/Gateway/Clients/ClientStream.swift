import Bytes
import HTTPWire

/// Where a request comes from and its answer goes: a connection in HTTP/1, a stream of one in HTTP/2.
///
/// The exchange speaks to it in messages; how they look on the wire is the codec's own affair. The
/// codec gives body bytes to the exchange only while `exchange.wantsBody`.
internal protocol ClientStream: AnyObject {
    /// The connection that it came by.
    var origin: ClientConnection { get }

    /// Sends a 1xx answer (RFC 9110 section 15.2).
    func sendInformational(_ head: MessageHead)
    /// Sends the head of the answer. `head.framing` says what body follows; `none` when there is none.
    func sendHead(_ head: MessageHead)
    func sendBody(_ bytes: Span<UInt8>)
    /// Ends the answer.
    func sendEnd(trailers: MessageHead?)
    /// Lets what was sent go out.
    func flush()
    /// Whether the client takes more without what waits for it growing past the bound.
    var isCongested: Bool { get }
    /// Ends an answer that cannot be completed, so that it does not look complete.
    func cut()
    /// The exchange wants body bytes again.
    func bodyWanted()
    /// Whether it is amid what a read gave it, and lets the request's bytes go out when it is through.
    var isReading: Bool { get }
    /// The exchange has taken `count` body bytes off its hands: flow control may let more come.
    func bodyTaken(_ count: Int)
    /// The answer agreed to another protocol: from here on bytes pass as they are.
    func becomeTunnel()
    /// The exchange is over and forgets the stream. Called once, at the very end.
    func exchangeEnded()
}

/// What the TLS handshake of a connection settled.
internal struct ClientSecurity {
    /// "TLSv1.3" or "TLSv1.2".
    let version: StaticString
    let isResumed: Bool
    /// The name the client asked for, lower case; empty when it named none.
    let serverName: [UInt8]
    /// The subject of the client's certificate; empty when it showed none.
    let subject: [UInt8]
}
