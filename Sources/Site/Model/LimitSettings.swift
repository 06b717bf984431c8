/// `limits`: what one client, and all of them, may use up.
package struct LimitSettings: Sendable, Equatable {
    /// `connections`: clients' connections in all; nil for as many as the limit on descriptors allows.
    package var connections: Int?
    /// `connections-per-address`: nil for no bound.
    package var connectionsPerAddress: Int?
    /// `request-line`: 414 above.
    package var requestLine = ByteSize.kibibytes(8)
    /// `header`: one field; 431 above.
    package var header = ByteSize.kibibytes(8)
    /// `headers`: all fields; 431 above.
    package var headers = ByteSize.kibibytes(64)
    /// `header-count`: 431 above.
    package var headerCount = 100
    /// `body`: 413 above. Unlimited by default, as in HAProxy and Caddy: bodies are streamed, never held. Routes may
    /// override it.
    package var body = BodyLimit.unlimited
    /// `minimum-body-rate`: in bytes a second, over the time the client is waited for; 408 below. 0: no minimum.
    package var minimumBodyRate: ByteSize = 500
    /// `streams`: HTTP/2 streams open at a time on a connection.
    package var streams = 128
    /// `buffer`: bytes read on one side of a connection and not yet taken by the other; back-pressure above.
    package var buffer = ByteSize.kibibytes(64)

    package init() {}
}
